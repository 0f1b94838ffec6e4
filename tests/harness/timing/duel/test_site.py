"""Where workers run, and what they start with."""

import os
import sys

import pytest

from harness.timing.duel.gateways import Worker
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


@pytest.mark.skipif(os.name != "posix", reason="execnet splits as a shell does on posix alone")
def test_interpreter_in_a_folder_with_a_blank(tmp_path):
    """An interpreter's path is one word, whatever is in it, and a worker starts there."""
    python = tmp_path / "my env" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)

    worker = Worker(Site.of(str(python)))
    try:
        assert isinstance(worker.ask("process"), int)
    finally:
        worker.stop()
