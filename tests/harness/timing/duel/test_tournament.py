"""Tournaments of players that make their times up."""

import random

import pytest

from harness.timing.duel import tournament
from tests.harness.timing.duel.made_up import team

NAMES = {"fast": 20e-6, "level": 20e-6, "slow": 200e-6, "slowest": 400e-6}


def played(seconds):
    """Play a tournament."""
    sides = {name: team(each, 3, name, 0.03) for name, each in NAMES.items()}
    return tournament.run(sides, random.Random(2), seconds), sides  # noqa: S311 - an order of play


def test_ranks():
    """The order is the planted one, and the level sides share their ranks."""
    found, _ = played(10)

    assert [one.name for one in found.ranks[2:]] == ["slow", "slowest"]
    assert [(one.first, one.last) for one in found.ranks] == [(1, 2), (1, 2), (3, 3), (4, 4)]


def test_those_that_are_decided_leave():
    """A side whose site is known plays no more rounds; those that are close go on."""
    _, sides = played(10)
    rounds = {name: len(side[0].asked) for name, side in sides.items()}

    assert rounds["slow"] == rounds["slowest"] == tournament.ROUNDS_AT_LEAST
    assert rounds["fast"] == rounds["level"] > tournament.ROUNDS_AT_LEAST


def test_time_ends_it_after_one_round():
    """Where there is no time for more, every worker has been timed once all the same."""
    found, sides = played(1e-9)

    assert {len(one.asked) for side in sides.values() for one in side} == {1}
    assert found.measured_seconds == pytest.approx(
        sum(sum(block.seconds) for side in found.blocks.values() for worker in side for block in worker)
    )


def test_one_side_alone_has_rounds_enough():
    """With one contestant nothing is to be decided; it is timed for as many rounds as any other all the same."""
    alone = {"fast": team(20e-6, 5, "fast", 0.03)}

    tournament.run(alone, random.Random(2), 10)  # noqa: S311 - an order of play

    assert {len(one.asked) for one in alone["fast"]} == {tournament.ROUNDS_AT_LEAST}
