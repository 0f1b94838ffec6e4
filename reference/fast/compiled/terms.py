"""Terms of whole rows with their sums, in one pass: what `reference.fast.sums` does one after the other.

Strip by strip, in a core's L1 cache; `reference.fast.terms` calls it. A loop has two forms: rows along the last axis
(`_1`), or turned, so that a vector holds as many rows (`_0`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.jit import loop
from reference.fast import words
from reference.fast.compiled.arithmetic import STRIP, Pair, exp_strip, shifted

BLOCK = 128  # numbers that numpy adds up at once, in eight sums
DEPTH = 64  # halvings of a row
SIZE = 0x7FFFFFFFFFFFFFFF  # bits of a float64 but its sign


@loop
def _eight_sums(a: Any) -> float:
    """Return the sum of at most BLOCK numbers as numpy rounds it."""
    total = 0.0
    end = a.size - a.size % 8
    if end:
        t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = 0.0
        for i in range(0, end, 8):
            t0 += a[i]
            t1 += a[i + 1]
            t2 += a[i + 2]
            t3 += a[i + 3]
            t4 += a[i + 4]
            t5 += a[i + 5]
            t6 += a[i + 6]
            t7 += a[i + 7]
        total = ((t0 + t1) + (t2 + t3)) + ((t4 + t5) + (t6 + t7))
    for i in range(end, a.size):
        total += a[i]
    return total


@loop
def _numpy_sum(a: Any, counts: Any, lefts: Any, in_right: Any) -> float:
    """Return a sum as numpy rounds it: half by half, down to blocks (numpy's loops_utils.h.src).

    counts, lefts, in_right: room for DEPTH. Without recursion, which numba does not keep.
    """
    depth, start = 0, 0
    counts[0], in_right[0] = a.size, False
    while True:
        count = counts[depth]
        if count > BLOCK:
            depth += 1
            counts[depth], in_right[depth] = count // 2 - count // 2 % 8, False
            continue
        total = _eight_sums(a[start : start + count])
        start += count
        while in_right[depth]:
            total = lefts[depth] + total
            depth -= 1
        if depth == 0:
            return total
        lefts[depth], in_right[depth] = total, True
        counts[depth] = counts[depth - 1] - counts[depth]


@loop
def _grids(largest: Any, guard: Any) -> Pair:
    """Return what `doubledouble._extract` cuts by, from the bits of a row's largest term, which is normal or 0."""
    top = (largest >> 52) - 1022 if largest else 0
    first, second = max(top + guard - 1, -1000), max(top + 2 * guard - 54, -1000)
    return words.power(first) * 1.5, words.power(second) * 1.5


@loop
def _exact_sum(lanes: Any) -> float:
    """Return a sum that is exact in any order; what it adds up is lost."""
    count = lanes.size
    while count > 8:
        count //= 2
        for i in range(count):
            lanes[i] += lanes[i + count]
    total = 0.0
    for i in range(count):
        total += lanes[i]
    return total


@loop
def _total(coarse: Any, fine: Any, rest: Any) -> Pair:
    """Return the sum of three as `doubledouble.total_positive` has it."""
    high, low = words.two_sum(coarse, fine)
    return words.two_sum(high, low + rest)


@loop
def in_range(a: Any, least: Any, most: Any) -> Any:
    """Tell whether all sizes are 0 or from least to most; as an array, as every loop answers."""
    strange, low, high = np.int64(0), words.bits(least), words.bits(most)
    for i in range(a.size):
        size = words.bits(a[i]) & SIZE
        strange |= np.int64((size > high) | ((size < low) & (size != 0)))
    return np.full(1, strange == 0)


@loop
def _found(x: Any, m: Any, first: Any, where: Any, count: Any) -> int:
    """Note where a strip is m, after what has been noted."""
    for i in range(x.size):
        where[count] = first + i
        count += x[i] == m
    return count


@loop
def _found_each(x: Any, m: Any, first: Any, where: Any, count: Any) -> int:
    """Note where a class of turned rows is their m, after what has been noted."""
    for i in range(x.size):
        where[count] = first + i
        count += x[i] == m[i]
    return count


@loop
def _ties_strip(x: Any, m: Any, ties: Any) -> None:
    for i in range(x.size):
        ties[i] += 1.0 if x[i] == m[i] else 0.0


@loop
def _terms_1_strip(x: Any, m: Any, d: Pair, step: Any, rest: Pair, term: Pair, table: Any) -> Any:
    """Fill in e**-(m - x), and return the bits of the largest below 1's place."""
    for i in range(x.size):
        d[0][i], d[1][i] = words.difference(m, x[i])
    exp_strip(d, step, rest, term, table)
    shifted(term, step)
    largest: Any = np.int64(0)
    for i in range(x.size):
        size: Any = words.bits(term[0][i])
        largest = max(largest, np.int64(0) if x[i] == m else size)
    return largest


@loop
def _cut_1_strip(x: Any, m: Any, term: Pair, first: Any, second: Any, coarse: Any, fine: Any, rest: Any) -> None:
    """Add up what `words.cut` makes of terms but those at m."""
    for i in range(x.size):
        high: Any = 0.0 if x[i] == m else term[0][i]
        some, less, rest[i] = words.cut((high, term[1][i]), first, second)
        coarse[i] += some
        fine[i] += less


@loop
def terms_1(x: Any, peak: Any, guard: int, table: Any) -> tuple[Pair, Any, Any]:
    """Return e**-(peak - x), flat indices of the peaks, and the sum of the other terms a row and how many peaks."""
    rows, size = x.shape
    high, low, sums = np.empty(x.shape), np.empty(x.shape), np.empty((3, rows))
    where, count = np.empty(x.size + 1, np.int64), 0
    step, room = np.empty(STRIP, np.int64), np.empty((6, STRIP))
    rest, counts, lefts, in_right = (
        np.empty(size),
        np.empty(DEPTH, np.int64),
        np.empty(DEPTH),
        np.empty(DEPTH, np.bool_),
    )
    for i in range(rows):
        row, row_high, row_low, m, largest, before = x[i], high[i], low[i], peak[i], np.int64(0), count
        for start in range(0, size, STRIP):
            at = slice(start, min(start + STRIP, size))
            n = at.stop - start
            d, lost = (room[0][:n], room[1][:n]), (room[2][:n], room[3][:n])
            top = _terms_1_strip(row[at], m, d, step[:n], lost, (row_high[at], row_low[at]), table)
            largest = max(largest, top)
            count = _found(row[at], m, i * size + start, where, count)
        first, second = _grids(largest, guard)
        coarse, fine = room[4], room[5]
        coarse[:] = 0.0
        fine[:] = 0.0
        for start in range(0, size, STRIP):
            at = slice(start, min(start + STRIP, size))
            _cut_1_strip(row[at], m, (row_high[at], row_low[at]), first, second, coarse, fine, rest[at])
        third = _numpy_sum(rest, counts, lefts, in_right)
        sums[0, i], sums[1, i] = _total(_exact_sum(coarse), _exact_sum(fine), third)
        sums[2, i] = count - before
    return (high, low), where[:count].copy(), sums


@loop
def _terms_0_strip(x: Any, m: Any, d: Pair, step: Any, rest: Pair, term: Pair, largest: Any, table: Any) -> None:
    """Fill in e**-(m - x) of one class, and note the bits of the largest below 1's place."""
    for i in range(x.size):
        d[0][i], d[1][i] = words.difference(m[i], x[i])
    exp_strip(d, step, rest, term, table)
    shifted(term, step)
    for i in range(x.size):
        size = words.bits(term[0][i])
        largest[i] = max(largest[i], np.int64(0) if x[i] == m[i] else size)


@loop
def _grids_strip(largest: Any, guard: int, first: Any, second: Any) -> None:
    for i in range(largest.size):
        first[i], second[i] = _grids(largest[i], guard)


@loop
def _cut_0_strip(x: Any, m: Any, term: Pair, first: Any, second: Any, sums: Any) -> None:
    """Add up what `words.cut` makes of terms but those at m."""
    coarse, fine, third = sums
    for i in range(x.size):
        high: Any = 0.0 if x[i] == m[i] else term[0][i]
        some, less, rest = words.cut((high, term[1][i]), first[i], second[i])
        coarse[i] += some
        fine[i] += less
        third[i] += rest


@loop
def _totals_strip(sums: Any) -> None:
    coarse, fine, third = sums
    for i in range(coarse.size):
        coarse[i], fine[i] = _total(coarse[i], fine[i], third[i])


@loop
def terms_0(x: Any, peak: Any, guard: int, table: Any) -> tuple[Pair, Any, Any]:
    """Return what `terms_1` does; x: (classes, rows). numpy adds up an axis that is not the last in order."""
    classes, rows = x.shape
    high, low, sums = np.empty(x.shape), np.empty(x.shape), np.zeros((3, rows))
    where, count = np.empty(x.size + 1, np.int64), 0
    step, room, largest = np.empty(STRIP, np.int64), np.empty((4, STRIP)), np.empty(STRIP, np.int64)
    for start in range(0, rows, STRIP):
        at = slice(start, min(start + STRIP, rows))
        n = at.stop - start
        m, most, grids = peak[at], largest[:n], (room[0][:n], room[1][:n])
        most[:] = 0
        for c in range(classes):
            term = high[c][at], low[c][at]
            _terms_0_strip(x[c][at], m, grids, step[:n], (room[2][:n], room[3][:n]), term, most, table)
        _grids_strip(most, guard, grids[0], grids[1])
        three = sums[0][at], sums[1][at], sums[2][at]
        for c in range(classes):
            _cut_0_strip(x[c][at], m, (high[c][at], low[c][at]), grids[0], grids[1], three)
        _totals_strip(three)
    sums[2] = 0.0
    for c in range(classes):
        _ties_strip(x[c], peak, sums[2])
        count = _found_each(x[c], peak, c * rows, where, count)
    return (high, low), where[:count].copy(), sums
