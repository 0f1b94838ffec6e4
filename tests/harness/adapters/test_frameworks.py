"""Frameworks by name."""

import gc
import subprocess
import sys

import pytest

from harness import adapters
from harness.adapters import NotInstalled, frameworks
from tests.conftest import ROOT


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


@pytest.mark.parametrize("name", ["torch", "tensorflow", "jax"])
def test_framework_that_is_missing_is_named(name):
    """Where a framework is not installed, and nothing that comes with it, the error names it and what to try."""
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys(({name!r}, 'keras', 'optax')))\n"
        "from harness import adapters\n"
        f"adapters.load({name!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    said = done.stderr.splitlines()[-1]
    assert f"{name} cannot be imported (import of {name} " in said
    assert said.endswith(f"; try: pip install 'xentbench[{name}]'")


@pytest.mark.parametrize("collecting", [True, False])
def test_nobody_looks_for_garbage_while_a_framework_is_imported(collecting):
    """Inside, collection is off; afterwards it is as it was, though the import raises."""
    seen = []

    def load():
        with frameworks.importing():
            seen.append(gc.isenabled())
            raise ImportError

    (gc.enable if collecting else gc.disable)()
    try:
        with pytest.raises(ImportError):
            load()
        seen.append(gc.isenabled())
    finally:
        gc.enable()

    assert seen == [False, collecting]


@pytest.mark.parametrize(
    ("installed", "imported"),
    [
        (("triton", "tensorflow"), "triton"),
        (("triton",), ""),
        (("tensorflow",), ""),
    ],
)
def test_triton_is_imported_where_tensorflow_may_be(tmp_path, installed, imported):
    """Where both are installed triton is there before TensorFlow is; where one is alone, nothing is imported."""
    for package in installed:
        (tmp_path / f"{package}.py").touch()
    code = (
        "import importlib.util, sys\n"
        "from harness.adapters import frameworks\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        f"installed, real = {installed!r}, importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: real(name) if name in installed else None\n"
        "frameworks.triton_first()\n"
        "print(*{'triton', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == imported
