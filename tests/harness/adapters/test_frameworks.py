"""Frameworks by name."""

import pytest

from harness import adapters


def test_an_unknown_framework_is_named_with_those_known():
    """A mistyped name is answered with the names there are."""
    with pytest.raises(ValueError, match=r"'tourch', expected one of .*torch"):
        adapters.load("tourch")


def test_a_file_beside_the_frameworks_is_none():
    """A package is a framework; the modules that all of them share are not listed."""
    assert {"jax", "numpy", "tensorflow", "torch"} <= set(adapters.names())
    assert not {"adapter", "catalogue", "fence", "functions"} & set(adapters.names())
