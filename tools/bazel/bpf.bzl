"""BPF objects compiled by the build, and their skeletons as C++ libraries."""

_CLANG = "/usr/bin/clang"
_BPFTOOL = "/usr/sbin/bpftool"  # a plain user's PATH has no /usr/sbin

def bpf_object(name, src, hdrs = []):
    """`src` (x.bpf.c) compiled to x.bpf.o.

    The working folder is cut off the paths that the compiler notes, so that the line info in the
    object, which reports show, says cli/demo/x.bpf.c on every machine.

    Args:
      name: of the rule.
      src: the source, named x.bpf.c.
      hdrs: headers that src includes, by their path from the top of the tree.
    """
    native.genrule(
        name = name,
        srcs = [src] + hdrs,
        outs = [src[:-len(".c")] + ".o"],
        # asm/types.h lives in the multiarch folder, which clang searches only for the host's target.
        cmd = " ".join([
            _CLANG,
            "-target bpf -g -O2 -mcpu=v3 -std=gnu11 -Wall -Wextra -Werror",
            "-fdebug-prefix-map=$$PWD= -fdebug-prefix-map=./=",
            "-iquote . -idirafter /usr/include/$$(uname -m)-linux-gnu",
            "-c $(location %s) -o $@" % src,
        ]),
    )

def bpf_skeleton(name, src, hdrs = [], visibility = None):
    """`src` (x.bpf.c) as the library `name`, whose one header is x.skel.h.

    Args:
      name: of the library.
      src: the source, named x.bpf.c; the skeleton's struct is x_bpf.
      hdrs: headers that src includes, by their path from the top of the tree.
      visibility: of the library.
    """
    stem = src[:-len(".bpf.c")]
    bpf_object(name = name + "_object", src = src, hdrs = hdrs)
    native.genrule(
        name = name + "_header",
        srcs = [":" + name + "_object"],
        outs = [stem + ".skel.h"],
        cmd = "%s gen skeleton $< name %s_bpf > $@" % (_BPFTOOL, stem),
    )
    native.cc_library(
        name = name,
        hdrs = [":" + name + "_header"],
        deps = ["//tools/bazel/system:libbpf"],
        visibility = visibility,
    )
