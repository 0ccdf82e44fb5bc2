"""Tests of the binary, in Debian's Python."""

def integration_test(name, src, **kwargs):
    """`src` is a unittest module that ends with harness.main(), with #!/usr/bin/python3."""
    native.sh_test(
        name = name,
        size = "medium",
        srcs = [src],
        data = [":support"],
        env = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": ".",  # the top of the tree: a test runs there
        },
        # One at a time: they look at what is left on the host, and at times.
        tags = ["root", "exclusive"],
        **kwargs
    )
