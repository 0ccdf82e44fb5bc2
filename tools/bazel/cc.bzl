"""The C++ rules of this project: the native ones with warnings as errors."""

load("//tools/bazel:warnings.bzl", "WARNINGS")

def correlate_library(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = WARNINGS + copts, **kwargs)

def correlate_binary(name, copts = [], **kwargs):
    native.cc_binary(name = name, copts = WARNINGS + copts, **kwargs)

def correlate_test(name, copts = [], deps = [], **kwargs):
    native.cc_test(
        name = name,
        copts = WARNINGS + copts,
        deps = deps + ["//tools/bazel/system:gtest_main"],
        **kwargs
    )

def correlate_fuzz_test(name, corpus = [], copts = [], linkopts = [], tags = [], **kwargs):
    """A libFuzzer target: built only under --config=fuzz, run by tools/test for a short time."""
    native.cc_binary(
        name = name,
        testonly = True,
        copts = WARNINGS + copts,
        linkopts = linkopts + ["-fsanitize=fuzzer"],
        tags = tags + ["fuzz", "manual"],
        **kwargs
    )
