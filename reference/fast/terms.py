"""Terms of rows with their sums, in one pass by compiled loops; numpy goes formula by formula, to the same bits.

A loop is not believed: its first answer in a process is compared with numpy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from harness.model import Array
from reference.fast import doubledouble as dd
from reference.fast import words
from reference.fast.passes import COMPILED, LOOPS, STRIP
from reference.fast.words import Pair

Terms = tuple[Pair, Array, Array, Pair]


def terms(x: Array, peak: Array, axis: int) -> Terms:
    """Return e**-(peak - x), flat indices where x is at the peak, how many, and the sum of the other terms of each row.

    x: at most 332 below its peak.
    """
    loops = loops_of(x, axis)
    if loops is None:
        return _terms(x, peak, axis)
    return proved(f"terms_{axis}", lambda: _looped(loops, x, peak, axis), lambda: _terms(x, peak, axis))


def proved(name: str, by_loop: Callable[[], Any], by_numpy: Callable[[], Any]) -> Any:
    """Return what a loop answers; the first time only if it is what numpy answers, bit by bit."""
    return LOOPS.proved(name, by_loop, by_numpy)


def in_range(a: Array, bits: int) -> bool:
    """Tell whether all numbers are 0 or of a size from 2**-bits to 2**bits."""

    def by_numpy() -> Array:
        size = np.abs(a)
        if size.size and not size.min() > 0:
            size = size[size != 0]
        return np.full(1, not size.size or bool(size.min() >= 2.0**-bits and size.max() <= 2.0**bits))

    loops = LOOPS.get(0) if a.size >= COMPILED else None
    if loops is None:
        return bool(by_numpy()[0])
    flat = own(a).reshape(-1)
    return bool(proved("in_range", lambda: loops.in_range(flat, 2.0**-bits, 2.0**bits), by_numpy)[0])


def loops_of(a: Array, axis: int) -> Any:
    """Return the loops for a matrix; a single column is numpy's, which adds it up as it does a row."""
    return LOOPS.get(0) if a.size >= COMPILED and (axis == 1 or a.shape[1] > 1) else None


def _terms(x: Array, peak: Array, axis: int) -> Terms:
    high, low, coarse, fine = np.empty(x.shape), np.empty(x.shape), np.empty(peak.shape), np.empty(peak.shape)
    for at in strips(x.shape, axis):
        d = dd.difference(peak[at], x[at])
        term = dd.exp_near(d)
        high[at], low[at] = term
        coarse[at], fine[at] = others(term, np.flatnonzero(d[0] == 0), axis)
    where = np.flatnonzero(x == peak)
    return (high, low), where, ties(where, x.shape[1], peak, axis), (coarse, fine)


def strips(shape: tuple[int, ...], axis: int) -> Iterator[tuple[slice, ...]]:
    """Yield where some whole rows are, so few that they stay in a core's cache; turned ones never one alone."""
    count, classes = shape if axis == 1 else shape[::-1]
    parts = min(max(-(-count * classes // STRIP), 1), max(count // 2, 1))
    for i in range(parts):
        rows = slice(count * i // parts, count * (i + 1) // parts)
        yield (rows,) if axis == 1 else (slice(None), rows)


def ties(where: Array, width: int, peak: Array, axis: int) -> Array:
    """Return how many flat indices lie in each row, in float64, shaped like the peaks."""
    return np.bincount(rows(where, width, axis), minlength=peak.size).astype(np.float64).reshape(peak.shape)


def rows(where: Array, width: int, axis: int) -> Array:
    """Return the rows of flat indices; width: of the last axis."""
    return where // width if axis == 1 else where % width


def others(term: Pair, where: Array, axis: int) -> Pair:
    """Return the sum of positive pairs along an axis, but of those at some flat indices."""
    flat = term[0].reshape(-1)
    ones = flat[where]
    flat[where] = 0
    total = dd.total_positive(term, axis)
    flat[where] = ones
    return total


def _looped(loops: Any, x: Array, peak: Array, axis: int) -> Terms:
    loop = getattr(loops, f"terms_{axis}")
    term, where, sums = loop(own(x), own(peak.reshape(-1)), dd.guard_bits(x.shape[axis]), words.table())
    high, low, count = (part.reshape(peak.shape) for part in sums)
    return term, where, count, (high, low)


def own(a: Array) -> Array:
    """Return an array without gaps that may be written to: a loop is compiled for no other kind."""
    return a if a.flags.carray else np.array(a, order="C")
