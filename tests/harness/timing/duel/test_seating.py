"""Many questions for many workers; the workers are made up."""

import threading

import pytest

from harness.timing.duel import seating
from harness.timing.duel.gateways import Refused, Seat, WorkerLost

CORES = 2


class Staff:
    """Answers questions by their words, and notes who was asked what, and how many at once."""

    def __init__(self):
        """Start with nobody asked."""
        self.asked, self.busy, self.most = [], 0, 0
        self._lock = threading.Lock()

    def seat_each(self, given):
        """Answer one question."""
        ((worker, key, question),) = given
        with self._lock:
            self.asked.append((worker, key))
            self.busy += 1
            self.most = max(self.most, self.busy)
        barrier = question if isinstance(question, threading.Barrier) else None
        if barrier:
            barrier.wait(timeout=30)
        with self._lock:
            self.busy -= 1
        if question == "lost":
            return [WorkerLost("gone")]
        return [Refused("not offered", "unsupported") if question == "refused" else Seat(worker, key, {})]


@pytest.fixture
def staff(monkeypatch):
    """Return a staff on a machine of two cores."""
    monkeypatch.setattr(seating.os, "cpu_count", lambda: CORES)
    return Staff()


def test_every_worker_is_asked_in_turn(staff):
    """A worker gets its questions in their order; answers come under their keys."""
    found = seating.seat_in_turn(staff, [("w", "a", ""), ("v", "a", ""), ("w", "b", "")])

    assert sorted((key, seat.worker) for key, seat in found) == [("a", "v"), ("a", "w"), ("b", "w")]
    assert [key for worker, key in staff.asked if worker == "w"] == ["a", "b"]


def test_as_many_at_once_as_there_are_cores(staff):
    """Two of three workers are busy at a time."""
    both = threading.Barrier(CORES)
    seating.seat_in_turn(staff, [("w", "a", both), ("v", "a", both), ("u", "a", "")])

    assert staff.most == CORES


def test_what_is_refused_is_asked_no_more(staff, monkeypatch):
    """What one worker refuses, the others are not asked; the rest is."""
    monkeypatch.setattr(seating.os, "cpu_count", lambda: 1)
    given = [("w", "a", "refused"), ("w", "b", ""), ("v", "a", "refused"), ("v", "b", "")]
    found = seating.seat_in_turn(staff, given)

    assert staff.asked == [("w", "a"), ("w", "b"), ("v", "b")]
    assert [type(one) for _, one in found] == [Refused, Seat, Seat]


def test_who_is_lost_is_asked_no_more(staff):
    """A worker that is lost is lost with one question alone; others go on."""
    found = seating.seat_in_turn(staff, [("w", "a", "lost"), ("w", "b", ""), ("v", "a", ""), ("v", "b", "")])

    assert ("w", "b") not in staff.asked
    assert sorted((key, type(one).__name__) for key, one in found) == [
        ("a", "Seat"),
        ("a", "WorkerLost"),
        ("b", "Seat"),
    ]
