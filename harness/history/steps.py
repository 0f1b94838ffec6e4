"""Find steps in a series of times, one a run: from which run a call takes longer or less long, and by how much.

Times of runs are noisy: the same code differs by 1 to 3 % from process to process, and a busy machine sends single runs
far off. So a step is looked for at every scale in scores that no single run can rule, and it counts only where the two
levels beside it differ by a named size and by more than their interval.

1. The noise is the median absolute difference of neighbours, which a step does not touch, and never less than NOISE.
2. In an interval of runs, the score of a run is the logarithm of its time, less the interval's median, in units of the
   noise, cut at +-CUT (Huber's psi; what a cut does for change points: Fearnhead and Rigaill, "Changepoint detection in
   the presence of outliers", JASA 114, 2019). The statistic is the difference of the mean scores before and after a
   run, over its standard deviation.
3. Intervals of every length, half overlapping, are asked, and the shortest that has a statistic above the threshold
   is split (Baranowski, Chen and Fryzlewicz, "Narrowest-over-threshold detection", J. R. Stat. Soc. B 81, 2019;
   Kovacs et al., "Seeded binary segmentation", Biometrika 110, 2023); then its two sides are searched in turn.
4. Each split is moved to where its two levels fit best between its neighbours, and the weakest is taken out until all
   that are left part two levels whose medians `harness.history.ratio` holds for different.

How well it does is measured by tests/bench/steps.py, on 1000 series of 100 runs each with 2 % of noise. Without
a step none had one; 6 where every tenth run is far off; 2 where each run is like the one before (autocorrelation 0.4),
but 47 where that noise is of 5 %. A step of 10 % was found within two runs of its place in 99 % or more, one of 20 %
four runs before the end in 98 % or more, and one of the named size itself, 5 %, in half.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from harness.history import ratio
from harness.history.ratio import Ratio
from harness.model import Array

LEAST = ratio.LEAST_SAMPLES  # runs on a level: fewer are an episode, and have no interval
NOISE = 0.01  # relative standard deviation; two processes of the same code differ by that much on a quiet machine
NORMAL = 1.4826  # standard deviation over median absolute deviation, of a normal distribution
LAGS = 3  # runs apart: where neighbours are alike, because a machine is busy for days, only farther ones tell the noise
CUT = 3.0  # standard deviations
THRESHOLD = 5.0  # by simulation (tests/bench/steps.py); see the rates above
SHRINK = math.sqrt(0.5)  # from a length of intervals to the next
FAR = 8.0  # standard deviations, from where a run fits any level as badly
SLACK = 3.0  # standard deviations of a run by which a place may fit less well than the best
AT_ONCE = 256  # series searched together; more leave the cache


@dataclass(frozen=True)
class Step:
    """A change of level: the place of the first time on the new one, the medians of both in seconds, their ratio.

    first, last: the places about it that fit nearly as well, such as those beyond a run that is far off.
    """

    at: int
    first: int
    last: int
    was: float
    now: float
    ratio: Ratio


def steps(many: Sequence[Sequence[float] | Array], size: float = ratio.SIZE) -> list[list[Step]]:
    """Return the steps of each of many series of positive times, in order; fewer than 2 * LEAST runs have none.

    size: the relative difference of two levels from which one counts. Series of one length together take a tenth of the
    time that they take one by one.
    """
    every = [np.asarray(seconds, np.float64) for seconds in many]
    scaled = [np.log(times) / _noise(np.log(times)) for times in every]
    return [
        _kept(times, logs, _refined(logs, splits), size)
        for times, logs, splits in zip(every, scaled, _splits(scaled), strict=True)
    ]


def _noise(logs: Array) -> float:
    """Return the standard deviation of a run about its level, from differences of near neighbours."""
    lags = range(1, min(LAGS, len(logs) // (2 * LEAST)) + 1)
    differences = (np.abs(logs[lag:] - logs[:-lag]) for lag in lags)
    return max([NOISE, *(NORMAL * float(np.median(some)) / math.sqrt(2) for some in differences)])


def _splits(scaled: Sequence[Array]) -> list[list[int]]:
    """Return the places of splits of each series, in order: the narrowest interval's, then those of the two sides."""
    splits: list[list[int]] = [[] for _ in scaled]
    parts: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)  # length -> (series, start)
    for number, series in enumerate(scaled):
        parts[len(series)].append((number, 0))
    while parts:
        length = max(parts)
        alike = parts.pop(length)
        for some in (alike[k : k + AT_ONCE] for k in range(0, len(alike), AT_ONCE)):
            rows = np.array([scaled[number][start : start + length] for number, start in some])
            for (number, start), split in zip(some, _narrowest(rows).tolist(), strict=True):
                if split:
                    splits[number].append(start + split)
                    parts[split].append((number, start))
                    parts[length - split].append((number, start + split))
    return [sorted(places) for places in splits]


