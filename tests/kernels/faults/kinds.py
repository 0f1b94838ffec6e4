"""The kind of mistake that a kernel is planted with, for `tests.selftest` to read from the source."""


def kind(_name):
    """Leave a function as it is; the name says of which kind its mistake is."""
    return lambda function: function
