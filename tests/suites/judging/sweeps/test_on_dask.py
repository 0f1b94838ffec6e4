"""Sweeps on a Dask cluster: the same to the last bit as by a pool, though a worker dies; other versions are refused."""

import signal

import pytest

from harness.running.spread import executors
from harness.running.spread.pieces import Pieces
from harness.running.spread.workers import Mismatch
from suites.judging.sweeps import run
from suites.judging.sweeps.run import Wanted
from tests.made.clusters import cluster, needs_dask

WANTED = Wanted(("sigmoid", "log_sigmoid"), "bfloat16")
OTHER = "import numpy\nnumpy.__version__ += '.post1'\n"


def answers(where, folder, progress=lambda *_: None):
    """Return what the textbook's functions came to, the work done somewhere."""
    with executors.opened(where, 1) as executor, Pieces(folder / "pieces.sqlite") as kept:
        found = run.described(executor, ["numpy"])["numpy"]
        pieces = run.cut(WANTED, "numpy", found, (), ("control",))
        return list(run.run(WANTED, pieces, executor, kept, progress).results())


@needs_dask
def test_killed_worker_changes_no_bit(tmp_path):
    """A worker dies in mid-sweep; what comes of it is what a pool of processes answers."""
    with cluster("", "") as (address, workers):

        def kill(done, *_):
            if done == 1:
                workers[0].send_signal(signal.SIGKILL)

        by_dask = answers(address, tmp_path / "dask", kill)

    assert by_dask == answers("", tmp_path / "pool")
    assert len(by_dask) == 4


@needs_dask
def test_worker_of_another_version_is_refused(tmp_path):
    """One of two workers has another numpy: the sweep ends and says so, and what is done is kept."""
    (tmp_path / "sitecustomize.py").write_text(OTHER)
    with cluster("", tmp_path) as (address, _), pytest.raises(Mismatch, match=r"has numpy '.*', expected '.*' as the"):
        answers(address, tmp_path)
