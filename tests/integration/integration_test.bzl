"""Tests of the binary, in Debian's Python."""

def integration_test(name, src, tags = ["root", "exclusive"], data = [":support"], **kwargs):
    """A test that #!/usr/bin/python3 runs and whose cases are counted.

    Args:
      name: of the test.
      src: a unittest module that ends with harness.main().
      tags: by default it needs root, and runs alone: it looks at what is left on the host, and at times.
      data: what it reads and runs.
      **kwargs: as for every test.
    """
    native.sh_test(
        name = name,
        size = "medium",
        srcs = [src],
        data = data,
        env = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": ".",  # the top of the tree: a test runs there
        },
        tags = tags,
        **kwargs
    )
