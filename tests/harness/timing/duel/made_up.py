"""Players that make their times up."""

import random

from harness.timing.duel.pairing import Measured


class MadeUp:
    """A worker whose calls take `seconds`, with an effect of its own and noise."""

    playing = 0  # of all at this moment; two at once would time each other

    def __init__(self, seconds, spread=0.005, seed=0):
        """Choose the effect."""
        self._rng = random.Random(seed)  # noqa: S311 - an order of play
        self.seconds = seconds * (1 + self._rng.gauss(0, spread))
        self.asked = []

    def block(self, blocks):
        """Return a block."""
        assert not MadeUp.playing
        MadeUp.playing += 1
        self.asked.append(blocks)
        stamps = tuple(blocks.calls * self.seconds * (1 + abs(self._rng.gauss(0, 0.002))) for _ in range(blocks.stamps))
        MadeUp.playing -= 1
        return Measured(stamps, blocks.calls, 3, 0, 0)


def team(seconds, workers, seed, spread=0.005):
    """Return so many players."""
    return [MadeUp(seconds, spread, f"{seed} {number}") for number in range(workers)]
