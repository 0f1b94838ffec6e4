"""Where workers run, and what they start with."""

import os

import pytest

from harness.timing.duel.site import Site


@pytest.mark.skipif(os.name != "posix", reason="`env` is a posix command")
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("popen//python=/opt/p y/python", "popen//python=env A=1 B='x y' /opt/p y/python"),
        ("ssh=host//python=/opt/python", "ssh=host//python=env A=1 B='x y' /opt/python"),
        ("ssh=host", "ssh=host//python=env A=1 B='x y' python3"),
    ],
)
def test_started_with(spec, expected):
    """Variables stand before the interpreter, wherever it runs."""
    assert Site(spec).started_with({"A": "1", "B": "x y", "C": "a//b"}) == expected
