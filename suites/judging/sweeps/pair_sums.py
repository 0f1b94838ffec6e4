"""Errors of answers to pairs of logits, summed up run by run: by numpy, or by a compiled loop that gives the same.

A run is neighbouring pairs whose gaps are of one sign, and of one row of what is summed up. An element whose error is
not certain to lie on its side of 0.5 ulp, and one that is no plain distance, is left to whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.jit import Loops
from harness.model import Array, Format
from harness.scoring.cells import CODES, EDGE, LOST, SLACK, WIDEST, overflow
from harness.scoring.swept import BINS, EDGES, FINE, MOST
from reference.fast.float64 import pairs, single
from reference.fast.float64.pairs import RHO, Side
from reference.fast.words import power, where

LOOPS = Loops(
    "suites.judging.sweeps.pair_loops",
    (
        *("harness.jit", "harness.scoring.swept", "harness.scoring.cells", "harness.scoring.cell_loops"),
        *("reference.fast.words", "reference.fast.compiled.arithmetic", "reference.fast.float64.single"),
        *("reference.fast.float64.single_loops", "reference.fast.float64.pairs"),
        *("suites.judging.sweeps.pair_sums", "suites.judging.sweeps.pair_loops"),
    ),
)
LONGEST = 1 << 15  # pairs of a run that are summed up at once
FLUSHED, LOST_ALL = CODES.index("flushed"), CODES.index("zero_for_nonzero")
NOWHERE = np.iinfo(np.int64).max
# Multipliers of a digest, odd and of mixed bits (those of SplitMix64, as signed numbers).
FIRST, SECOND, THIRD = -7046029254386353131, -4658895280553007687, -7723592293110705685


class Runs(NamedTuple):
    """Where runs begin, with the end of the last one; and whether x is below y, a number a run."""

    starts: Array
    below: Array


class Sums(NamedTuple):
    """What runs come to, a row each; (runs, bins) of EDGES. As `cells.Sums`; hashes: sums of `mixed`, int64."""

    counts: Array
    bins: Array
    worst: Array
    places: Array
    sizes: Array
    leans: Array
    lows: Array
    highs: Array
    hashes: Array


def mixed(place: Array, pattern: Array) -> Array:
    """Return int64 that an answer's place and bits decide: sums of these tell answers apart, in any order."""
    found = place * FIRST + pattern * SECOND
    found = found ^ ((found >> 29) & 0x7FFFFFFFF)
    found = found * THIRD
    return found ^ ((found >> 32) & 0xFFFFFFFF)


def apart(got: Array, value: pairs.Value, sign: float, form: tuple[int, int, int]) -> tuple[Array, Array]:
    """Return signed errors in ulps, and which are certain and plain. form: precision, emin, emax."""
    base, part, exponent, known = value
    precision, emin, emax = form
    mine = sign * got
    scale = power(precision - 1 - where(exponent < emin, emin, where(exponent > emax, emax, exponent)))
    error = ((mine - base) - part) * scale
    size, reach = np.abs(error), part * scale
    off = RHO * reach
    sure = (np.abs(size - 0.5) > off + SLACK * size) | ((size == 0.5) & (reach < LOST))
    plain = (size <= 0.5) | ((got != 0) & (np.abs(got) < np.inf) & (mine * (base + part) >= 0))
    return sign * error, known & sure & plain & (off <= WIDEST)


