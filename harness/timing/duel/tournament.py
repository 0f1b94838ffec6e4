"""Many sides timed at once: every worker of every side once a round, in random order, never two at the same time."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.model import Array
from harness.timing.duel import pairing, ranking
from harness.timing.duel.pairing import Measured
from harness.timing.duel.ranking import Rank
from harness.timing.duel.waves import Measurements, Timeable

ROUNDS_AT_LEAST = 3  # where time allows; of one side alone, with whom nothing is decided, all that there are
ROUNDS_AT_MOST = 15


@dataclass(frozen=True)
class Tournament:
    """What was measured: (workers, rounds) of raw blocks, by side."""

    blocks: Mapping[str, Measurements]

    @property
    def logs(self) -> dict[str, Array]:
        """Log seconds a call, (workers, rounds), by side."""
        return {
            name: np.array([[block.log_seconds for block in worker] for worker in side])
            for name, side in self.blocks.items()
        }

    @property
    def ranks(self) -> list[Rank]:
        """The ranking, fastest first."""
        return ranking.rank(self.logs)

    @property
    def measured_seconds(self) -> float:
        """Time spent in blocks."""
        return sum(sum(block.seconds) for side in self.blocks.values() for worker in side for block in worker)


def run(sides: Mapping[str, Sequence[Timeable]], rng: random.Random, seconds: float) -> Tournament:
    """Time rounds until all is decided, or the next round would exceed `seconds` of blocks.

    A side leaves once it is known how it stands to every other: most differ by far more than their processes do.
    """
    blocks = pairing.shared_blocks({name: min(worker.seconds for worker in side) for name, side in sides.items()})
    measured: dict[str, list[list[Measured]]] = {name: [[] for _ in side] for name, side in sides.items()}
    undecided = set(sides)
    for count in range(1, ROUNDS_AT_MOST + 1):
        places = [(name, index) for name in sides if name in undecided for index in range(len(sides[name]))]
        for name, index in rng.sample(places, len(places)):
            measured[name][index].append(sides[name][index].block(blocks[name]))
        so_far = Tournament({name: tuple(map(tuple, side)) for name, side in measured.items()})
        if count >= ROUNDS_AT_LEAST or so_far.measured_seconds > seconds:
            undecided &= ranking.undecided(so_far.logs)
        coming = sum(sum(worker[-1].seconds) for name in undecided for worker in measured[name])
        decided = count >= ROUNDS_AT_LEAST and len(undecided) < 2
        if decided or so_far.measured_seconds + coming > seconds:
            break
    return so_far
