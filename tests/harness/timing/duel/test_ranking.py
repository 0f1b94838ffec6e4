"""Ranks: who is surely faster, and who is level."""

import numpy as np
import pytest

from harness.model import Timing
from harness.timing.duel import ranking


def logs(workers=3, rounds=4, spread=0.005, **seconds):
    """Make up log seconds of sides."""
    rng = np.random.default_rng(8)
    return {
        name: np.log(each) + rng.normal(0, spread, (workers, 1)) + rng.normal(0, 0.002, (workers, rounds))
        for name, each in seconds.items()
    }


def test_ranks_and_intervals():
    """Sides far apart have a rank each; the interval holds the planted ratio."""
    found = ranking.rank(logs(slow=4.0, fast=1.0, middle=2.0))

    assert [(one.name, one.first, one.last) for one in found] == [("fast", 1, 1), ("middle", 2, 2), ("slow", 3, 3)]
    assert [one.low <= times <= one.high for one, times in zip(found, (1, 2, 4), strict=True)] == [True] * 3
    assert (found[0].times, found[0].low, found[0].high) == (1, 1, 1)


def test_level_sides_share_ranks():
    """Sides that cannot be told apart share the ranks that they may have."""
    found = ranking.rank(logs(a=1.0, b=1.0001, slow=3.0))

    assert [(one.first, one.last) for one in found] == [(1, 2), (1, 2), (3, 3)]


def test_one_side_is_first():
    """A tournament of one has a winner."""
    assert [(one.name, one.first, one.last) for one in ranking.rank(logs(only=1.0))] == [("only", 1, 1)]


def test_one_disturbed_side_does_not_blur_the_others():
    """A side whose workers differ by far has a wide interval; the others keep theirs."""
    sides = logs(a=1.0, b=1.5, c=2.0, d=3.0, e=4.0)
    sides["d"] += np.array([[0.0], [0.9], [2.0]])
    found = {one.name: one for one in ranking.rank(sides)}

    assert found["d"].high / found["d"].low > 10
    assert found["b"].high / found["b"].low < 1.2
    assert (found["b"].first, found["b"].last) == (2, 3)


def test_rounds_after_some_have_left():
    """What later rounds are off by drops out, also against sides that played none of them."""
    sides = logs(early=1.0, a=2.0, b=2.01, rounds=6)
    for name in ("a", "b"):
        sides[name][:, 3:] += 0.5
    sides["early"] = sides["early"][:, :3]
    found = ranking.effects(sides)

    assert np.exp(found["a"].mean() - found["early"].mean()) == pytest.approx(2, rel=0.02)


def test_undecided():
    """Undecided are sides that may still turn out faster, slower or level; level ones are decided."""
    assert ranking.undecided(logs(a=1.0, b=2.0)) == set()
    assert ranking.undecided(logs(a=1.0, b=1.01, far=9.0, spread=0.05)) == {"a", "b"}
    assert ranking.undecided(logs(workers=12, spread=0.0005, a=1.0, b=1.001)) == set()


def test_one_side_of_few_processes():
    """A tournament of one needs no spread: nobody is compared."""
    assert [(one.name, one.first, one.last) for one in ranking.rank(logs(only=1.0, workers=2))] == [("only", 1, 1)]
    assert ranking.undecided(logs(only=1.0, workers=2)) == set()


def test_stored_timings_rank_as_they_were_played():
    """Samples stored one process behind the other give the ranks of the blocks they are."""
    sides = logs(a=1.0, b=1.5)
    timings = {name: Timing(tuple(np.exp(side).ravel()), 1, 0.1, workers=3) for name, side in sides.items()}
    stored, played = ranking.of_timings(timings), ranking.rank(sides)

    assert [(one.name, one.first, one.last) for one in stored] == [(one.name, one.first, one.last) for one in played]
    assert [one.low for one in stored] == pytest.approx([one.low for one in played])


def test_too_few_processes_are_refused():
    """One process a side cannot say what processes differ by."""
    with pytest.raises(ValueError, match="add workers"):
        ranking.rank(logs(workers=1, a=1.0, b=2.0))
