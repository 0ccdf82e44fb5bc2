"""Tests of the binary, in Debian's Python."""

def integration_test(name, src, data = [], tags = ["root", "exclusive"], env = {}, size = "medium", **kwargs):
    """A test that #!/usr/bin/python3 runs and whose cases are counted.

    Args:
      name: of the test.
      src: a unittest module that ends with harness.main().
      data: what it needs besides the binary and the modules of tests/integration.
      tags: by default it needs root, and runs alone: it looks at what is left on the host, and at times.
      env: more of the environment.
      size: as for every test: how long it may take.
      **kwargs: as for every test.
    """
    native.sh_test(
        name = name,
        size = size,
        srcs = [src],
        data = data + ["//tests/integration:support"],
        # PYTHONPATH: the top of the tree, where a test runs.
        env = dict(env, PYTHONDONTWRITEBYTECODE = "1", PYTHONPATH = "."),
        tags = tags,
        **kwargs
    )
