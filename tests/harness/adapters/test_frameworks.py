"""Frameworks by name."""

import subprocess
import sys

import pytest

from harness import adapters
from harness.adapters import NotInstalled, frameworks


def test_an_unknown_framework_is_named_with_those_known():
    """A mistyped name is answered with the names there are."""
    with pytest.raises(ValueError, match=r"'tourch', expected one of .*torch"):
        adapters.load("tourch")


def test_a_file_beside_the_frameworks_is_none():
    """A package is a framework; the modules that all of them share are not listed."""
    assert {"jax", "numpy", "tensorflow", "torch"} <= set(adapters.names())
    assert not {"adapter", "catalogue", "fence", "functions"} & set(adapters.names())


@pytest.mark.parametrize("framework", ["numpy", "torch", "jax", "tensorflow"])
def test_declared_modes_are_the_adapter_s(framework):
    """What the source says is what the imported adapter has."""
    try:
        adapter = adapters.load(framework)
    except NotInstalled as missing:
        pytest.skip(str(missing))

    assert frameworks.modes(framework) == adapter.modes


def test_no_framework_is_imported():
    """Reading the modes of every framework imports none of them."""
    code = "import sys; from harness.adapters import frameworks as f; [*map(f.modes, f.names())]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"torch", "jax", "tensorflow"}.isdisjoint(loaded)
