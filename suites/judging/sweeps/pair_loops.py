"""The errors of pairs summed up, a strip at a time: what `pair_sums` does by numpy, bit for bit.

Import this only by way of `harness.jit`: it needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from harness.jit import loop
from harness.scoring import cell_loops
from harness.scoring.cell_loops import LIMITS, SIZE
from harness.scoring.swept import BINS
from reference.fast import words
from reference.fast.float64 import pairs, single, single_loops
from reference.fast.float64.pairs import DOWN, GAP, LOG, UP
from reference.fast.words import STEPS
from suites.judging.sweeps import pair_sums
from suites.judging.sweeps.pair_sums import NOWHERE

assert single_loops  # teaches numba the words and formulas
STRIP = 256
FAR: Any = single.FAR
formulas: Any = pairs  # of numbers here
measuring: Any = pair_sums

for _formula in (pairs.gap, pairs.exponent, pairs.between, *pairs.FORMULAS, pair_sums.mixed, pair_sums.apart):
    register_jitable(_formula)


@loop
def _shared(x: Any, y: Any, given: Any, steps: Any, room: Any, table: Any, logs: Any) -> None:
    """Set what the formulas share, a strip: |x - y|, its tail, the larger, e and L."""
    d, tail, top, e, log = given
    q, hi, lo, inverse = room
    for i in range(x.size):
        d[i], tail[i], top[i] = formulas.gap(np.float64(x[i]), np.float64(y[i]))
    for i in range(x.size):
        steps[i], q[i] = single.reduced(min(FAR, d[i]))
    for i in range(x.size):
        at = steps[i] & (STEPS - 1)
        hi[i], lo[i] = table[0, at], table[1, at]
    for i in range(x.size):
        e[i] = single.from_table(hi[i], lo[i], q[i], steps[i])
    for i in range(x.size):
        steps[i], q[i] = single.log_place(e[i])
    for i in range(x.size):
        at = steps[i]
        inverse[i], hi[i], lo[i] = logs[0, at], logs[1, at], logs[2, at]
    for i in range(x.size):
        log[i] = single.log_of(q[i], inverse[i], hi[i], lo[i])


@loop
def _of_shares(got: Any, out: int, kind: int, sign: float, given: Any, form: Any, ulps: Any, kept: Any) -> None:
    """Set the signed errors of a strip, and which are plain and certain."""
    d, tail, top, e, log = given
    if kind == UP:
        for i in range(got.shape[0]):
            value = formulas.up(d[i], tail[i], top[i], e[i], log[i])
            ulps[i], kept[i] = measuring.apart(np.float64(got[i, out]), value, sign, form)
    else:
        for i in range(got.shape[0]):
            value = formulas.down(d[i], tail[i], top[i], e[i], log[i])
            ulps[i], kept[i] = measuring.apart(np.float64(got[i, out]), value, sign, form)


@loop
def _of_logs(got: Any, out: int, kind: int, sign: float, given: Any, form: Any, ulps: Any, kept: Any) -> None:
    """Set the same of what has a logarithm in it."""
    d, tail, top, e, log = given
    if kind == LOG:
        for i in range(got.shape[0]):
            value = formulas.logarithm(d[i], tail[i], top[i], e[i], log[i])
            ulps[i], kept[i] = measuring.apart(np.float64(got[i, out]), value, sign, form)
    elif kind == GAP:
        for i in range(got.shape[0]):
            value = formulas.beyond(d[i], tail[i], top[i], e[i], log[i])
            ulps[i], kept[i] = measuring.apart(np.float64(got[i, out]), value, sign, form)
    else:
        for i in range(got.shape[0]):
            value = formulas.highest(d[i], tail[i], top[i], e[i], log[i])
            ulps[i], kept[i] = measuring.apart(np.float64(got[i, out]), value, sign, form)


@loop
def _hash(patterns: Any, out: int, outputs: int, place: int) -> Any:
    found = np.int64(0)
    for i in range(patterns.shape[0]):
        found += measuring.mixed(np.int64(place + i * outputs + out), np.int64(patterns[i, out]))
    return found


@loop
def _run(
    start: int, stop: int, below: int, asked: Any, answers: Any, form: Any, room: Any, left: Any, lefts: int
) -> Any:
    """Return what a run comes to, its bins as they grow, its extremes, and how many are left."""
    x, y, signs, kinds, first, tables = asked
    got, patterns = answers
    given, steps, some, ulps, kept, at = room
    outputs = signs.size
    upto = np.zeros(LIMITS.size, np.int64)
    count, place, sizes, leans, hashed = np.int64(0), np.int64(NOWHERE), np.int64(0), np.int64(0), np.int64(0)
    worst, largest, low, high = 0.0, np.int64(-1), np.int64(SIZE), np.int64(-SIZE)
    for begin in range(start, stop, STRIP):
        end = min(begin + STRIP, stop)
        _shared(x[begin:end], y[begin:end], given, steps, some, tables[0], tables[1])
        for out in range(outputs):
            kind = kinds[out, below]
            if kind <= DOWN:
                _of_shares(got[begin:end], out, kind, signs[out], given, form, ulps, kept)
            else:
                _of_logs(got[begin:end], out, kind, signs[out], given, form, ulps, kept)
            hashed += _hash(patterns[begin:end], out, outputs, first + begin * outputs)
            before = lefts
            sure = _count(kept, end - begin)
            if sure < end - begin:
                sure, lefts = cell_loops.put_aside(
                    ulps, kept, at, end - begin, left, lefts, begin * outputs + out, outputs
                )
            if sure == 0:
                continue
            more, lean, most, lowest, highest = cell_loops.sums(ulps[:sure], upto)
            count, sizes, leans = count + sure, sizes + more, leans + lean
            low, high = min(low, lowest), max(high, highest)
            if most >= largest:
                i = cell_loops.first_of_size(ulps[:sure], most)
                there = (begin + (i if lefts == before else at[i])) * outputs + out
                if most > largest or there < place:
                    worst, place = ulps[i], there
                largest = most
    return (count, place, sizes, leans, hashed), upto, (worst, low, high), lefts


@loop
def _count(kept: Any, here: int) -> Any:
    count = np.int64(0)
    for i in range(here):
        count += np.int64(kept[i])
    return count


@loop
def _measure(
    x: Any,
    y: Any,
    got: Any,
    patterns: Any,
    starts: Any,
    below: Any,
    signs: Any,
    kinds: Any,
    form: Any,
    first: int,
    tables: Any,
) -> Any:
    runs = below.size
    whole, bins, fractions = np.zeros((5, runs), np.int64), np.zeros((runs, BINS), np.int64), np.zeros((3, runs))
    left, lefts = np.empty(got.size, np.int64), 0
    given = (np.empty(STRIP), np.empty(STRIP), np.empty(STRIP), np.empty(STRIP), np.empty(STRIP))
    some = (np.empty(STRIP), np.empty(STRIP), np.empty(STRIP), np.empty(STRIP))
    room = (
        given,
        np.empty(STRIP, np.int64),
        some,
        np.empty(STRIP),
        np.empty(STRIP, np.bool_),
        np.empty(STRIP, np.int64),
    )
    asked, answers = (x, y, signs, kinds, first, tables), (got, patterns)
    for run in range(runs):
        sums, upto, (worst, low, high), lefts = _run(
            starts[run], starts[run + 1], below[run], asked, answers, form, room, left, lefts
        )
        for k in range(5):
            whole[k, run] = sums[k]
        fractions[0, run] = worst
        fractions[1, run] = cell_loops.number(low) if sums[0] else np.inf
        fractions[2, run] = cell_loops.number(high) if sums[0] else -np.inf
        bins[run, 0], bins[run, BINS - 1] = upto[0], sums[0] - upto[BINS - 2]
        for k in range(1, BINS - 1):
            bins[run, k] = upto[k] - upto[k - 1]
    return whole, bins, fractions, left[:lefts].copy()


def measure(*given: Any) -> Any:
    """Apply `pairs.FORMULAS` and `pair_sums.apart` and sum up."""
    return _measure(*given, (words.table(), single.logarithms()))