def ends(
    x: Array, y: Array, output: Array, got: Array, plan: Sequence[Side], form: Format
) -> tuple[Array, Array, Array]:
    """Return signed errors, places in `cells.CODES`, and which are certain: of answers of 0 and of infinities alone.

    There may be many of these, and what they are is seen without a better exact value. x, y: float32, (n,), one pair an
    answer; output: which of the pair's it is.
    """
    d, tail, top = pairs.gap(x.astype(np.float64), y.astype(np.float64))
    given = (d, tail, top, *single.exp_and_log(np.minimum(d, single.FAR)))
    ulps, codes, certain = np.zeros(len(x)), np.zeros(len(x), np.uint8), np.zeros(len(x), np.bool_)
    least, most = 2.0**form.emin, overflow(form)
    for number, side in enumerate(plan):
        for kind, where_ in ((side.above, x >= y), (side.below, x < y)):
            some = np.flatnonzero((output == number) & where_)
            value = pairs.FORMULAS[kind](*(part[some] for part in given))
            base, part, _, known = value
            whole, answer = side.sign * (base + part), got[some].astype(np.float64)
            size, off = np.abs(whole), np.abs(base + part) * EDGE + RHO * part
            with np.errstate(invalid="ignore"):
                error, _ = apart(answer, value, side.sign, (form.precision, form.emin, form.emax))
            zero = (answer == 0) & known & (np.abs(size - least) > off) & (np.abs(error) > 0.5 + EDGE)
            rounds = np.isinf(answer) & (answer * whole > 0) & (size > most + off)
            ulps[some] = np.where(zero, error, 0.0)
            codes[some] = np.where(zero, np.where(size < least, FLUSHED, LOST_ALL), 0)
            certain[some] = zero | rounds
    return ulps, codes, certain


def measure(
    x: Array, y: Array, got: Array, patterns: Array, runs: Runs, plan: Sequence[Side], form: Format, first: int
) -> tuple[Sums, Array]:
    """Sum up what is certain and plain, and return where the others are.

    x, y: float32, (n,). got: float32, (n, outputs); patterns: the answers' own bits, unsigned, every nan the same.
    first: the place of the first answer, which the digests hold; others are counted from here.
    """
    loops: Any = LOOPS.get(got.size)
    if loops is None:
        return _by_numpy(x, y, got, patterns, runs, plan, form, first)
    found: tuple[Sums, Array] = LOOPS.proved(
        f"measure of {len(plan)}",
        lambda: _by_loop(loops, x, y, got, patterns, runs, plan, form, first),
        lambda: _by_numpy(x, y, got, patterns, runs, plan, form, first),
    )
    return found


def _by_loop(
    loops: Any,
    x: Array,
    y: Array,
    got: Array,
    patterns: Array,
    runs: Runs,
    plan: Sequence[Side],
    form: Format,
    first: int,
) -> tuple[Sums, Array]:
    signs = np.array([side.sign for side in plan])
    kinds = np.array([[side.above, side.below] for side in plan])
    shape = (form.precision, form.emin, form.emax)
    whole, bins, fractions, left = loops.measure(x, y, got, patterns, *runs, signs, kinds, shape, first)
    counts, places, sizes, leans, hashes = whole
    worst, lows, highs = fractions + 0.0  # no -0.0
    return Sums(counts, bins, worst, places, sizes, leans, lows, highs, hashes), np.sort(left)


