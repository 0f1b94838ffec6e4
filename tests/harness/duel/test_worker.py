"""A worker's orders, carried out in this process; devices and their clocks are made up."""

import itertools
import math

import numpy as np
import pytest

from harness import adapters
from harness.adapters import Catalogue, NotSupported
from harness.duel import worker
from harness.duel.worker import Bench, Held

FILE = """
import numpy as np
from harness.adapters import implements

@implements("softmax", framework="numpy")
def rows(logits, axis):
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""


@pytest.fixture
def told(tmp_path):
    """Return a question of a softmax of a file, as a gateway tells it."""
    (tmp_path / "kernel.py").write_text(FILE)
    arrays = {}
    for name in ("logits", "upstream"):
        path = tmp_path / name
        np.arange(20, dtype="f4").reshape(4, 5).tofile(path)
        arrays[name] = (str(path), "float32", (4, 5))
    return {
        "framework": "numpy",
        "file": str(tmp_path / "kernel.py"),
        "name": "rows",
        "mode": adapters.load("numpy").modes[0],
        "device": "cpu",
        "op": "softmax",
        "options": {},
        "quantity": "value",
        "arrays": arrays | {"labels": None},
        "outgrow_bytes": 800,
    }


def test_hold_and_block(told):
    """A held call is timed in the stamps asked for, with copies of its arrays that together outgrow the cache."""
    bench = Bench()
    held = bench.hold("k", told)
    stamps, minor, major, preempted = bench.block("k", 2, 5, 3)

    assert held["bytes"] == 80
    assert held["copies"] == 11
    assert held["first_seconds"] > 0
    assert 0 < held["overhead_seconds"] < held["seconds"]
    assert len(stamps) == 5
    assert min(stamps) > 0
    assert min(minor, major, preempted) >= 0


def test_arrays_are_shared_until_dropped(told):
    """Two calls on the same inputs share their arrays; nothing is kept of what was dropped."""
    bench = Bench()
    bench.hold("one", told)
    bench.hold("other", told)

    assert bench._held["one"].arrays is bench._held["other"].arrays
    bench.drop("one")
    assert len(bench._shared) == 1
    bench.drop("other")
    assert not bench._shared


def test_answer(told):
    """An answer comes back as dtype, shape and bytes."""
    name, shape, found = Bench().answer(told)

    assert (name, shape) == ("float32", (4, 5))
    assert np.frombuffer(found, "f4").reshape(shape).sum(axis=1) == pytest.approx(np.ones(4))


def test_find(told):
    """A name is found with its ops and modes; one that is nowhere is not."""
    bench = Bench()

    assert [each[:3] for each in bench.find([], told["file"], "rows")] == [("numpy", "softmax", "fused")]
    assert bench.find([], told["file"], "columns") == []


def test_fused_functions_once_however_many_names(monkeypatch):
    """Spellings of one function are one entrant, under the first name, in every mode."""
    catalogue = Catalogue("numpy")
    for name in ("np.first", "np.second"):
        catalogue._add("softmax", name, "fused", lambda: None, ("same",), {})
    catalogue._add("softmax", "np.third", "fused", lambda: None, ("other",), {})
    catalogue._add("softmax", "by hand", "naive", lambda: None, ("naive",), {})
    adapter = adapters.load("numpy").offering(catalogue)
    monkeypatch.setattr(worker.adapters, "load", lambda _: adapter)

    assert [name for name, _ in Bench().fused("numpy", "", "softmax")] == ["np.first", "np.third"]


def test_environment_refuses_a_device_that_is_not_there():
    """A device that the framework does not see is refused with those that it sees."""
    with pytest.raises(ValueError, match="numpy sees cpu, expected cuda:7"):
        Bench().environment("numpy", "", "cuda:7")


def test_mode_that_is_not_there(told):
    """A mode that the framework does not have is refused with those that it has."""
    with pytest.raises(ValueError, match="mode is 'warp', expected one of"):
        Bench().hold("k", told | {"mode": "warp"})


class Queue:
    """A device that only queues what it is told, until it is waited for."""

    def __init__(self):
        """Start with an empty queue."""
        self.log = []

    def call(self, array):
        """Queue a call."""
        self.log.append(array)
        return array

    def wait(self, native):
        """Wait for a call."""
        self.log.append(f"wait {native}")


@pytest.mark.parametrize(
    ("each", "calls", "expected"),
    [
        (True, 2, ["a", "wait a", "b", "wait b", "a", "wait a", "b", "wait b"]),
        (True, 1, ["a", "wait a", "b", "wait b"]),
        (False, 2, ["a", "b", "wait b", "a", "b", "wait b"]),
    ],
)
def test_waits(each, calls, expected):
    """On the cpu every call is waited for; on a device the last of a stamp, behind a full queue. Buffers take turns."""
    queue = Queue()
    arrays = (("a",), ("b",))
    held = Held(queue.call, arrays, queue.wait, each, itertools.cycle(arrays))
    times = held.times(calls, 2)

    assert queue.log == expected
    assert times == sorted(times)
    assert len(times) == 3


@pytest.mark.parametrize(("size", "outgrow", "copies"), [(100, 0, 1), (100, 99, 1), (100, 1000, 11), (1, 10**9, 64)])
def test_copies(size, outgrow, copies):
    """What fits the cache is copied until it does not, within reason."""
    assert worker._copies(size, outgrow) == copies


def test_what_goes_wrong_is_an_answer():
    """A refusal and an error come back in words; the worker goes on."""
    bench = Bench()
    bench.refuse = lambda: (_ for _ in ()).throw(NotSupported("not offered"))

    assert worker._carried_out(bench, "refuse", []) == ("unsupported", "not offered")
    assert worker._carried_out(bench, "block", ["nobody", 1, 1, 0]) == ("failed", "KeyError: 'nobody'")
    assert worker._carried_out(bench, "drop", ["nobody"]) == ("done", None)


def test_scalar_arrays(tmp_path):
    """The incoming gradient of a mean has no axes, and is read all the same."""
    path = tmp_path / "upstream"
    np.array(0.5, "f4").tofile(path)

    assert worker._array((str(path), "float32", ())).shape == ()
    assert math.isclose(worker._array((str(path), "float32", ())), 0.5)


def test_bfloat16_arrays(tmp_path):
    """bfloat16, which numpy does not name, is read bit for bit."""
    path = tmp_path / "logits"
    np.array([[0x3F80, 0xC000]], "u2").tofile(path)

    assert worker._array((str(path), "bfloat16", (1, 2))).astype("f4").tolist() == [[1.0, -2.0]]
