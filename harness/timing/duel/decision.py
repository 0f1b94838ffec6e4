"""Pairs in, verdict out: the statistics of a duel, and nothing else.

A worker's effect is the median over rounds of its log time less the centre of the round, so that what slows a whole
round drops out. The two sides' effects are compared by Welch's test: the process is the unit of replication. The answer
is given against a named size, because between two processes there is always *some* difference.

Looks: after the first wave only `same` can be said. An alarm takes a second wave of fresh workers: all of them together
must exclude the negligible, and the newest by themselves must point the same way. Processes can fall into two classes
(alignment, huge pages), and five of them are by chance all of one: a rule that trusts one wave raises false alarms of
several per cent then. So does one that leaves out whatever stands apart, which is then the minority's: `typical` leaves
out the rare worker that is held up all its life, and keeps those that could be a class.

Overtime: on a busy machine blocks differ by more than processes do: it is rounds that are lacking then, not workers.
Where the waves leave it open, everybody plays more rounds, and the last look is at all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.model import Array
from harness.statistics import quantile

Answer = Literal["slower", "faster", "same", "cannot tell"]

APART = 5.0  # robust standard deviations from which a worker stands apart (Hampel's identifier)
LEAST_SPREAD = 0.01  # what ordinary processes differ by: a smaller spread of a few of them is chance
TO_SIGMA = 1.4826  # median absolute deviation -> standard deviation, of normal numbers
RARE = 5  # at most one worker in so many is left out
POWER = 0.9  # of the smallest effect that is called detectable


@dataclass(frozen=True)
class Rule:
    """When to stop and with which answer. Effects are relative times; levels are one-sided.

    alarm: the level of each look's interval, overtime's last; 0 where a look raises none. Their sum, 0.0025, bounds the
    rate of false alarms on each side for normal effects, however the looks depend on each other (Bonferroni).
    """

    min_effect: float = 0.03  # `same` means within this
    waves: tuple[int, ...] = (5, 5, 5)  # fresh workers a side
    rounds: int = 10
    overtime: int = 30  # rounds more, at most
    seconds: float = 0.9  # of blocks in all, from which overtime is not begun or ends
    alarm: tuple[float, ...] = (0.0, 0.0007, 0.0008, 0.001)
    agreement: float = 0.1  # level of the newest wave's own interval, which must exclude 0
    same: float = 0.01

    @property
    def negligible(self) -> float:
        """What a slowdown must surely exceed: a sixth of what matters."""
        return self.min_effect / 6


@dataclass(frozen=True)
class Wave:
    """Log seconds a call, (workers, rounds) a side, of workers that no earlier wave has seen."""

    a: Array
    b: Array


@dataclass(frozen=True)
class Estimate:
    """The mean difference of log times, B less A."""

    theta: float
    error: float
    freedom: float

    def margin(self, level: float) -> float:
        """Return the half-width of the interval whose tails hold `level` each; infinite for level 0."""
        return quantile(1 - level, self.freedom) * self.error if level else math.inf


@dataclass(frozen=True)
class Verdict:
    """What is known of B against A. `ratio` is B's time over A's, `low` and `high` its interval."""

    answer: Answer
    ratio: float
    low: float
    high: float
    confidence: float
    detectable: float  # the smallest slowdown that would have been found 9 times in 10
    workers: int  # a side
    looks: int


def decide(waves: Sequence[Wave], rule: Rule) -> Verdict | None:
    """Return the verdict after these waves, or None where another wave or overtime is to be played."""
    sides = [effects(wave) for wave in waves]
    pooled = estimate(np.concatenate([a for a, _ in sides]), np.concatenate([b for _, b in sides]))
    overtime = waves[0].a.shape[1] > rule.rounds
    answer, level = _answer(pooled, estimate(*sides[-1]), len(waves) + overtime, rule)
    if answer == "cannot tell" and not overtime:
        return None
    margin = pooled.margin(level)
    return Verdict(
        answer,
        ratio=math.exp(pooled.theta),
        low=math.exp(pooled.theta - margin),
        high=math.exp(pooled.theta + margin),
        confidence=1 - 2 * level,
        detectable=detectable(pooled, rule),
        workers=sum(len(wave.a) for wave in waves),
        looks=len(waves) + overtime,
    )


def _answer(pooled: Estimate, newest: Estimate, looks: int, rule: Rule) -> tuple[Answer, float]:
    """Return the answer of a look and the level of the interval that shows it."""
    level = rule.alarm[looks - 1]
    sure, agreed = pooled.margin(level), newest.margin(rule.agreement)
    least = math.log1p(rule.negligible)
    if pooled.theta - sure > least and newest.theta - agreed > 0:
        return "slower", level
    if pooled.theta + sure < -least and newest.theta + agreed < 0:
        return "faster", level
    if abs(pooled.theta) + pooled.margin(rule.same) < math.log1p(rule.min_effect):
        return "same", rule.same
    return "cannot tell", rule.same


def effects(wave: Wave) -> tuple[Array, Array]:
    """Return each worker's effect, side by side: its median over rounds of what is above the round's centre."""
    centre = (np.median(wave.a, axis=0) + np.median(wave.b, axis=0)) / 2
    return np.median(wave.a - centre, axis=1), np.median(wave.b - centre, axis=1)


def typical(side: Array, other: Array) -> Array:
    """Leave out workers that stand apart from their side; none where there are many, or where they are as the other.

    One of those that stand among the other side's workers may be of a class that both sides have.
    """
    apart = _apart(side, side)
    if apart.sum() <= len(side) // RARE and _apart(side[apart], other).all():
        return side[~apart]
    return side


def _apart(workers: Array, side: Array) -> Array:
    """Tell of each worker whether it stands apart from a side."""
    middle = np.median(side)
    spread = max(TO_SIGMA * float(np.median(np.abs(side - middle))), LEAST_SPREAD)
    return np.abs(workers - middle) > APART * spread


def estimate(a: Array, b: Array) -> Estimate:
    """Compare two sides' effects by Welch's test. Raises ValueError for a side with fewer than three workers."""
    if min(len(a), len(b)) < 3:
        raise ValueError(f"workers are {len(a)} and {len(b)}, expected at least 3 a side")
    a, b = typical(a, b), typical(b, a)
    of_a, of_b = (float(side.var(ddof=1)) / len(side) for side in (a, b))
    both = of_a + of_b
    theta = float(b.mean() - a.mean())
    if both == 0:  # only clocks that are too coarse, and made-up numbers, agree to the last bit
        return Estimate(theta, 0.0, len(a) + len(b) - 2)
    freedom = both**2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    return Estimate(theta, math.sqrt(both), freedom)


def detectable(pooled: Estimate, rule: Rule) -> float:
    """Return the smallest slowdown that the last look finds in 9 duels of 10, at the spread seen."""
    reach = quantile(1 - rule.alarm[-1], pooled.freedom) + quantile(POWER, pooled.freedom)
    return math.exp(math.log1p(rule.negligible) + reach * pooled.error) - 1
