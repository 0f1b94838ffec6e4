"""Statistics of raw timings: a median's interval that assumes no distribution, and Student's t quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

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


def quantile(probability: float, freedom: float) -> float:
    """Return Student's t quantile for a probability in [0.5, 1) and at least 2 degrees of freedom, to 1e-3 or better.

    Source: G. W. Hill, "Algorithm 396: Student's t-quantiles", CACM 13 (1970); 6 digits from 5 degrees of freedom up.
    """
    if not (0.5 <= probability < 1 and freedom >= 2):
        raise ValueError(f"t quantile of {probability} at {freedom}, expected 0.5 to 1 and at least 2")
    n, tails = freedom, 2 * (1 - probability)
    if tails == 1:
        return 0.0
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y = (d * tails) ** (2 / n)
    if y > 0.05 + a:  # near the normal distribution
        x = NormalDist().inv_cdf(tails / 2)
        y = x * x
        if n < 5:
            c += 0.3 * (n - 4.5) * (x + 0.6)
        c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        return math.sqrt(n * math.expm1(a * y * y))
    y = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (n + 1) / (n + 2)
    y += 1 / (d * tails) ** (2 / n)
    return math.sqrt(n * y)
