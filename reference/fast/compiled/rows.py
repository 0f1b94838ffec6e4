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
def _set_peak(i: int, c: int, top: Any, sign: float, out: Any) -> None:
    """Write what row i is at class c, a peak; top: of each row hi, lo and radius."""
    high, low = sign * top[0][i], sign * top[1][i]
    out[0][i, c], out[1][i, c], out[2][i, c] = high, low, _reached(high, low, top[2][i])


@loop
def softmax_1(term: Pair, share: Any, top: Any, where: Any, begin: int, out: Any) -> bool:
    """Write term / S from column `begin` on; False where a tail is no number.

    share: of each row 1 / S as hi and lo, and the radius of what is not at a peak; top: of a peak, with its own.
    """
    rows, size = term[0].shape
    strange = np.int64(0)
    for i in range(rows):
        inverse, radius = (share[0][i], share[1][i]), share[2][i]
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
    for flat in where:
        _set_peak(flat // size, begin + flat % size, top, 1.0, out)
    return strange == 0


@loop
def _width(classes: int) -> int:
    """Return how many rows are turned at once, so that they lie in a core's L1 cache."""
    return int(min(max(WRITTEN // classes // NARROW, 1) * NARROW, STRIP))


@loop
def _turned(part: Any, out: Any) -> None:
    """Write turned rows where they belong; out: those rows."""
    for c in range(out.shape[1]):
        row = part[c]
        for j in range(out.shape[0]):
            out[j, c] = row[j]


@loop
def _fill(radius: Any, out: Any) -> None:
    """Write a number of each row to all its classes."""
    for j in range(out.shape[0]):
        out[j][:] = radius[j]


@loop
def _set_turned_peaks(where: Any, top: Any, sign: float, out: Any) -> None:
    """Write what peaks are, by their flat indices among turned rows, which ascend: divisions take longer."""
    rows = out[0].shape[0]
    c, before = 0, 0
    for flat in where:
        while flat - before >= rows:
            c, before = c + 1, before + rows
        _set_peak(flat - before, c, top, sign, out)


@loop
def softmax_0(term: Pair, share: Any, top: Any, where: Any, out: Any) -> bool:
    """Write what `softmax_1` does; term: (classes, rows), and so are the flat indices of the peaks."""
    classes, rows = term[0].shape
    strange, width = np.int64(0), _width(classes)
    room = np.empty((2, classes, width))
    for start in range(0, rows, width):
        at = slice(start, min(start + width, rows))
        n, inverse, reach = at.stop - start, (share[0][at], share[1][at]), out[2][at]
        _fill(share[2][at], reach)
        for c in range(classes):
            high, low = room[0, c][:n], room[1, c][:n]
            _products_strip((term[0][c][at], term[1][c][at]), inverse, high, low)
            powers, no_number = _signs(high, low)
            strange |= no_number
            if powers:
                for j in range(n):
                    reach[j, c] = _reached(high[j], low[j], reach[j, c])
        _turned(room[0], out[0][at])
        _turned(room[1], out[1][at])
    _set_turned_peaks(where, top, 1.0, out)
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
def _given(log: Any, i: int) -> Any:
    """Return what is given of a row's log."""
    return log[0][i], log[1][i], log[2][i], log[3][i], log[4][i]


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
        row, m, pair, given = x[i], peak[i], (log[0][i], log[1][i]), _given(log, i)
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
    for flat in where:
        _set_peak(flat // size, begin + flat % size, top, -1.0, out)
    return strange == 0


@loop
def log_softmax_0(x: Any, peak: Any, log: Any, top: Any, where: Any, out: Any) -> bool:
    """Write what `log_softmax_1` does; x: (classes, rows), and so are the flat indices of the peaks."""
    classes, rows = x.shape
    strange, width = np.int64(0), _width(classes)
    room = np.empty((2, classes, width))
    for start in range(0, rows, width):
        at = slice(start, min(start + width, rows))
        n, m, pair, reach = at.stop - start, peak[at], (log[0][at], log[1][at]), out[2][at]
        _fill(log[2][at], reach)
        for c in range(classes):
            high, low, row = room[0, c][:n], room[1, c][:n], x[c][at]
            _lags_strip(row, m, pair, high, low)
            powers, no_number = _signs(high, low)
            strange |= no_number
            if powers:
                for j in range(n):
                    reach[j, c] = _lag_reach(row[j], m[j], high[j], low[j], _given(log, start + j))
            _negative_strip(high, low)
        _turned(room[0], out[0][at])
        _turned(room[1], out[1][at])
    _set_turned_peaks(where, top, -1.0, out)
    return strange == 0
