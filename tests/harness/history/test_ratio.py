"""The ratio of two medians: where it lies, what its limits cover, and from where on a difference counts."""

import math
from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from harness.history import ratio
from harness.model import Timing
from tests.made.records import settled, timing


def samples(count, centre=1e-5, spread=0.01, seed=0):
    """Draw timings: most close together, some far above, as a machine with neighbours gives them."""
    draw = np.random.default_rng(seed)
    late = np.where(draw.random(count) < 0.1, draw.exponential(0.5, count), 0)
    return list(centre * (1 + draw.normal(0, spread, count) + late))


def test_ratio_is_of_the_medians():
    """The ratio is the quotient of the two medians, and lies between its limits."""
    before, after = samples(31), samples(20, 3e-5, seed=1)

    found = ratio.of_medians(before, after)

    assert math.isclose(found.times, median(after) / median(before), rel_tol=1e-12)
    assert found.low < found.times < found.high


def test_limits_by_hand():
    """The limits of two medians that are all one number are those of two processes alone."""
    found = ratio.of_medians([2.0] * 10, [3.0] * 10)

    assert math.isclose(found.low, 1.5 / (1 + ratio.PROCESS))
    assert math.isclose(found.high, 1.5 * (1 + ratio.PROCESS))


def test_swapped_is_the_reciprocal():
    """Before and after exchanged give the reciprocal ratio and limits."""
    there, back = ratio.of_medians(samples(9), samples(12, 2e-5)), ratio.of_medians(samples(12, 2e-5), samples(9))

    assert math.isclose(there.times, 1 / back.times)
    assert math.isclose(there.low, 1 / back.high)
    assert math.isclose(there.high, 1 / back.low)


@pytest.mark.parametrize("count", [6, 10, 40])
def test_limits_of_a_ratio_cover_it(count):
    """Nineteen times in twenty, or more often, the limits hold the ratio of the true medians."""
    draw = np.random.default_rng(count)
    held = 0
    for _ in range(400):
        before, after = (list(np.exp(draw.normal(0, 0.1, count))) for _ in range(2))
        found = ratio.of_medians(before, after)
        held += found.low <= 1 <= found.high

    assert held / 400 >= 0.94


@pytest.mark.parametrize(("before", "after"), [(3, 9), (9, 3), (0, 9), (9, 0), (1, 1)])
def test_too_few_samples_tell_nothing(before, after):
    """Fewer than four samples on one side have no ratio."""
    assert ratio.of_medians([1.0] * before, [2.0] * after) is None


def test_no_time_is_no_sample():
    """A clock that did not move gives no ratio."""
    assert ratio.of_medians([0.0] * 9, [1.0] * 9) is None


@pytest.mark.parametrize(
    ("times", "slower", "faster"),
    [
        (1.0, False, False),
        (1.04, False, False),
        (1.06, True, False),
        (0.96, False, False),
        (0.94, False, True),
        (3, True, False),
    ],
)
def test_difference_counts_from_the_size_on(times, slower, faster):
    """A sure difference of 4 % counts for nothing, one of 6 % does."""
    found = ratio.of_medians([1.0] * 20, [times] * 20)

    assert (found.slower(ratio.SIZE), found.faster(ratio.SIZE)) == (slower, faster)


def test_difference_within_the_interval_is_none():
    """Medians far apart with limits that overlap are no difference."""
    found = ratio.of_medians([1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 1.1], [1.0, 1.2, 3.0, 3.1, 1.3, 1.4, 1.0])

    assert found.times > 1 + ratio.SIZE
    assert not found.slower(ratio.SIZE)


@pytest.mark.parametrize("seed", range(20))
def test_same_code_raises_no_alarm(seed):
    """Two noisy runs of the same code, a process effect of 1 % apart, are no difference."""
    found = ratio.of_medians(samples(60, seed=seed), samples(60, 1.01e-5, seed=seed + 100))

    assert not found.slower(ratio.SIZE)
    assert not found.faster(ratio.SIZE)


@pytest.mark.parametrize("seed", range(20))
def test_planted_slowdown_is_found(seed):
    """A call that takes 15 % longer is slower, and the earlier one faster than it."""
    slow, fast = samples(60, 1.15e-5, seed=seed), samples(60, seed=seed + 100)

    assert ratio.of_medians(fast, slow).slower(ratio.SIZE)
    assert ratio.of_medians(slow, fast).faster(ratio.SIZE)


def tournament(*processes):
    """Return a timing of several processes, equally many samples each."""
    return Timing(tuple(np.concatenate(processes).tolist()), 1, 1.0, workers=len(processes))


