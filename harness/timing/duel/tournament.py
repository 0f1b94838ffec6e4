"""All sides at once: every worker of every side is timed once a round, in random order, never two at once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.model import Array
from harness.timing.duel import pairing, ranking
from harness.timing.duel.contest import Player
from harness.timing.duel.pairing import Measured
from harness.timing.duel.ranking import Rank

ROUNDS_AT_LEAST = 3  # where time allows
ROUNDS_AT_MOST = 15


@dataclass(frozen=True)
class Tournament:
    """What was measured: (workers, rounds) of raw blocks, by side."""

    blocks: Mapping[str, tuple[tuple[Measured, ...], ...]]

    @property
    def logs(self) -> dict[str, Array]:
        """Log seconds a call, (workers, rounds), by side."""
        return {
            name: np.array([[one.log_seconds for one in worker] for worker in side])
            for name, side in self.blocks.items()
        }

    @property
    def ranks(self) -> list[Rank]:
        """The ranking, fastest first."""
        return ranking.rank(self.logs)

    @property
    def measured_seconds(self) -> float:
        """Time spent in blocks."""
        return sum(sum(one.seconds) for side in self.blocks.values() for worker in side for one in worker)


def play(sides: Mapping[str, Sequence[Player]], rng: random.Random, seconds: float) -> Tournament:
    """Play rounds until all is decided, or the next round would exceed `seconds` of blocks.

    A side leaves once it is known how it stands to every other: most differ by far more than their processes do.
    """
    chosen = pairing.alike({name: min(one.seconds for one in side) for name, side in sides.items()})
    found: dict[str, list[list[Measured]]] = {name: [[] for _ in side] for name, side in sides.items()}
    playing = set(sides)
    for played in range(1, ROUNDS_AT_MOST + 1):
        seats = [(name, index) for name in sides if name in playing for index in range(len(sides[name]))]
        for name, index in rng.sample(seats, len(seats)):
            found[name][index].append(sides[name][index].block(chosen[name]))
        so_far = Tournament({name: tuple(map(tuple, side)) for name, side in found.items()})
        if played >= ROUNDS_AT_LEAST or so_far.measured_seconds > seconds:
            playing &= ranking.undecided(so_far.logs)
        coming = sum(sum(worker[-1].seconds) for name in playing for worker in found[name])
        if len(playing) < 2 or so_far.measured_seconds + coming > seconds:
            break
    return so_far
