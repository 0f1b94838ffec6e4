"""The command line as its users start it: a process of its own, with the checkout on its path."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.adapters import frameworks
from tests.made import server
from tests.made.processes import PATIENCE_SECONDS

frameworks.triton_first()  # a process of the tests holds all frameworks
ROOT = Path(__file__).parent.parent
THIRD_PARTY = ROOT / "tests" / "third_party"  # adapters as another package brings them, found by entry point


@dataclass(frozen=True)
class Shell:
    """Starts `xentbench`, or another Python module, in a folder of its own."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments, module="xentbench", **options):
        """Start a process; options are Popen's."""
        path = os.pathsep.join([str(ROOT), str(THIRD_PARTY)])
        ours = ("PYTEST_", "XENTBENCH_")  # what the session around this test says of itself
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment = inherited | {"PYTHONPATH": path, "NO_COLOR": "1"} | self.environment
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        command = [sys.executable, "-m", module, *map(str, arguments)]
        return subprocess.Popen(command, env=environment, **{"cwd": self.folder} | streams)

    def __call__(self, *arguments, **options):
        """Wait for a process to end; return its code and all it said."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=3 * PATIENCE_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return the folder of all stores: their goldens lie beside them, and so are made once."""
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="session")
def shell(folder):
    """Return how to start a command."""
    return Shell(folder)


@pytest.fixture(scope="session")
def postgres():
    """Start a PostgreSQL server and return the URL of its database."""
    if why := server.missing():
        pytest.skip(why)
    with server.running() as url:
        yield url


@pytest.fixture
def database(postgres):
    """Return the URL of a schema with nothing in it."""
    return server.schema(postgres)
