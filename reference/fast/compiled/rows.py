"""Softmax and log-softmax of whole rows, written where they belong, each with its radius, in one pass.

What `reference.fast.rows` and `answers` do one after the other, strip by strip, in a core's L1 cache;
`reference.fast.written` calls it. A loop has two forms: rows along the last axis (`_1`), or turned, so that a vector
holds as many rows (`_0`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.jit import loop
from reference.fast import words
from reference.fast.compiled.arithmetic import STRIP, Pair
from reference.fast.words import UNKNOWN, U

WRITTEN, NARROW = 2048, 32  # elements of turned rows, and of rows at least, several of LLVM's vectors
FRACTION, INFINITE = 0x000FFFFFFFFFFFFF, 0x7FF0000000000000  # bits of float64


@loop
def _reached(high: Any, low: Any, radius: Any) -> float:
    """Return a radius, infinite for a 0 or a power of two whose tail's sign is not certain, or for one too wide."""
    if not radius <= UNKNOWN:
        return np.inf
    if words.bits(high) & FRACTION == 0 and radius > 0 and (high == 0 or not abs(low) >= radius * abs(high)):
        return np.inf
    return radius


@loop
def _signs(high: Any, low: Any) -> tuple[Any, Any]:
    """Tell whether a strip holds a 0 or a power of two, and whether it holds a tail that is no number."""
    powers, strange = np.int64(0), np.int64(0)
    for i in range(high.size):
        powers |= np.int64(words.bits(high[i]) & FRACTION == 0)
        strange |= np.int64(words.bits(low[i]) & INFINITE == INFINITE)
    return powers, strange


@loop
def _product_strip(term: Pair, inverse: Pair, high: Any, low: Any) -> None:
    for i in range(high.size):
        high[i], low[i] = words.multiply((term[0][i], term[1][i]), inverse)


@loop
def _products_strip(term: Pair, inverse: Pair, high: Any, low: Any) -> None:
    for i in range(high.size):
        high[i], low[i] = words.multiply((term[0][i], term[1][i]), (inverse[0][i], inverse[1][i]))


@loop
def _set_peaks(where: Any, classes: int, top: Any, sign: float, begin: int, out: Any) -> None:
    """Write what peaks are, by their flat indices among so many classes; top: of each row hi, lo and radius."""
    for flat in where:
        i, c = flat // classes, begin + flat % classes
        out[0][i, c], out[1][i, c], out[2][i, c] = sign * top[0, i], sign * top[1, i], top[2, i]
        out[2][i, c] = _reached(out[0][i, c], out[1][i, c], top[2, i])


@loop
def softmax_1(term: Pair, share: Any, top: Any, where: Any, begin: int, out: Any) -> bool:
    """Write term / S from column `begin` on; False where a tail is no number.

    share: of each row 1 / S as hi and lo, and the radius of what is not at a peak; top: of a peak, with its own.
    """
    rows, size = term[0].shape
    strange = np.int64(0)
    for i in range(rows):
        inverse, radius = (share[0, i], share[1, i]), share[2, i]
        for start in range(0, size, STRIP):
            at = slice(start, min(start + STRIP, size))
            to = slice(begin + at.start, begin + at.stop)
            high, low, reach = out[0][i][to], out[1][i][to], out[2][i][to]
            _product_strip((term[0][i][at], term[1][i][at]), inverse, high, low)
            reach[:] = radius
            powers, no_number = _signs(high, low)
            strange |= no_number
            if powers:
                for j in range(high.size):
                    reach[j] = _reached(high[j], low[j], radius)
    _set_peaks(where, size, top, 1.0, begin, out)
    return strange == 0


