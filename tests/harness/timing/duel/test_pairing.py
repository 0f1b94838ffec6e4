"""Order of play and size of blocks."""

import math
import random
from collections import Counter

import pytest

from harness.timing.duel import pairing
from harness.timing.duel.pairing import Blocks, Measured


def test_neighbours_are_one_of_each():
    """Every pair in the order holds one of each side, and everybody is in it once."""
    for seed in range(20):
        found = pairing.shuffle("abcde", "ABCDE", random.Random(seed))  # noqa: S311 - an order of play

        assert sorted(found) == sorted("abcdeABCDE")
        assert all(one.islower() != other.islower() for one, other in zip(found[::2], found[1::2], strict=True))


def test_either_side_comes_first():
    """Neither side is first in its pair more often than the other."""
    first = Counter(pairing.shuffle("a", "B", random.Random(seed))[0] for seed in range(400))  # noqa: S311 - an order of play

    assert 150 < first["a"] < 250


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (2.5e-6, Blocks(calls=8, stamps=16, untimed=160)),
        (40e-6, Blocks(calls=1, stamps=16, untimed=10)),
        (160e-6, Blocks(calls=1, stamps=8, untimed=3)),
        (5e-3, Blocks(calls=1, stamps=3, untimed=1)),
        (0.5, Blocks(calls=1, stamps=1, untimed=0)),
    ],
)
def test_blocks(seconds, expected):
    """Short calls share a stamp, long ones are a block by themselves."""
    assert pairing.blocks(seconds) == expected


def test_alike_sides_share_their_blocks():
    """Sides about as fast as each other are timed in the same blocks, others in their own."""
    found = pairing.shared_blocks({"slow": 1.0, "b": 25e-6, "a": 19e-6})

    assert found["a"] is found["b"]
    assert found["slow"] == pairing.blocks(1.0)


def test_block_statistic_is_the_lower_quartile():
    """Half of the stamps may be held up, and the figure stays."""
    calm = Measured((2.0, 2.0, 2.0, 2.0), 2, 0, 0, 0)
    held_up = Measured((2.0, 9.0, 2.0, 50.0), 2, 0, 0, 1)

    assert calm.log_seconds == held_up.log_seconds == math.log(1)
