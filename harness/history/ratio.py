"""The ratio of two timings of one question from different runs, with its interval.

Samples of one run share a process, and the same code in two processes differs by 1 to 2 % for as long as they live. No
number of samples averages that out. Worse, processes fall into classes: one finds huge pages, or its calls wake another
core, and takes twice or three times as long as the next, all its life. Two or three processes may all be of one
class by chance; of five and more, the spread tells. What two runs differ by as a whole, hours apart, no interval of
theirs can tell: a duel can, and where one was played its ratio stands for that of the samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from harness import statistics
from harness.model import Timing

PROCESS = 0.02  # half the width, relative, of what two processes of the same code differ by
LEVEL = 0.01  # of an interval by processes: two runs share tens of timings, and one false alarm fails a gate
FEW = 5  # processes of a run, below which all of them may be of one class
CLASSES = 4.0  # times that two classes may be apart; 2.9 was seen, of one jitted loss in four runs
SIZE = 0.05  # relative; from which a difference between two runs counts
LEAST_SAMPLES = 4  # of which the smallest and the largest enclose the median with 87 %


@dataclass(frozen=True)
class Ratio:
    """The ratio of two medians, after to before, and its interval."""

    times: float
    low: float
    high: float

    def slower(self, size: float) -> bool:
        """Tell whether it lies above 1 by more than its interval and by `size`, relative."""
        return self.low > 1 and self.times >= 1 + size

    def faster(self, size: float) -> bool:
        """Tell whether it lies below 1 by more than its interval and by `size`, relative."""
        return self.high < 1 and self.times <= 1 / (1 + size)

    def same(self, size: float) -> bool:
        """Tell whether all of its interval lies within `size`, relative."""
        return 1 / (1 + size) < self.low and self.high < 1 + size


def of_runs(before: Timing, after: Timing, runs: tuple[str, str]) -> Ratio | None:
    """Return the ratio of two timings: a duel's between these runs, else that of the samples. runs: their uids."""
    return settled(before, after, runs) or of_timings(before, after)


def settled(before: Timing, after: Timing, runs: tuple[str, str]) -> Ratio | None:
    """Return the ratio that a duel between two runs found, whichever is held against the other; None without one."""
    for duel in after.settled:
        if duel.run == runs[0]:
            return Ratio(duel.times, duel.low, duel.high)
    for duel in before.settled:
        if duel.run == runs[1]:
            return Ratio(1 / duel.times, 1 / duel.high, 1 / duel.low)
    return None


def of_timings(before: Timing, after: Timing) -> Ratio | None:
    """Return the ratio of two timings; None where one has no time in it.

    The limits are no closer than those of Student's test on the processes; of few of them, or of few samples, than what
    classes differ by.
    """
    if not before.seconds or not after.seconds or min(*before.seconds, *after.seconds) <= 0:
        return None
    found = of_medians(before.seconds, after.seconds)
    if found is None:
        times = median(after.seconds) / median(before.seconds)
        return Ratio(times, times / CLASSES, times * CLASSES)
    few = min(before.workers, after.workers) < FEW
    apart = CLASSES if few else math.exp(_margin(_by_process(before), _by_process(after)))
    return Ratio(found.times, min(found.low, found.times / apart), max(found.high, found.times * apart))


def lacking(before: Timing, after: Timing) -> str:
    """Say what two timings lack to be told apart or alike; nothing where they are enough."""
    samples = min(len(before.seconds), len(after.seconds))
    processes = min(before.workers, after.workers)
    if samples < LEAST_SAMPLES:
        return f"{samples} sample{'' if samples == 1 else 's'}"
    if processes < FEW:
        return f"{samples} samples of {processes} process{'' if processes == 1 else 'es'}, expected {FEW} processes"
    return "" if min(*before.seconds, *after.seconds) > 0 else "a time of 0"


def _by_process(timing: Timing) -> list[float]:
    """Return the median of the logs of each process's samples, which stand one process after the other."""
    each = len(timing.seconds) // timing.workers
    return [median(map(math.log, timing.seconds[k * each : (k + 1) * each])) for k in range(timing.workers)]


def _margin(before: Sequence[float], after: Sequence[float]) -> float:
    """Return half the width of the interval of a difference of means; the spread is pooled, and no less than usual."""
    freedom = len(before) + len(after) - 2
    pooled = sum((one - fmean(side)) ** 2 for side in (before, after) for one in side) / freedom
    spread = max(math.sqrt(pooled), PROCESS / 2)
    return statistics.quantile(1 - LEVEL / 2, freedom) * spread * math.sqrt(1 / len(before) + 1 / len(after))


def of_medians(before: Sequence[float], after: Sequence[float]) -> Ratio | None:
    """Return the ratio of the medians of two lists of seconds; None where one is too short to tell.

    The limits of the two medians, by order statistics, are put together by the method of variance estimates recovery
    on the logarithms (Zou and Donner, Statistics in Medicine 27, 2008, equations 7 and 8). That assumes no distribution
    and returns the same limits each time, as a bootstrap would not.
    """
    if min(len(before), len(after)) < LEAST_SAMPLES or min(*before, *after) <= 0:
        return None
    a, b = math.log(median(before)), math.log(median(after))
    (a_low, a_high), (b_low, b_high) = (map(math.log, statistics.interval(side)[:2]) for side in (before, after))
    process = math.log1p(PROCESS)
    low = b - a - math.hypot(b - b_low, a_high - a, process)
    high = b - a + math.hypot(b_high - b, a - a_low, process)
    return Ratio(math.exp(b - a), math.exp(low), math.exp(high))
