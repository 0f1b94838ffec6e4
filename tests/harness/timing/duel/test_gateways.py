"""Worker processes: started, asked, refused, lost."""

import gc
import os
import signal
import sys

import numpy as np
import pytest

from harness.model import Case, Implementation, Inputs, Op, Target
from harness.timing.duel import gateways
from harness.timing.duel.gateways import Loaded, Refused, Worker, WorkerHung, WorkerLost, Workers
from harness.timing.duel.order import Order
from harness.timing.duel.pairing import Blocks
from harness.timing.duel.site import Site
from tests.made.processes import alive, wait_until

CASE = Case(Op.of("softmax"), "value", "speed", "float32", 4, 5)
INPUTS = Inputs(np.ones((4, 5), "f4"), None, np.ones((4, 5), "f4"))
KERNEL = """
import os
import numpy as np
from harness.adapters import implements

@implements("softmax", framework="numpy")
def rows(logits, axis):
    return logits / 5

@implements("softmax", framework="numpy")
def raises(logits, axis):
    raise RuntimeError("not today")

@implements("softmax", framework="numpy")
def dies(logits, axis):
    os._exit(3)
"""


@pytest.fixture
def workers():
    """Return workers that end with the test."""
    with Workers() as running:
        yield running


@pytest.fixture
def order(tmp_path, workers):
    """Return how to order a function of a file."""
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL)
    arrays = workers.arrays.put("case", lambda: INPUTS)

    def make(name):
        target = Target(Implementation("numpy", "softmax", name, "fused"), "eager")
        return Order(CASE, target, str(path), arrays, 0)

    return make


def test_worker_prepares_and_times(workers, order):
    """A worker in a process of its own prepares a call, times blocks of it and drops it."""
    loaded = workers.load(workers.start(Site.of()), "k", order("rows"))
    block = loaded.block(Blocks(2, 4, 0))

    assert loaded.seconds > 0
    assert len(block.seconds) == 4
    loaded.unload()
    with pytest.raises(Refused, match="KeyError"):
        loaded.block(Blocks(2, 4, 0))


def test_threads_and_variables_are_set_before_the_start(workers):
    """What libc and thread pools read is in the environment that the process starts with."""
    worker = workers.start(Site.of(sys.executable, threads=3, variables={"MALLOC_TOP_PAD_": "64"}))
    found = worker.ask("surroundings")

    assert found["threads"] == "3"
    assert "MALLOC_TOP_PAD_=64" in found["allocator"]


def test_error_is_refused_and_the_worker_goes_on(workers, order):
    """What a framework raises comes back in words, and the next order is carried out."""
    worker = workers.start(Site.of())

    with pytest.raises(Refused, match="RuntimeError: not today"):
        workers.load(worker, "k", order("raises"))
    assert workers.load(worker, "k", order("rows")).seconds > 0


def test_dead_worker_is_lost(workers, order):
    """A worker that dies with an order in hand is said to be lost."""
    worker = workers.start(Site.of())

    with pytest.raises(WorkerLost, match="died"):
        workers.load(worker, "k", order("dies"))
    with pytest.raises(WorkerLost):
        worker.ask("surroundings")


def test_hung_worker_is_lost(workers):
    """A worker that gives no answer in time is said to be lost, and killed when it is stopped."""
    worker = workers.start(Site.of())
    pid = worker.ask("process")
    worker._timeout_seconds = 0.2
    os.kill(pid, signal.SIGSTOP)
    worker.send("surroundings")

    with pytest.raises(WorkerHung, match=r"no answer in 0\.2 s"):
        worker.receive()
    workers.stop([worker])
    wait_until(lambda: not alive(pid))


# execnet (seen in 2.1) drops the pipes of a process that gave no answer, and Python says so when it collects them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("site", [Site.of("/nowhere/python"), Site("popen//python=false")])
def test_interpreter_that_does_not_start(workers, site):
    """An interpreter that is not there, or is none, is said to be so."""
    with pytest.raises(WorkerLost, match="try the interpreter by hand"):
        workers.start(site)
    gc.collect()  # here, and not in a test that comes after


def test_every_answer_is_received(workers, order):
    """An order that one worker dies of and one refuses leaves no answer behind: the next one gets its own."""
    first, second = (workers.start(Site.of()) for _ in range(2))
    found = workers.load_each(
        [(first, "a", order("dies")), (second, "b", order("raises")), (second, "c", order("rows"))]
    )

    assert [type(one) for one in found] == [WorkerLost, Refused, Loaded]
    assert (found[0].key, found[1].outcome.kind) == ("a", "raised")
    assert second.ask("surroundings")["threads"] == "1"
    with pytest.raises(WorkerLost):
        workers.load_all([(first, "a", order("rows")), (second, "b", order("raises"))])


def test_block_that_a_worker_dies_in(workers, order):
    """Where a process dies while it is timed, it is known what it was timed with."""
    loaded = workers.load(workers.start(Site.of()), "k", order("rows"))
    os.kill(loaded.worker.ask("process"), signal.SIGKILL)

    with pytest.raises(WorkerLost) as lost:
        loaded.block(Blocks(2, 4, 0))
    assert lost.value.key == "k"


def test_stopped_workers_end(workers):
    """Workers can be ended before the others."""
    kept, gone = (workers.start(Site.of()) for _ in range(2))
    pid = gone.ask("process")
    workers.stop([gone])

    wait_until(lambda: not alive(pid))
    assert alive(kept.ask("process"))


def test_workers_end_with_their_session():
    """No worker outlives the session."""
    with Workers() as workers:
        pid = workers.start(Site.of()).ask("process")
        assert alive(pid)
    wait_until(lambda: not alive(pid))


class Elsewhere:
    """A worker on another machine, which notes its orders."""

    site = Site("ssh=host")

    def __init__(self):
        """Begin with no order."""
        self.orders, self._uploaded = [], set()

    def ask(self, *order):
        """Note an order."""
        self.orders.append(order)


def test_arrays_are_sent_to_other_machines_in_pieces(workers, monkeypatch):
    """A worker that does not share our files is sent them, once, in pieces."""
    monkeypatch.setattr(gateways, "PIECE_BYTES", 50)
    worker = Elsewhere()
    arrays = workers.arrays.put("n", lambda: INPUTS)
    Worker.upload(worker, arrays)
    Worker.upload(worker, arrays)

    assert [(order, len(piece)) for order, _, piece in worker.orders] == [("append", 50), ("append", 30)] * 2


def test_worker_is_a_process_of_its_own(workers):
    """Two workers are two processes, and neither is this one."""
    pids = {os.getpid(), *(workers.start(Site.of()).ask("process") for _ in range(2))}

    assert len(pids) == 3
