"""The noxfile's own sessions."""

import importlib.util
import os
import re
from pathlib import Path

import nox
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def noxfile():
    """Return the noxfile as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for variable in ("UV_FIND_LINKS", "SSL_CERT_FILE", "PYTHONPYCACHEPREFIX"):
            patch.setenv(variable, "")  # which reading it may set
        patch.delenv("PYTHONPYCACHEPREFIX")
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # and may take away
        spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def test_sessions_of_workflows_are_there(noxfile):  # noqa: ARG001 - reading it registers its sessions
    """A session that a workflow or CI's script runs is one of the noxfile."""
    texts = [path.read_text("utf-8") for path in [*(ROOT / ".github/workflows").glob("*.yml"), ROOT / ".ci/run"]]
    lines = [names for text in texts for names in re.findall(r"nox -s ((?:[a-z][a-z-]* ?)+)", text)]
    named = {name for names in lines for name in names.split()}

    assert named >= {"tests", "compare", "selftest", "newest"}
    assert named <= {function.name or name for name, function in nox.registry.get().items()}


def test_sessions_keep_bytecode(noxfile):  # noqa: ARG001 - reading it sets the environment of its sessions
    """Where bytecode is not to be written beside its source, sessions keep it in the folder that `clean` removes."""
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
    assert Path(os.environ["PYTHONPYCACHEPREFIX"]) == ROOT / "build" / "bytecode"
