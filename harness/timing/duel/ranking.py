"""Rank many sides by their blocks: which is surely faster than which, and how far behind the fastest each is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median

import numpy as np

from harness.model import Array, Timing
from harness.timing.duel.decision import Estimate

LEVEL = 0.05  # of all statements of a ranking together
EFFECT = 0.03  # within which two sides that are surely close count as level
LEAST_FREEDOM = 2  # of all processes together


@dataclass(frozen=True)
class Rank:
    """Where a side stands. `first` and `last`: the ranks that it may have; `times`: its time over the fastest's."""

    name: str
    first: int
    last: int
    times: float
    low: float
    high: float


def effects(logs: Mapping[str, Array]) -> dict[str, Array]:
    """Return each worker's effect, by side: its median over rounds of what is above the round's centre.

    logs: log seconds, (workers, rounds), as timed. A side that left early has fewer rounds; the centre of
    a round is that of the sides that stayed to the end.
    """
    last = max(side.shape[1] for side in logs.values())
    stayed = [np.median(side, axis=0) for side in logs.values() if side.shape[1] == last]
    centre = np.mean(stayed, axis=0)
    centre = centre - centre.mean()  # how far each round was off
    return {name: np.median(side - centre[: side.shape[1]], axis=1) for name, side in logs.items()}


def of_timings(timings: Mapping[str, Timing]) -> list[Rank]:
    """Rank what one tournament stored, one timing a side."""
    return rank({name: np.log(side.seconds).reshape(side.workers, -1) for name, side in timings.items()})


def rank(logs: Mapping[str, Array]) -> list[Rank]:
    """Rank sides by time, fastest first; all intervals hold together with probability 1 - LEVEL.

    A side's best rank counts those that are surely faster, its worst those that are surely slower.
    """
    found = effects(logs)
    names = sorted(found, key=lambda name: float(found[name].mean()))
    pairs = _pairs({name: found[name] for name in names})
    level = LEVEL / 2 / max(1, len(pairs))
    surely = [pair for pair, estimate in pairs.items() if estimate.theta > estimate.margin(level)]
    return [
        Rank(
            name,
            1 + sum(second == name for _, second in surely),
            len(names) - sum(first == name for first, _ in surely),
            *_behind(pairs.get((names[0], name)), level),
        )
        for name in names
    ]


def undecided(logs: Mapping[str, Array]) -> set[str]:
    """Return the sides of which it is not known yet whether another is faster, slower, or level."""
    pairs = _pairs(effects(logs))
    level = LEVEL / 2 / max(1, len(pairs))
    return {
        name
        for pair, estimate in pairs.items()
        if abs(estimate.theta) <= (margin := estimate.margin(level))
        and abs(estimate.theta) + margin > math.log1p(EFFECT)
        for name in pair
    }


def _pairs(found: Mapping[str, Array]) -> dict[tuple[str, str], Estimate]:
    """Compare all sides, the first of a pair before the second.

    Two or three processes a side say little of their own spread, so that the typical one of all sides is taken, and a
    side's own where it is larger. Typical is the median, because one side that was held up says nothing of the others.
    """
    freedom = sum(len(side) - 1 for side in found.values())
    if len(found) > 1 and freedom < LEAST_FREEDOM:
        raise ValueError(f"workers allow {freedom} degrees of freedom, expected at least {LEAST_FREEDOM}; add workers")
    own = {name: float(side.var(ddof=1)) for name, side in found.items()}
    usual = median(own[name] / _median_of_chi_square(len(side) - 1) for name, side in found.items())
    errors = {name: max(usual, own[name]) / len(side) for name, side in found.items()}
    means = {name: float(side.mean()) for name, side in found.items()}
    return {
        (a, b): Estimate(means[b] - means[a], math.sqrt(errors[a] + errors[b]), freedom)
        for a, b in combinations(found, 2)
    }


def _median_of_chi_square(freedom: int) -> float:
    """Return the median of chi-square over its degrees of freedom (Wilson and Hilferty, 1931)."""
    return float((1 - 2 / (9 * freedom)) ** 3)


def _behind(estimate: Estimate | None, level: float) -> tuple[float, float, float]:
    """Return the times over the fastest's with their interval; the fastest is no pair with itself."""
    if estimate is None:
        return 1.0, 1.0, 1.0
    margin = estimate.margin(level)
    return math.exp(estimate.theta), math.exp(estimate.theta - margin), math.exp(estimate.theta + margin)