def test_limits_by_processes_by_hand():
    """Processes that agree are taken to differ by what is usual: Student's 99.5 % point of 8 degrees of freedom."""
    found = ratio.of_timings(tournament(*[[2.0] * 3] * 5), tournament(*[[3.0] * 3] * 5))
    margin = 3.3554 * ratio.PROCESS / 2 * math.sqrt(2 / 5)

    assert found.times == pytest.approx(1.5)
    assert math.log(found.high / 1.5) == pytest.approx(max(margin, math.log1p(ratio.PROCESS)), rel=1e-3)
    assert math.log(1.5 / found.low) == pytest.approx(max(margin, math.log1p(ratio.PROCESS)), rel=1e-3)


def test_processes_that_differ_tell_little():
    """Samples that agree within each process say nothing of the difference that processes have."""
    fast, slow = [1.0, 1.01, 1.02], [2.0, 2.02, 2.04]
    before, after = tournament(fast, fast, fast, slow, slow), tournament(fast, fast, slow, slow, slow)

    assert ratio.of_medians(before.seconds, after.seconds).times == pytest.approx(2, rel=0.05)
    assert not ratio.of_timings(before, after).slower(ratio.SIZE)


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_few_processes_may_be_of_one_class(processes):
    """Three times as long may be what another class of the same code takes; six times is not."""
    before = tournament(*[[1.0, 1.01, 1.02, 1.03]] * processes)
    after = [replace(before, seconds=tuple(times * one for one in before.seconds)) for times in (3, 6)]

    assert [ratio.of_timings(before, one).slower(ratio.SIZE) for one in after] == [False, True]
    assert [ratio.of_timings(one, before).faster(ratio.SIZE) for one in after] == [False, True]


@pytest.mark.parametrize("workers", [2, 5, 10])
def test_equal_code_in_other_processes_is_no_change(workers):
    """With processes 10 % apart, and none of it seen within one, equal code is called changed once in 100 at most."""
    draw = np.random.default_rng(workers)
    alarms = 0
    for _ in range(1000):
        effects = draw.normal(0, 0.1, (2, workers, 1)) + draw.normal(0, 0.005, (2, workers, 5))
        found = ratio.of_timings(*(tournament(*np.exp(side)) for side in effects))
        alarms += found.slower(ratio.SIZE) or found.faster(ratio.SIZE)

    assert alarms <= 20  # 10 expected; more than 20 by chance once in 1000


def test_a_large_slowdown_is_found_by_five_processes():
    """A tenth more, in processes that differ as usual, is seen in nearly every comparison."""
    draw = np.random.default_rng(1)
    found = 0
    for _ in range(200):
        effects = draw.normal(0, 0.01, (2, 5, 1)) + draw.normal(0, 0.01, (2, 5, 5)) + [[[0.0]], [[math.log(1.1)]]]
        found += ratio.of_timings(*(tournament(*np.exp(side)) for side in effects)).slower(ratio.SIZE)

    assert found >= 190


def test_too_few_samples_tell_what_no_class_explains():
    """A side of fewer samples than a median's limits need has limits as far apart as classes of processes."""
    found = ratio.of_timings(tournament([1.0], [1.0]), tournament([2.0] * 3, [2.0] * 3))

    assert (found.times, found.low, found.high) == (2.0, 2.0 / ratio.CLASSES, 2.0 * ratio.CLASSES)
    assert ratio.of_timings(tournament([]), tournament([2.0])) is None
    assert ratio.of_timings(tournament([0.0]), tournament([2.0])) is None


def test_duel_stands_for_the_samples():
    """Where a duel was played between two runs, its ratio is theirs, and the reciprocal the other way round."""
    before, after = timing(*[1.0] * 9), settled(timing(*[3.0] * 9), 1.02, uid="before")

    there, back = ratio.of_runs(before, after, ("before", "after")), ratio.of_runs(after, before, ("after", "before"))

    assert (there.times, there.low, there.high) == (1.02, 1.02 / 1.01, 1.02 * 1.01)
    assert (back.times, back.low, back.high) == (1 / 1.02, 1 / there.high, 1 / there.low)
    assert ratio.of_runs(before, after, ("another", "after")).times == pytest.approx(3)


@pytest.mark.parametrize(
    ("low", "high", "same"), [(0.99, 1.02, True), (0.96, 1.04, True), (0.94, 1.0, False), (1.01, 1.06, False)]
)
def test_same_is_all_of_the_interval(low, high, same):
    """Two times are the same where all that their ratio may be lies within the size that counts."""
    assert ratio.Ratio(1.0, low, high).same(ratio.SIZE) is same
