"""Who is timed when, and for how long: random balanced order, and blocks of about a millisecond.

Short blocks, because a process that wakes up for one is let run at once, and two that stand next to each other in time
meet the same neighbours. Several stamps a block, because its lower quartile then shrugs off a pre-emption.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar("T")
STAMP_SECONDS = 20e-6  # below which reading the clock would be seen
BLOCK_SECONDS = 0.7e-3  # with what comes before it, well within the slice of a process that has just woken up
STAMPS_AT_MOST = 16
# (seconds up to, stamps): a long call is a block by itself
STAMPS_AT_LEAST = ((50e-6, 16), (1e-3, 8), (20e-3, 3), (math.inf, 1))
WARMING_SECONDS = 0.4e-3  # untimed, before a block: the caches are a neighbour's, and the heap was given back
ALIKE = 2.0  # ratio of times up to which two sides are timed in the same blocks
WARM_SECONDS = 10e-3  # from which a call is warm by itself


@dataclass(frozen=True)
class Blocks:
    """How a target is timed: `untimed` calls, then `stamps` readings of the clock with `calls` calls each."""

    calls: int
    stamps: int
    untimed: int


@dataclass(frozen=True)
class Measured:
    """One block: raw seconds of each stamp, and what the system did to the process meanwhile."""

    seconds: tuple[float, ...]
    calls: int
    minor_faults: int
    major_faults: int
    preemptions: int

    @property
    def log_seconds(self) -> float:
        """Log of the lower quartile of the stamps, a call."""
        return math.log(float(np.quantile(self.seconds, 0.25)) / self.calls)


def blocks(seconds: float) -> Blocks:
    """Choose blocks for a call of so many seconds."""
    calls = max(1, math.ceil(STAMP_SECONDS / seconds))
    stamp = calls * seconds
    least = next(stamps for longest, stamps in STAMPS_AT_LEAST if stamp < longest)
    untimed = math.ceil(WARMING_SECONDS / seconds) if seconds < WARM_SECONDS else 0
    return Blocks(calls, min(STAMPS_AT_MOST, max(least, round(BLOCK_SECONDS / stamp))), untimed)


def shared_blocks(seconds: Mapping[T, float]) -> dict[T, Blocks]:
    """Choose blocks for many sides, the same for those that are about as fast as each other.

    The quartile of stamps of one call is not that of stamps of two, nor that of a cold block that of a warm one: two
    equal sides in different blocks differ, by up to a third.
    """
    chosen: dict[T, Blocks] = {}
    before = 0.0
    for side, each in sorted(seconds.items(), key=lambda item: item[1]):
        if each > ALIKE * before:
            shared = blocks(each)
        chosen[side], before = shared, each
    return chosen


def shuffle(a: Sequence[T], b: Sequence[T], rng: random.Random) -> list[T]:
    """Return both sides in a random order in which each pair of neighbours is one of each, either first."""
    pairs = zip(rng.sample(a, len(a)), rng.sample(b, len(b)), strict=True)
    return [one for pair in pairs for one in rng.sample(pair, 2)]
