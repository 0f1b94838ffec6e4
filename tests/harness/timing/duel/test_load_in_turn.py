"""Many calls for many workers to prepare; the workers are made up."""

import threading

import pytest

from harness.model import Unsupported
from harness.timing.duel import gateways
from harness.timing.duel.gateways import Loaded, Refused, WorkerLost

CORES = 2


class Workers(gateways.Workers):
    """Answers orders by their words, and notes who was asked what, and how many at once."""

    def __init__(self):
        """Start with nobody asked."""
        self.asked, self.busy, self.most = [], 0, 0
        self._lock = threading.Lock()

    def load_each(self, orders):
        """Answer one order."""
        ((worker, key, order),) = orders
        with self._lock:
            self.asked.append((worker, key))
            self.busy += 1
            self.most = max(self.most, self.busy)
        barrier = order if isinstance(order, threading.Barrier) else None
        if barrier:
            barrier.wait(timeout=30)
        with self._lock:
            self.busy -= 1
        if order == "lost":
            return [WorkerLost("gone")]
        return [Refused(Unsupported("not offered")) if order == "refused" else Loaded(worker, key, None)]


@pytest.fixture
def workers(monkeypatch):
    """Return workers on a machine of two cores."""
    monkeypatch.setattr(gateways.os, "cpu_count", lambda: CORES)
    return Workers()


def test_every_worker_is_asked_in_turn(workers):
    """A worker gets its orders in turn; answers come under their keys."""
    found = workers.load_in_turn([("w", "a", ""), ("v", "a", ""), ("w", "b", "")])

    assert sorted((key, loaded.worker) for key, loaded in found) == [("a", "v"), ("a", "w"), ("b", "w")]
    assert [key for worker, key in workers.asked if worker == "w"] == ["a", "b"]


def test_as_many_at_once_as_there_are_cores(workers):
    """Two of three workers are busy at a time."""
    both = threading.Barrier(CORES)
    workers.load_in_turn([("w", "a", both), ("v", "a", both), ("u", "a", "")])

    assert workers.most == CORES


def test_what_is_refused_is_asked_no_more(workers, monkeypatch):
    """What one worker refuses, the others are not asked; the rest is."""
    monkeypatch.setattr(gateways.os, "cpu_count", lambda: 1)
    orders = [("w", "a", "refused"), ("w", "b", ""), ("v", "a", "refused"), ("v", "b", "")]
    found = workers.load_in_turn(orders)

    assert workers.asked == [("w", "a"), ("w", "b"), ("v", "b")]
    assert [type(one) for _, one in found] == [Refused, Loaded, Loaded]


def test_who_is_lost_is_asked_no_more(workers):
    """A worker that is lost is lost with one order alone; others go on."""
    found = workers.load_in_turn([("w", "a", "lost"), ("w", "b", ""), ("v", "a", ""), ("v", "b", "")])

    assert ("w", "b") not in workers.asked
    assert sorted((key, type(one).__name__) for key, one in found) == [
        ("a", "Loaded"),
        ("a", "WorkerLost"),
        ("b", "Loaded"),
    ]
