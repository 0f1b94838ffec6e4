"""Two timings of one question, from different runs: how many times as long, and between what limits.

Samples of one run share a process, and the same code in two processes differs by 1 to 2 % for as long as they live. No
number of samples averages that out, so the interval is widened by it, and a difference counts from a named size on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness import order

PROCESS = 0.02  # half the width, relative, of what two processes of the same code differ by
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


def of_medians(before: Sequence[float], after: Sequence[float]) -> Ratio | None:
    """Return the ratio of the medians of two lists of seconds; None where one is too short to tell.

    The limits of the two medians, by order statistics, are put together by the method of variance estimates recovery
    on the logarithms (Zou and Donner, Statistics in Medicine 27, 2008, equations 7 and 8). That assumes no distribution
    and returns the same limits each time, as a bootstrap would not.
    """
    if min(len(before), len(after)) < LEAST_SAMPLES or min(*before, *after) <= 0:
        return None
    a, b = math.log(median(before)), math.log(median(after))
    (a_low, a_high), (b_low, b_high) = (map(math.log, order.interval(side)[:2]) for side in (before, after))
    process = math.log1p(PROCESS)
    low = b - a - math.hypot(b - b_low, a_high - a, process)
    high = b - a + math.hypot(b_high - b, a - a_low, process)
    return Ratio(math.exp(b - a), math.exp(low), math.exp(high))
