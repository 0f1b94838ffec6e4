"""A Dask scheduler and its workers, started on loopback for a test."""

import importlib.util
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

from tests.conftest import ROOT

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="dask.distributed is not installed, expected the extra dask; try: pip install 'xentbench[dask]'",
)


@contextmanager
def cluster(*workers):
    """Yield the address of a scheduler, and its workers' processes, each with a folder that its Python looks in first.

    A folder may be empty, and is then none.
    """
    with ExitStack() as stack:

        def started(said, folder, *arguments):
            path = os.pathsep.join(filter(None, (str(folder), str(ROOT))))
            one = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", *arguments],
                    env=os.environ | {"PYTHONPATH": path},
                    stderr=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    text=True,
                )
            )
            stack.callback(one.kill)
            return one, next(line for line in one.stderr if said in line)

        local = ("--host", "127.0.0.1", "--no-dashboard")
        _, line = started("Scheduler at:", "", "distributed.cli.dask_scheduler", *local, "--port", "0")
        address = line.split()[-1]
        alone = ("--nthreads", "1", "--no-nanny")
        yield (
            address,
            [
                started("Registered to", each, "distributed.cli.dask_worker", address, *alone, *local)[0]
                for each in workers
            ],
        )
