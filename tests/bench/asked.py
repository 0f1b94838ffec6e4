"""A pytest plugin for `tests.bench.job`: leaves out what another checkout did not ask; counts the frameworks' share.

ONLY names a file of questions, one a line, as processes name them to one another; SHARES a folder, to which each
process writes the CPU seconds of loading frameworks, of calls inside the fence, with what they compile, and of all.
"""

import json
import os
import time
from pathlib import Path

import pytest

from harness.adapters import fence, frameworks
from harness.running import process
from tests.bench import children

ONLY, SHARES = "XENTBENCH_BENCH_ONLY", "XENTBENCH_BENCH_SHARES"
SPENT = {"loading": 0.0, "calls": 0.0}


def cpu_seconds():
    """Return the CPU seconds of this process and of those that it has started."""
    return time.process_time() + children.cpu_seconds()


def counted(what, function):
    """Return a function that counts the CPU seconds of all threads, and of compilers it starts, while it is called."""

    def call(*arguments):
        start = cpu_seconds()
        try:
            return function(*arguments)
        finally:
            SPENT[what] += cpu_seconds() - start

    return call


fence.caught = counted("calls", fence.caught)
frameworks.load = counted("loading", frameworks.load)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leave out what is not to be asked."""
    if path := os.environ.get(ONLY):
        asked = set(Path(path).read_text("utf-8").splitlines())
        items[:] = [item for item in items if _name(item) in asked]


def _name(item):
    """Return the name of an item's question; a claim without questions is an item that has none."""
    question = item.callspec.params["question"]
    return process.named(*question[1:]) if isinstance(question, tuple) else ""


@pytest.hookimpl(tryfirst=True)  # before a process leaves
def pytest_unconfigure():
    """Write what was spent."""
    if folder := os.environ.get(SHARES):
        spent = SPENT | {"all": cpu_seconds()}
        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(spent), "utf-8")
