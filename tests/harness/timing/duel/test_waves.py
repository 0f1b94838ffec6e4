"""Two sides against each other, with players that make their times up."""

import random

import pytest

from harness.timing.duel.decision import Rule
from harness.timing.duel.waves import settle
from tests.harness.timing.duel.made_up import team

RULE = Rule()


def duel(of_a, of_b):
    """Settle a duel between times."""
    waves = [(team(of_a, 5, f"a{look}"), team(of_b, 5, f"b{look}")) for look in range(3)]
    return settle(lambda look: waves[look], RULE, random.Random(1)), waves  # noqa: S311 - an order of play


@pytest.mark.parametrize(("of_b", "answer"), [(40e-6, "same"), (44e-6, "slower"), (20e-6, "faster")])
def test_answer(of_b, answer):
    """The verdict names what was planted."""
    settled, _ = duel(40e-6, of_b)

    assert settled.verdict.answer == answer
    assert settled.verdict.ratio == pytest.approx(of_b / 40e-6, rel=0.02)


def test_waves_are_played_by_fresh_workers_in_like_blocks():
    """Each wave times its own workers, once a round, all in the same blocks; no wave is played that is not needed."""
    _, waves = duel(40e-6, 44e-6)
    asked = [[one.asked for side in wave for one in side] for wave in waves]

    assert [len(blocks) for wave in asked[:2] for blocks in wave] == [RULE.rounds] * 20
    assert all(not blocks for blocks in asked[2])
    assert len({id(one) for blocks in asked[0] for one in blocks}) == 1


def test_raw_blocks_are_kept():
    """A settled duel holds every stamp of every worker, and how long they took together."""
    settled, _ = duel(40e-6, 40e-6)
    blocks = settled.blocks("a") + settled.blocks("b")

    assert len(blocks) == 10 * RULE.rounds
    assert settled.measured_seconds == pytest.approx(sum(sum(one.seconds) for one in blocks))


def test_overtime_is_played_by_everybody_within_its_seconds():
    """What three waves leave open is played on by all, each round joined to its worker's; the seconds bound it."""
    rule = Rule(min_effect=1e-9, alarm=(0.0, 0.0, 0.0, 1e-9))  # hardly anything is the same, or an alarm
    waves = [(team(40e-6, 5, f"a{look}"), team(40e-6, 5, f"b{look}")) for look in range(3)]
    settled = settle(lambda look: waves[look], rule, random.Random(1))  # noqa: S311 - an order of play
    rounds = {len(blocks) for wave in settled.waves for side in (wave.a, wave.b) for blocks in side}

    assert (settled.verdict.answer, settled.verdict.looks) == ("cannot tell", 4)
    assert rounds == {len(one.asked) for wave in waves for side in wave for one in side}
    assert min(rounds) > rule.rounds
    assert settled.measured_seconds <= rule.seconds * 1.1