def _by_numpy(
    x: Array, y: Array, got: Array, patterns: Array, runs: Runs, plan: Sequence[Side], form: Format, first: int
) -> tuple[Sums, Array]:
    turns = np.flatnonzero(np.diff(runs.below)) + 1
    groups = np.unique(np.concatenate([[0], turns, np.flatnonzero(np.diff(runs.starts[:-1] // LONGEST)) + 1]))
    found, lefts = [], []
    with np.errstate(all="ignore"):
        for start, stop in zip(groups, [*groups[1:], len(runs.below)], strict=True):
            at = slice(runs.starts[start], runs.starts[stop])
            d, tail, top = pairs.gap(x[at].astype(np.float64), y[at].astype(np.float64))
            given = (d, tail, top, *single.exp_and_log(np.minimum(d, single.FAR)))
            cuts = runs.starts[start:stop] - runs.starts[start]
            parts = []
            for out, side in enumerate(plan):
                value = pairs.FORMULAS[side.below if runs.below[start] else side.above](*given)
                answers = got[at, out].astype(np.float64)
                error, kept = apart(answers, value, side.sign, (form.precision, form.emin, form.emax))
                places = np.arange(at.start, at.stop, dtype=np.int64) * len(plan) + out
                hashes = np.add.reduceat(mixed(first + places, patterns[at, out].astype(np.int64)), cuts)
                parts.append(_summed(error + 0.0, kept, places, cuts, hashes))
                lefts.append(places[~kept])
            found.append(parts[0] if len(parts) == 1 else together(*parts))
    whole = Sums(*(np.concatenate(part) for part in zip(*found, strict=True)))
    return whole, np.sort(np.concatenate(lefts))


def _summed(error: Array, kept: Array, places: Array, cuts: Array, hashes: Array) -> Sums:
    size = np.abs(error)
    whole = np.where(kept, np.rint(np.minimum(size, MOST) / FINE), 0).astype(np.int64)
    counts = np.add.reduceat(kept.astype(np.int64), cuts)
    upto = [np.zeros_like(counts), *(np.add.reduceat((kept & (size <= edge)).astype(np.int64), cuts) for edge in EDGES)]
    most = np.maximum.reduceat(np.where(kept, size, -1.0), cuts)
    lengths = np.diff([*cuts, len(error)])
    top = np.minimum.reduceat(np.where(kept & (size == np.repeat(most, lengths)), places, NOWHERE), cuts)
    worst = np.where(counts > 0, error[np.where(counts > 0, np.searchsorted(places, top), 0)], 0.0)
    return Sums(
        counts,
        np.diff([*upto, counts], axis=0).T,
        worst,
        top,
        np.add.reduceat(whole, cuts),
        np.add.reduceat(np.where(error < 0, -whole, whole), cuts),
        np.minimum.reduceat(np.where(kept, error, np.inf), cuts),
        np.maximum.reduceat(np.where(kept, error, -np.inf), cuts),
        hashes,
    )


def together(one: Sums, other: Sums) -> Sums:
    """Return what both come to, row by row."""
    a, b = np.where(one.counts, np.abs(one.worst), -1), np.where(other.counts, np.abs(other.worst), -1)
    second = (b > a) | ((b == a) & (other.places < one.places))
    return Sums(
        one.counts + other.counts,
        one.bins + other.bins,
        np.where(second, other.worst, one.worst),
        np.where(second, other.places, one.places),
        one.sizes + other.sizes,
        one.leans + other.leans,
        np.minimum(one.lows, other.lows),
        np.maximum(one.highs, other.highs),
        one.hashes + other.hashes,
    )


def none(rows: int) -> Sums:
    """Return rows of nothing."""
    counts, sizes, leans, hashes = np.zeros((4, rows), np.int64)
    lows, highs = np.full(rows, np.inf), np.full(rows, -np.inf)
    bins = np.zeros((rows, BINS), np.int64)
    return Sums(counts, bins, np.zeros(rows), np.full(rows, NOWHERE), sizes, leans, lows, highs, hashes)


def by_row(sums: Sums, rows: Array, number: int) -> Sums:
    """Add up runs that are of the same of so many rows."""
    found = none(number)
    size = np.where(sums.counts, np.abs(sums.worst), -1.0)
    most = np.full(number, -1.0)
    np.maximum.at(most, rows, size)
    places = np.full(number, NOWHERE)
    top = (size == most[rows]) & (sums.counts > 0)
    np.minimum.at(places, rows[top], sums.places[top])
    at = np.flatnonzero(top & (sums.places == places[rows]))
    worst = np.zeros(number)
    worst[rows[at]] = sums.worst[at]
    added = []
    for whole in (sums.counts, sums.bins, sums.sizes, sums.leans, sums.hashes):
        to = np.zeros((number, *whole.shape[1:]), np.int64)
        np.add.at(to, rows, whole)
        added.append(to)
    lows, highs = found.lows, found.highs
    np.minimum.at(lows, rows, sums.lows)
    np.maximum.at(highs, rows, sums.highs)
    counts, bins, sizes, leans, hashes = added
    return Sums(counts, bins, worst, places, sizes, leans, lows, highs, hashes)
