"""Peaks of memory: of calls whose need is known, and of gauges that are made up."""

from itertools import count

import numpy as np
import pytest

from harness.adapters import NotSupported
from harness.timing import memory
from harness.timing.memory import Resident
from tests.made.gauge import MadeUp

MIB = 1 << 20
RESETTABLE = memory.CLEAR.exists()


def test_peak_is_the_call_s():
    """What was in use before, and an older peak, are not the call's."""
    gauge = MadeUp()

    assert memory.beyond(gauge, lambda: gauge.take(30)) == 30
    assert memory.beyond(gauge, lambda: None) == 0


def test_what_is_freed_late_was_not_in_use():
    """What a framework frees some time after the call before is not taken for memory that this one found."""
    gauge = MadeUp()
    late = iter([600, 300, 0, 0])
    gauge.in_use = lambda: gauge.used + next(late)

    assert memory.beyond(gauge, lambda: gauge.take(30)) == 30


def test_memory_that_never_settles(monkeypatch):
    """Another thread that takes more and more is not waited for without end."""
    monkeypatch.setattr(memory, "SETTLING_SECONDS", 0)
    gauge = MadeUp()
    growing = count(gauge.used)
    gauge.in_use = lambda: next(growing)

    assert memory.beyond(gauge, lambda: gauge.take(30)) == 30 - memory.SETTLING_READINGS


@pytest.mark.skipif(not RESETTABLE, reason="this system resets no high-water mark")
def test_arrays_of_a_known_size():
    """Two arrays of 32 MiB at once, of three made one after the other, are 64 MiB, to a MiB."""

    def call():
        first = np.ones(32 * MIB // 8)
        second = first + 1
        del first
        return second + 1

    def run():
        call()

    run()
    assert memory.beyond(Resident(), run) == pytest.approx(64 * MIB, abs=MIB)


@pytest.mark.skipif(not RESETTABLE, reason="this system resets no high-water mark")
def test_a_larger_peak_before_is_forgotten():
    """A call after a larger one has a peak of its own."""
    np.ones(64 * MIB // 8)

    assert memory.beyond(Resident(), lambda: np.ones(16 * MIB // 8)) == pytest.approx(16 * MIB, abs=MIB)


def test_system_that_resets_nothing(monkeypatch, tmp_path):
    """Where the high-water mark cannot be reset, nothing is claimed."""
    monkeypatch.setattr(memory, "CLEAR", tmp_path / "nowhere" / "clear_refs")

    with pytest.raises(NotSupported, match="expected Linux and its /proc"):
        memory.beyond(Resident(), lambda: None)
