"""Processes keep bytecode where it is kept nowhere else, and nowhere beside the packages."""

import subprocess
import sys
from importlib.util import cache_from_source

import pytest

from harness.running import bytecode

PACKAGE = "kept_nowhere"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return the folder of a package that nobody has imported, beside a folder for what is kept."""
    folder = tmp_path / "site" / PACKAGE
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("ANSWER = 42\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setattr(sys, "pycache_prefix", None)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return folder


def test_bytecode_that_is_not_written_gets_a_folder(tmp_path, package, monkeypatch):
    """A process with these variables keeps bytecode in the folder beside the store, and none beside the package."""
    variables = bytecode.variables(tmp_path / "build", ["numpy_of_nobody", PACKAGE])
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    subprocess.run([sys.executable, "-c", f"import {PACKAGE}"], cwd=package.parent, check=True)

    assert [path.name for path in package.iterdir()] == ["__init__.py"]
    assert len(list((tmp_path / "build" / "bytecode").rglob(f"{PACKAGE}/*.pyc"))) == 1


def test_bytecode_that_is_there_stays_in_use(tmp_path, package):
    """A folder of one's own would hide what an installer has compiled."""
    compiled = package / "__pycache__"
    compiled.mkdir()
    (compiled / cache_from_source("__init__.py").rpartition("/")[2]).write_bytes(b"")
    assert bytecode.variables(tmp_path, [PACKAGE]) == {}


def test_bytecode_that_will_be_written_needs_no_folder(tmp_path, package, monkeypatch):  # noqa: ARG001 - it is there
    """Python keeps it beside the package, where that can be written."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert bytecode.variables(tmp_path, [PACKAGE]) == {}


def test_nothing_is_set_where_nothing_can_be_kept(tmp_path, package):  # noqa: ARG001 - it is there
    """A file lies where the folder would be: bytecode is compiled anew, and no process is told otherwise."""
    (tmp_path / "bytecode").write_text("")
    assert bytecode.variables(tmp_path, [PACKAGE]) == {}


def test_what_is_not_installed_asks_for_no_folder(tmp_path):
    """A framework that is missing is compiled by nobody."""
    assert bytecode.variables(tmp_path, ["no_package_of_this_name"]) == {}
