"""A surface walked in a process of its own, because Keras's backend and a framework's settings are a process's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from harness.adapters.fence import NotInstalled
from harness.coverage.kept import Map

ROOT = Path(__file__).parents[2]


def walked(name: str) -> Map:
    """Return the map of a surface as it is installed here.

    Raises NotInstalled where its framework is not there, and RuntimeError where the process ends otherwise.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    run = subprocess.run(
        [sys.executable, "-m", "harness.coverage", name],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["no output"])[-1]
        raise RuntimeError(f"walking {name} ended with exit code {run.returncode}: {last}")
    read = json.loads(run.stdout)
    if "missing" in read:
        raise NotInstalled(read["missing"])
    return Map.made(name, read)
