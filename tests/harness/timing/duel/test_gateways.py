"""Worker processes: started, asked, refused, lost."""

import gc
import os
import signal
import sys

import numpy as np
import pytest

from harness.model import Case, Implementation, Inputs, Op, Target
from harness.timing.duel import deposit, gateways
from harness.timing.duel.gateways import Place, Question, Refused, Seat, Staff, WorkerHung, WorkerLost
from harness.timing.duel.pairing import Blocks
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
def staff():
    """Return a staff whose workers end with the test."""
    with Staff() as found:
        yield found


@pytest.fixture
def asked(tmp_path, staff):
    """Return how to make a question of a function of a file."""
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL)
    arrays = staff.deposit.put("case", lambda: INPUTS)

    def of(name):
        target = Target(Implementation("numpy", "softmax", name, "fused"), "eager")
        return Question(CASE, target, str(path), arrays, 0)

    return of


def test_worker_holds_and_times(staff, asked):
    """A worker in a process of its own prepares a question, times blocks of it and lets go of it."""
    seat = staff.seat(staff.hire(Place.of("", "", 1, {})), "k", asked("rows"))
    block = seat.block(Blocks(2, 4, 0))

    assert seat.seconds > 0
    assert len(block.seconds) == 4
    seat.leave()
    with pytest.raises(Refused, match="KeyError"):
        seat.block(Blocks(2, 4, 0))


def test_threads_and_variables_are_set_before_the_start(staff):
    """What libc and thread pools read is in the environment that the process starts with."""
    worker = staff.hire(Place.of(sys.executable, "", 3, {"MALLOC_TOP_PAD_": "64"}))
    found = worker.ask("surroundings")

    assert found["threads"] == "3"
    assert "MALLOC_TOP_PAD_=64" in found["allocator"]


def test_error_is_refused_and_the_worker_goes_on(staff, asked):
    """What a framework raises comes back in words, and the next order is carried out."""
    worker = staff.hire(Place.of("", "", 1, {}))

    with pytest.raises(Refused, match="RuntimeError: not today"):
        staff.seat(worker, "k", asked("raises"))
    assert staff.seat(worker, "k", asked("rows")).seconds > 0


def test_dead_worker_is_lost(staff, asked):
    """A worker that dies with an order in hand is said to be lost."""
    worker = staff.hire(Place.of("", "", 1, {}))

    with pytest.raises(WorkerLost, match="died"):
        staff.seat(worker, "k", asked("dies"))
    with pytest.raises(WorkerLost):
        worker.ask("surroundings")


def test_hung_worker_is_lost(staff):
    """A worker that gives no answer in time is said to be lost, and killed when it is dismissed."""
    worker = staff.hire(Place.of("", "", 1, {}))
    pid = worker.ask("process")
    worker._timeout_seconds = 0.2
    os.kill(pid, signal.SIGSTOP)
    worker.tell("surroundings")

    with pytest.raises(WorkerHung, match=r"no answer in 0\.2 s"):
        worker.hear()
    staff.dismiss([worker])
    wait_until(lambda: not alive(pid))


# execnet (seen in 2.1) drops the pipes of a process that gave no answer, and Python says so when it collects them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("place", [Place.of("/nowhere/python", "", 1, {}), Place("popen//python=false")])
def test_interpreter_that_does_not_start(staff, place):
    """An interpreter that is not there, or is none, is said to be so."""
    with pytest.raises(WorkerLost, match="try the interpreter by hand"):
        staff.hire(place)
    gc.collect()  # here, and not in a test that comes after


def test_every_answer_is_heard(staff, asked):
    """A question that one worker dies of and one refuses leaves no answer behind: the next one gets its own."""
    first, second = (staff.hire(Place.of("", "", 1, {})) for _ in range(2))
    found = staff.seat_each([(first, "a", asked("dies")), (second, "b", asked("raises")), (second, "c", asked("rows"))])

    assert [type(one) for one in found] == [WorkerLost, Refused, Seat]
    assert (found[0].key, found[1].state) == ("a", "failed")
    assert second.ask("surroundings")["threads"] == "1"
    with pytest.raises(WorkerLost):
        staff.seat_all([(first, "a", asked("rows")), (second, "b", asked("raises"))])


def test_block_that_a_worker_dies_in(staff, asked):
    """Where a process dies while it is timed, it is known what it was timed with."""
    seat = staff.seat(staff.hire(Place.of("", "", 1, {})), "k", asked("rows"))
    os.kill(seat.worker.ask("process"), signal.SIGKILL)

    with pytest.raises(WorkerLost) as lost:
        seat.block(Blocks(2, 4, 0))
    assert lost.value.key == "k"


def test_dismissed_workers_end(staff):
    """Workers can be ended before the others."""
    kept, gone = (staff.hire(Place.of("", "", 1, {})) for _ in range(2))
    pid = gone.ask("process")
    staff.dismiss([gone])

    wait_until(lambda: not alive(pid))
    assert alive(kept.ask("process"))


def test_workers_end_with_their_staff():
    """No worker outlives the session."""
    with Staff() as staff:
        pid = staff.hire(Place.of("", "", 1, {})).ask("process")
        assert alive(pid)
    wait_until(lambda: not alive(pid))


def test_arrays_are_drawn_and_written_once(staff):
    """A name's arrays are drawn when first met; workers of this machine read the very files."""
    drawn = []

    def draw():
        drawn.append(1)
        return INPUTS

    first, second = staff.deposit.put("n", draw), staff.deposit.put("n", draw)

    assert first is second
    assert len(drawn) == 1
    assert first["labels"] is None
    assert np.fromfile(first["logits"][0], "f4").tolist() == [1.0] * 20
    staff.deposit.forget("n")
    assert not os.path.exists(first["logits"][0])  # noqa: PTH110
    staff.deposit.put("n", draw)
    assert len(drawn) == 2


class Elsewhere:
    """A worker on another machine, which notes what it is told."""

    place = Place("ssh=host")

    def __init__(self):
        """Start with nothing told."""
        self.told = []

    def ask(self, *order):
        """Note an order."""
        self.told.append(order)


def test_arrays_are_sent_to_other_machines_in_pieces(monkeypatch):
    """A worker that does not share our files is sent them, once, in pieces."""
    monkeypatch.setattr(deposit, "PIECE_BYTES", 50)
    found, worker = deposit.Deposit(), Elsewhere()
    arrays = found.put("n", lambda: INPUTS)
    found.send(worker, arrays)
    found.send(worker, arrays)
    found.close()

    assert [(order, len(piece)) for order, _, piece in worker.told] == [("receive", 50), ("receive", 30)] * 2


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
    assert gateways.started_with(spec, {"A": "1", "B": "x y", "C": "a//b"}) == expected


def test_worker_is_a_process_of_its_own(staff):
    """Two workers are two processes, and neither is this one."""
    pids = {os.getpid(), *(staff.hire(Place.of("", "", 1, {})).ask("process") for _ in range(2))}

    assert len(pids) == 3
