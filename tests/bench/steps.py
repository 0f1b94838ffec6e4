"""How often steps are found in series of times, planted ones and others: `python -m tests.bench.steps`.

Noise is relative, with a standard deviation of 1, 2 or 5 %: `normal`; `far`, where every tenth run takes as much longer
as ten standard deviations on average; or `busy`, where a run is like the one before it (autocorrelation 0.4), as on a
machine that is busy for days.
"""

import sys
from functools import partial

import numpy as np

from harness.history import steps as change_points

NOISE = (0.01, 0.02, 0.05)
PLANTED = (  # runs, ((the run of a step, its ratio), ...)
    (30, ()),
    (100, ()),
    (300, ()),
    (30, ((15, 1.1),)),
    (30, ((26, 1.2),)),
    (100, ((50, 1.05),)),
    (100, ((50, 1 / 1.1),)),
    (100, ((96, 1.2),)),
    (100, ((40, 1.1), (60, 1 / 1.1))),
)
NEAR = 2  # runs that a step may be off


def normal(rng, runs):
    """Draw noise of standard deviation 1."""
    return rng.standard_normal(runs)


def far(rng, runs):
    """Draw the same with every tenth run far off."""
    return rng.standard_normal(runs) + np.where(rng.random(runs) < 0.1, rng.exponential(10, runs), 0)


def busy(rng, runs):
    """Draw noise of standard deviation 1 and autocorrelation 0.4."""
    drawn = rng.standard_normal(runs)
    for run in range(1, runs):
        drawn[run] = 0.4 * drawn[run - 1] + np.sqrt(1 - 0.4**2) * drawn[run]
    return drawn


def series(rng, noise, runs, planted=()):
    """Return seconds with steps."""
    logs = noise(rng, runs)
    for at, ratio in planted:
        logs[at:] += np.log(ratio)
    return 1e-3 * np.exp(logs)


def scaled(draw, size, rng, runs):
    """Draw noise of another standard deviation."""
    return size * draw(rng, runs)


def rates(noise, runs, planted, count, seed=0):
    """Return of so many series the share with steps that were not planted, and with all that were, near their place."""
    rng = np.random.default_rng(seed)
    false, found = 0, 0
    for steps in change_points.steps([series(rng, noise, runs, planted) for _ in range(count)]):
        hits = [any(near(step, *one) for step in steps) for one in planted]
        found += all(hits)
        false += len(steps) > sum(hits)
    return false / count, found / count


def near(step, at, ratio):
    """Tell whether a step is the one that was planted."""
    return abs(step.at - at) <= NEAR and (step.now > step.was) == (ratio > 1)


def main():
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{'runs':>5} {'planted':24} {'noise':8} " + " ".join(f"{size:>7.0%}: false, found" for size in NOISE))  # noqa: T201
    for runs, planted in PLANTED:
        for draw in (normal, far, busy):
            shares = [rates(partial(scaled, draw, size), runs, planted, count) for size in NOISE]
            cells = " ".join(f"{false:15.2%}{f', {found:.0%}' if planted else '':>7}" for false, found in shares)
            steps = ", ".join(f"x{ratio:.2f} at {at}" for at, ratio in planted) or "nothing"
            print(f"{runs:5} {steps:24} {draw.__name__:8} {cells}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
