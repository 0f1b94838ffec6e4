"""`xentbench` started by an attack: the checkout on its path, in a folder, its output read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 600.0


def started(folder: Path, *words: object, most_bytes: int = 0, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a folder. most_bytes: to which a file of it may grow; 0 for any size."""
    ours = ("PYTEST_", "XENTBENCH_", "GITHUB_")  # what a session around this one says of itself

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.Popen(
        [sys.executable, "-m", "xentbench", *map(str, words)],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        preexec_fn=limit if most_bytes else None,  # noqa: PLW1509 - there are no threads here
    )


def ended(folder: Path, *words: object, most_bytes: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end, as `started`."""
    process = started(folder, *words, most_bytes=most_bytes, **environment)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