@loop
def _width(classes: int) -> int:
    """Return how many rows are turned at once, so that they lie in a core's L1 cache."""
    return int(min(max(WRITTEN // classes // NARROW, 1) * NARROW, STRIP))


@loop
def _turned(high: Any, low: Any, reach: Any, sign: float, out: Any) -> None:
    """Write turned rows where they belong; out: those rows."""
    for j in range(out[0].shape[0]):
        to = out[0][j], out[1][j], out[2][j]
        for c in range(to[0].size):
            to[0][c], to[1][c], to[2][c] = sign * high[c, j], sign * low[c, j], reach[c, j]


@loop
def _peaks_strip(x: Any, m: Any, top: Any, high: Any, low: Any, reach: Any) -> None:
    """Write what peaks are over what others would be."""
    for i in range(x.size):
        if x[i] == m[i]:
            high[i], low[i], reach[i] = top[0, i], top[1, i], top[2, i]


@loop
def softmax_0(term: Pair, x: Any, peak: Any, share: Any, top: Any, out: Any) -> bool:
    """Write what `softmax_1` does; term, x: (classes, rows), and peaks are where x is at its peak."""
    classes, rows = x.shape
    strange, width = np.int64(0), _width(classes)
    room = np.empty((3, classes, width))
    for start in range(0, rows, width):
        at = slice(start, min(start + width, rows))
        n, m, inverse = at.stop - start, peak[at], (share[0][at], share[1][at])
        for c in range(classes):
            high, low, reach, row = room[0, c][:n], room[1, c][:n], room[2, c][:n], x[c][at]
            _products_strip((term[0][c][at], term[1][c][at]), inverse, high, low)
            reach[:] = share[2][at]
            _peaks_strip(row, m, top[:, at], high, low, reach)
            powers, no_number = _signs(high, low)
            strange |= no_number
            if powers:
                for j in range(n):
                    reach[j] = _reached(high[j], low[j], reach[j])
        _turned(room[0], room[1], room[2], 1.0, (out[0][at], out[1][at], out[2][at]))
    return strange == 0


@loop
def _lag_strip(x: Any, m: Any, log: Pair, high: Any, low: Any) -> None:
    for i in range(x.size):
        high[i], low[i] = words.add_same_sign(words.difference(m, x[i]), log)


@loop
def _lags_strip(x: Any, m: Any, log: Pair, high: Any, low: Any) -> None:
    for i in range(x.size):
        high[i], low[i] = words.add_same_sign(words.difference(m[i], x[i]), (log[0][i], log[1][i]))


@loop
def _negative_strip(high: Any, low: Any) -> None:
    for i in range(high.size):
        high[i], low[i] = -high[i], -low[i]


@loop
def _lag_reach(x: Any, m: Any, high: Any, low: Any, given: Any) -> float:
    """Return the radius of m - x + L as `sums.lag` has it, beside a power of two too; given: a row's log."""
    if words.bits(high) & FRACTION:
        return float(given[2])
    d_low = words.difference(m, x)[1]
    lost = 0.0 if d_low == 0 and given[1] == 0 else 2 * U * (abs(d_low) + abs(given[1]) + abs(low))
    return _reached(high, low, (given[0] * given[3] + given[4] + lost) / high)


@loop
def log_softmax_1(x: Any, peak: Any, log: Any, top: Any, where: Any, begin: int, out: Any) -> bool:
    """Write -(m - x + L) from column `begin` on; False where a tail is no number.

    log: of each row L as hi and lo, the radius of what is not at a peak, L's own, and its absolute error; top: of a
    peak as hi, lo and radius.
    """
    rows, size = x.shape
    strange = np.int64(0)
    for i in range(rows):
        row, m, pair, given = x[i], peak[i], (log[0, i], log[1, i]), log[:, i]
        for start in range(0, size, STRIP):
            at = slice(start, min(start + STRIP, size))
            to = slice(begin + at.start, begin + at.stop)
            high, low, reach = out[0][i][to], out[1][i][to], out[2][i][to]
            _lag_strip(row[at], m, pair, high, low)
            reach[:] = given[2]
            powers, no_number = _signs(high, low)
            strange |= no_number
            if powers:
                for j in range(high.size):
                    reach[j] = _lag_reach(row[start + j], m, high[j], low[j], given)
            _negative_strip(high, low)
    _set_peaks(where, size, top, -1.0, begin, out)
    return strange == 0


@loop
def log_softmax_0(x: Any, peak: Any, log: Any, top: Any, out: Any) -> bool:
    """Write what `log_softmax_1` does; x: (classes, rows), and peaks are where it is at its peak."""
    classes, rows = x.shape
    strange, width = np.int64(0), _width(classes)
    room = np.empty((3, classes, width))
    for start in range(0, rows, width):
        at = slice(start, min(start + width, rows))
        n, m, pair = at.stop - start, peak[at], (log[0][at], log[1][at])
        for c in range(classes):
            high, low, reach, row = room[0, c][:n], room[1, c][:n], room[2, c][:n], x[c][at]
            _lags_strip(row, m, pair, high, low)
            reach[:] = log[2][at]
            _peaks_strip(row, m, top[:, at], high, low, reach)
            powers, no_number = _signs(high, low)
            strange |= no_number
            if powers:
                for j in range(n):
                    if row[j] != m[j]:
                        reach[j] = _lag_reach(row[j], m[j], high[j], low[j], log[:, start + j])
                    reach[j] = _reached(high[j], low[j], reach[j])
        _turned(room[0], room[1], room[2], -1.0, (out[0][at], out[1][at], out[2][at]))
    return strange == 0
