"""Order statistics of raw timings: an interval of the median that assumes no distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

COVERAGE = 0.95


def interval(seconds: Sequence[float]) -> tuple[float, float, bool]:
    """Return an interval of the median by order statistics, and whether it reaches COVERAGE; else min to max.

    Between the r-th smallest and the r-th largest of n independent samples lies the median with probability
    1 - 2 P(Binomial(n, 1/2) < r) (David and Nagaraja, Order Statistics, 3rd ed. 2003, section 7.1); six samples are
    the fewest that reach 95 %. Samples taken in a row are not quite independent, so read it as the least spread.
    """
    ordered = sorted(seconds)
    total, tail, rank = len(ordered), 0.0, 0
    while 2 * (tail + math.comb(total, rank) / 2**total) <= 1 - COVERAGE:
        tail += math.comb(total, rank) / 2**total
        rank += 1
    return (ordered[rank - 1], ordered[-rank], True) if rank else (ordered[0], ordered[-1], False)
