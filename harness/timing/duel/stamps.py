"""How a prepared call is timed: by the host's clock, waiting for each call, or by marks in a device's queue."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.adapters.accelerator import Accelerator, Clock
from harness.adapters.catalogue import Function, Native
from harness.adapters.fence import NotSupported

ESTIMATE_SECONDS = 20e-3
ESTIMATE_CALLS = 40, 400  # at least, of calls that are short enough; at most
OVERHEAD_TIMES, OVERHEAD_STAMPS = 60, 50
MARKED_SECONDS = 200e-6  # of a stamp at least between two cuda events, which tick by half a microsecond

Wait = Callable[[Native], None]
Turn = Iterator[tuple[Native, ...]]


@dataclass
class Call:
    """A call that is ready to be timed: one function, and as many copies of its arrays as outgrow the cache."""

    function: Function
    arrays: tuple[tuple[Native, ...], ...]
    wait: Wait
    each: bool  # wait for every call, or for the last of a stamp
    turn: Turn
    clock: Clock | None = None  # the device's, where there is one
    batch: int = 0  # calls that one start replays; 0 where each is started by itself
    seconds: float = 0.0  # of a call, estimated; 0 before that

    def replay(self, accelerator: Accelerator | None) -> None:
        """Let a recording of the calls with all copies stand for the function. Raises NotSupported."""
        recorded = accelerator.replayed(self.function, self.arrays) if accelerator else None
        if recorded is None:
            raise NotSupported("graphs are replayed by torch on cuda devices alone; try it without --graph")
        self.function, self.turn, self.batch = recorded, itertools.repeat(()), len(self.arrays)

    def times(self, calls: int, stamps: int) -> list[float]:
        """Return readings of the clock, one before the first stamp of so many calls, and one after each.

        A device's clock is too coarse for a short stamp, and a replay is many calls: then more are made than were asked
        for, and the readings are of as many as were.
        """
        if self.each:
            return _waiting_for_each(self.function, self.turn, self.wait, calls, stamps)
        if self.clock is None:
            return _waiting_for_last(self.function, self.turn, self.wait, calls, stamps)
        wanted = max(calls, math.ceil(MARKED_SECONDS / self.seconds)) if self.seconds else calls
        starts = math.ceil(wanted / max(1, self.batch))
        made = starts * max(1, self.batch)
        return [one * calls / made for one in _marking(self.function, self.turn, self.clock, starts, stamps)]

    @property
    def synchronised(self) -> str:
        """How a stamp is taken, in words."""
        if self.each:
            return "every call waited for"
        if self.clock is None:
            return "waited for once a stamp, behind a full queue"
        return "device events around a stamp" + (f", {self.batch} calls replayed as one graph" if self.batch else "")


def _waiting_for_each(function: Function, turn: Turn, wait: Wait, calls: int, stamps: int) -> list[float]:
    read = time.perf_counter
    times = [0.0] * (stamps + 1)
    times[0] = read()
    if calls == 1:  # a slice costs 0.1 us, which is seen in a call of 10
        for stamp in range(1, stamps + 1):
            wait(function(*next(turn)))
            times[stamp] = read()
        return times
    for stamp in range(1, stamps + 1):
        for arrays in itertools.islice(turn, calls):
            wait(function(*arrays))
        times[stamp] = read()
    return times


def _waiting_for_last(function: Function, turn: Turn, wait: Wait, calls: int, stamps: int) -> list[float]:
    read = time.perf_counter
    times = [0.0] * (stamps + 1)
    times[0] = read()
    for stamp in range(1, stamps + 1):
        native = None
        for arrays in itertools.islice(turn, calls):
            native = function(*arrays)
        wait(native)
        times[stamp] = read()
    return times


def _marking(function: Function, turn: Turn, clock: Clock, calls: int, stamps: int) -> list[float]:
    """Put marks between the stamps into the device's queue, and read them when it has come to the last."""
    marks = [clock.mark()]
    for _ in range(stamps):
        for arrays in itertools.islice(turn, calls):
            function(*arrays)
        marks.append(clock.mark())
    clock.seconds(marks[0], marks[-1])  # waits: no reading stands in the way of what is still to be started
    return [clock.seconds(marks[0], mark) for mark in marks]


def estimate(call: Call) -> float:
    """Return the seconds of the fastest of some calls, each with other arrays; afterwards the call is warm."""
    found: list[float] = []
    least, most = ESTIMATE_CALLS
    while len(found) < most and (sum(found) < ESTIMATE_SECONDS or (len(found) < least and sum(found) < 1)):
        started, ended = call.times(1, 1)
        found.append(ended - started)
    return min(found)


def overhead(call: Call) -> float:
    """Return the seconds a call that the loop itself and the wait for what is already there take."""
    native = call.function(*call.arrays[0])
    call.wait(native)
    empty = Call(lambda *_: native, call.arrays, call.wait, call.each, itertools.cycle(call.arrays))
    found: list[float] = []
    for _ in range(OVERHEAD_TIMES):
        started, *_, ended = empty.times(1, OVERHEAD_STAMPS)
        found.append((ended - started) / OVERHEAD_STAMPS)
    return min(found)
