"""Steps in times: planted ones are found where they are, what is no step is none, and how often is stated and kept."""

from functools import partial

import numpy as np
import pytest

from harness.history import steps as change_points
from tests.bench import steps as bench


def quiet(*levels, seed=0):
    """Return times with 1 % of noise about levels, each (runs, seconds)."""
    rng = np.random.default_rng(seed)
    return np.concatenate([seconds * np.exp(0.01 * rng.standard_normal(runs)) for runs, seconds in levels])


def steps(seconds, **options):
    """Return the steps of one series."""
    (found,) = change_points.steps([seconds], **options)
    return found


@pytest.mark.parametrize("seconds", [[], [1e-3], [1e-3] * 7, [1e-3] * 4 + [2e-3] * 3, [1e-3] * 50])
def test_too_short_or_constant(seconds):
    """A series of fewer runs than two levels take, or without any noise at all, has no step."""
    assert steps(seconds) == []


def test_one_step():
    """A step is found at its run, with the medians of both levels, their ratio and an interval about it."""
    seconds = quiet((12, 1e-3), (9, 1.2e-3))

    (step,) = steps(seconds)

    assert step.at == step.first == step.last == 12
    assert (step.was, step.now) == (np.median(seconds[:12]), np.median(seconds[12:]))
    assert step.ratio.times == pytest.approx(step.now / step.was)
    assert 1.1 < step.ratio.low < step.ratio.times < step.ratio.high < 1.3


def test_as_soon_as_a_level_can_be_told():
    """Four runs on the new level are enough, three are not; nor is a shorter time said to be longer."""
    assert [step.at for step in steps(quiet((20, 1e-3), (4, 0.8e-3)))] == [20]
    assert steps(quiet((20, 1e-3), (4, 0.8e-3)))[0].ratio.times < 1
    assert steps(quiet((20, 1e-3), (3, 0.8e-3))) == []


def test_several_steps():
    """What got slower, slower still and fast again has three steps, however short what lies between."""
    found = steps(quiet((40, 1e-3), (6, 1.1e-3), (5, 1.3e-3), (60, 1e-3)))

    assert [step.at for step in found] == [40, 46, 51]
    assert [step.ratio.times > 1 for step in found] == [True, True, False]


def test_runs_far_off_are_no_step():
    """Single runs that take many times as long make no step, and do not hide one or move it."""
    seconds = quiet((30, 1e-3), (30, 1.15e-3))
    seconds[[4, 5, 17, 33, 50, 58]] *= 10

    assert [step.at for step in steps(seconds)] == [30]
    assert steps(np.delete(seconds, np.s_[30:])) == []


def test_a_run_far_off_beside_a_step_leaves_its_place_open():
    """A run that is far off fits both levels as badly, so the places on its two sides are named."""
    seconds = quiet((20, 1e-3), (20, 1.2e-3))
    seconds[20] *= 5

    (step,) = steps(seconds)

    assert (step.first, step.last) == (20, 21)


@pytest.mark.parametrize(("size", "found"), [(0.05, 0), (0.02, 1)])
def test_size_decides(size, found):
    """A step of 4 % counts where so small a one is asked for."""
    assert len(steps(quiet((40, 1e-3), (40, 1.04e-3)), size=size)) == found


def test_slow_drift_is_told_in_levels_that_differ():
    """A time that grows by half over 100 runs is told in levels, each longer than the last by 5 % or more."""
    found = steps(np.linspace(1e-3, 1.5e-3, 100))

    assert found
    assert all(step.ratio.slower(0.05) for step in found)


def test_together_or_alone():
    """Many series at once, of whatever lengths, have the steps that each has alone, in their order."""
    rng = np.random.default_rng(3)
    many = [
        bench.series(rng, partial(bench.scaled, bench.far, 0.02), 20 + k % 3, ((10, 1.3),) * (k % 2))
        for k in range(300)
    ]

    together = change_points.steps(many)

    assert together == [steps(series) for series in many]
    assert 100 < sum(map(bool, together)) < 200


@pytest.mark.parametrize("draw", [bench.normal, bench.far])
@pytest.mark.parametrize("size", [0.01, 0.02, 0.05])
def test_false_alarms(draw, size):
    """Of 400 series of 60 runs without a step, whatever their noise, at most 8 have one."""
    false, _ = bench.rates(partial(bench.scaled, draw, size), 60, (), 400)

    assert false <= 8 / 400


@pytest.mark.parametrize(
    ("planted", "draw", "least"),
    [
        (((30, 1.1),), bench.normal, 0.98),
        (((30, 1 / 1.1),), bench.normal, 0.98),
        (((30, 1.1),), bench.far, 0.9),
        (((56, 1.2),), bench.normal, 0.98),
        (((20, 1.15), (35, 1 / 1.15)), bench.normal, 0.98),
    ],
)
def test_power(planted, draw, least):
    """Steps of 10 to 20 % in noise of 2 % are found within two runs of their place."""
    _, found = bench.rates(partial(bench.scaled, draw, 0.02), 60, planted, 200)

    assert found >= least


def test_the_rates_can_fail(monkeypatch):
    """With a threshold of next to nothing the same noise raises alarms, so the rate above says something."""
    monkeypatch.setattr(change_points, "THRESHOLD", 0.5)
    monkeypatch.setattr(change_points.ratio, "PROCESS", 0.0)

    false, _ = bench.rates(partial(bench.scaled, bench.far, 0.05), 60, (), 100)

    assert false > 0.1
