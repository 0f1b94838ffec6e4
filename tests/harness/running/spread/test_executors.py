"""Executors: a pool here, a real Dask scheduler with workers on loopback, and what is not there."""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import pytest

from harness.running.spread import executors
from harness.running.spread.executors import Lost, NoExecutor
from harness.running.spread.pieces import Pieces
from tests.made.clusters import cluster, needs_dask


def test_pool_answers():
    """A process pool does what it is given."""
    with executors.opened("", 1) as pool:
        assert pool.submit(pow, 2, 10).result() == 1024


def test_process_of_a_pool_has_one_thread(monkeypatch):
    """Frameworks that it imports take one thread, unless somebody has said how many."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")

    with executors.opened("", 1) as pool:
        assert [pool.submit(os.getenv, name).result() for name in executors.THREADS[:2]] == ["1", "3"]


def test_address_is_looked_at():
    """What is no scheduler's address is refused at once."""
    with pytest.raises(NoExecutor, match="expected a Dask scheduler's address"):
        executors.check("localhost")
    assert executors.check("tcp://127.0.0.1:8786") == "tcp://127.0.0.1:8786"


@needs_dask
def test_scheduler_that_is_not_there(monkeypatch):
    """Nobody listens: one clear line."""
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 0.5)

    with pytest.raises(NoExecutor, match="no Dask scheduler answers"), executors.opened("tcp://127.0.0.1:9", 1):
        pass


def test_dask_that_is_not_installed(monkeypatch):
    """Without the extra it is said what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(NoExecutor, match=r"pip install 'xentbench\[dask\]'"), executors.opened("tcp://127.0.0.1:9", 1):
        pass


def test_pieces_are_kept_by_key(tmp_path):
    """What was added is there for the next one to open the file, until it is dropped."""
    with Pieces(tmp_path / "pieces.sqlite") as kept:
        kept.add("a", "1")
        kept.add("b", "2")
    with Pieces(tmp_path / "pieces.sqlite") as kept:
        assert kept.get(["a", "b", "c"]) == {"a": "1", "b": "2"}
        kept.drop(["a"])
        assert kept.get(["a", "b"]) == {"b": "2"}


def test_file_that_is_no_database_is_named(tmp_path):
    """A foreign file is no file of pieces."""
    (tmp_path / "pieces.sqlite").write_text("something else, and long enough to be taken for a header")

    with pytest.raises(OSError, match="no file of pieces"):
        Pieces(tmp_path / "pieces.sqlite")


def where(seconds):
    """Wait, and return this process's id."""
    time.sleep(seconds)
    return os.getpid()


def test_interruption_is_left_to_the_parent():
    """Ctrl-C, which a terminal sends to workers too, is no worker's death: that would be taken for the reason."""
    with executors.opened("", 1) as pool:
        worker = pool.submit(where, 0).result()
        waiting = pool.submit(where, 0.5)
        os.kill(worker, signal.SIGINT)

        assert waiting.result() == worker


@needs_dask
def test_worker_that_is_killed_costs_its_piece_alone():
    """A worker dies with a piece in hand; another does that piece, and all are answered."""
    with cluster("", "") as (address, workers), executors.opened(address, 1) as executor:
        waiting = [executor.submit(where, 0.5) for _ in range(6)]
        waiting[0].result(timeout=60)
        workers[0].send_signal(signal.SIGKILL)

        found = [future.result(timeout=60) for future in waiting]

    assert len(found) == 6
    assert workers[1].pid in found


@needs_dask
def test_scheduler_without_workers_is_refused():
    """Nobody would do the work."""
    with (
        cluster() as (address, _),
        pytest.raises(NoExecutor, match="has no workers"),
        executors.opened(address, 1),
    ):
        pass


@needs_dask
def test_scheduler_that_ends_is_said():
    """The scheduler dies with pieces in hand: one line, and not what Dask says of it."""
    with cluster("") as (address, (_, scheduler)):

        def answer():
            with executors.opened(address, 1) as executor:
                waiting = executor.submit(where, 60)
                scheduler.kill()
                return waiting.result()

        with pytest.raises(Lost, match=f"scheduler {address} is gone"):
            answer()


@pytest.mark.parametrize(
    ("scheduler", "worker", "expected"), [(None, 1, "scheduler"), (1, None, "worker tcp://b"), (1, 1, "")]
)
def test_cluster_without_this_program_is_seen(scheduler, worker, expected):
    """A process of a cluster that could read no piece is named."""

    class Client:
        """A client of a scheduler and two workers."""

        run_on_scheduler = staticmethod(lambda *_: scheduler)
        run = staticmethod(lambda *_: {"tcp://a": 1, "tcp://b": worker})

    assert executors._without_us(Client) == expected


def test_pieces_of_a_process_do_not_overlap():
    """A worker with two threads does one piece after the other: none meets another one."""
    barrier = Barrier(2)

    def piece():
        with pytest.raises(BrokenBarrierError):
            barrier.wait(0.05)

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(executors.alone, piece) for _ in range(2)]:
            future.result()