def _narrowest(rows: Array) -> Array:
    """Return for each series of (series, runs) the best split of its shortest interval above the threshold, or 0."""
    splits = np.zeros(len(rows), int)
    for length in _lengths(rows.shape[1]):
        quiet = np.flatnonzero(splits == 0)
        if not len(quiet):
            break
        starts = _starts(rows.shape[1], length)
        intervals = np.lib.stride_tricks.sliding_window_view(rows, length, axis=1)[quiet[:, None], starts]
        statistics = _statistics(intervals)
        flat = statistics.reshape(len(quiet), -1)
        interval, split = np.divmod(flat.argmax(axis=1), statistics.shape[2])
        loud = flat.max(axis=1) > THRESHOLD
        splits[quiet[loud]] = (starts[interval] + LEAST + split)[loud]
    return splits


def _lengths(count: int) -> list[int]:
    """Return the lengths of intervals, the shortest first."""
    lengths: list[int] = []
    while count >= 2 * LEAST:
        lengths.insert(0, count)
        count = math.ceil(count * SHRINK)
    return lengths


def _starts(count: int, length: int) -> Array:
    """Return where the intervals of a length begin, the first at the beginning, the last so that it ends at the end."""
    return np.linspace(0, count - length, 2 * math.ceil(count / length) - 1).astype(int)


def _statistics(intervals: Array) -> Array:
    """Return the statistic of every split of an interval: (..., runs) -> (..., runs - 2 * LEAST + 1)."""
    scores = np.clip(intervals - np.median(intervals, axis=-1, keepdims=True), -CUT, CUT)
    count, sums = intervals.shape[-1], scores.cumsum(axis=-1)
    before = np.arange(LEAST, count - LEAST + 1)
    first = sums[..., before - 1]
    difference = (sums[..., -1:] - first) / (count - before) - first / before
    statistics: Array = np.abs(difference) * np.sqrt(before * (count - before) / count)
    return statistics


def _refined(scaled: Array, splits: Sequence[int]) -> list[int]:
    """Move each split to where the two levels beside it fit best between its neighbours, LEAST runs from either."""
    places = [0, *splits, len(scaled)]
    for k in range(1, len(places) - 1):
        start, split, stop = places[k - 1 : k + 2]
        misfits = _misfits(scaled[start:stop], split - start)
        places[k] = start + LEAST + int(misfits[LEAST - 1 : 1 - LEAST].argmin())
    return places[1:-1]


def _misfits(scaled: Array, split: int) -> Array:
    """Return how badly the levels of a split would fit at each place from 1 on, by cut absolute distances."""
    before, after = (np.minimum(np.abs(scaled - np.median(side)), FAR) for side in (scaled[:split], scaled[split:]))
    misfits: Array = np.cumsum(before - after)[:-1]
    return misfits


def _kept(times: Array, scaled: Array, splits: list[int], size: float) -> list[Step]:
    """Return the steps at splits, the smallest taken out until each that is left is beyond its interval and `size`."""
    while splits:
        found = list(_between(times, scaled, splits))
        unsure = [k for k, step in enumerate(found) if not (step.ratio.slower(size) or step.ratio.faster(size))]
        if not unsure:
            return found
        del splits[min(unsure, key=lambda k: abs(math.log(found[k].ratio.times)))]
    return []


def _between(times: Array, scaled: Array, splits: Sequence[int]) -> Iterator[Step]:
    """Yield a step a split, with the levels up to its neighbours, at the place where they fit best."""
    for start, split, stop in zip([0, *splits], splits, [*splits[1:], len(times)], strict=False):
        before, after = times[start:split].tolist(), times[split:stop].tolist()
        apart = ratio.of_medians(before, after)
        assert apart is not None  # each level has LEAST runs, of positive times
        misfits = _misfits(scaled[start:stop], split - start)
        near = start + 1 + np.flatnonzero(misfits <= misfits.min() + SLACK)
        at = start + 1 + int(misfits.argmin())
        yield Step(at, int(near[0]), int(near[-1]), median(before), median(after), apart)
