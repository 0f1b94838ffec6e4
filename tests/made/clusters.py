"""A Dask scheduler and its workers, started on loopback for a test."""

import importlib.util
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

from harness.running.spread import executors
from tests.conftest import ROOT

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="dask.distributed is not installed, expected the extra dask; try: pip install 'xentbench[dask]'",
)


@contextmanager
def cluster(*workers):
    """Yield the address of a scheduler, and the processes of its workers and, last, its own.

    workers: a folder each, in which its Python looks first; it may be empty, and is then none.
    """
    with ExitStack() as stack:

        def started(folder, *arguments):
            path = os.pathsep.join(filter(None, (str(folder), str(ROOT))))
            one = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", *arguments],
                    env=os.environ | dict.fromkeys(executors.THREADS, "1") | {"PYTHONPATH": path},  # as a nanny does
                    stderr=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    text=True,
                )
            )
            stack.callback(one.kill)
            return one

        local = ("--host", "127.0.0.1", "--no-dashboard")
        scheduler = started("", "distributed.cli.dask_scheduler", *local, "--port", "0")
        address = said("Scheduler at:", scheduler).split()[-1]
        alone = ("--nthreads", "1", "--no-nanny")
        processes = [started(each, "distributed.cli.dask_worker", address, *alone, *local) for each in workers]
        for one in processes:
            said("Registered to", one)
        yield address, [*processes, scheduler]


def said(what, process):
    """Return the line by which a process says something."""
    return next(line for line in process.stderr if what in line)
