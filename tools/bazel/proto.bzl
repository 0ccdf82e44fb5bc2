"""Protobuf schemas as C++ libraries."""

def cpp_proto(name, visibility = None):
    """NAME.proto as the library NAME_proto, whose one header is NAME.pb.h.

    Debian's protoc does not suit Bazel's cc_proto_library, so by a genrule.

    Args:
      name: of the schema.
      visibility: of the library.
    """
    native.genrule(
        name = name + "_proto_gen",
        srcs = [name + ".proto"],
        outs = [
            name + ".pb.h",
            name + ".pb.cc",
        ],
        cmd = "/usr/bin/protoc --proto_path=. --cpp_out=$(GENDIR) $(location %s.proto)" % name,
    )
    native.cc_library(
        name = name + "_proto",
        srcs = [name + ".pb.cc"],
        hdrs = [name + ".pb.h"],
        deps = ["//tools/bazel/system:protobuf"],
        visibility = visibility,
    )
