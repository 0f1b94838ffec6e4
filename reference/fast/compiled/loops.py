"""The formulas of `reference.fast.words`, compiled as they stand: a loop each over flat arrays, new arrays returned.

All loops of the fast tier but those of single numbers are found here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.jit import loop
from reference.fast import words
from reference.fast.compiled.arithmetic import STRIP, Pair, exp_strip, shifted
from reference.fast.compiled.rows import log_softmax_0, log_softmax_1, softmax_0, softmax_1
from reference.fast.compiled.terms import in_range, terms_0, terms_1

__all__ = (
    "in_range",
    "log_softmax_0",
    "log_softmax_1",
    "softmax_0",
    "softmax_1",
    "terms_0",
    "terms_1",
)  # and what stands here


@loop
def two_sum(a: Any, b: Any) -> Pair:
    """Apply `words.two_sum`."""
    high, low = np.empty(a.size), np.empty(a.size)
    for i in range(a.size):
        high[i], low[i] = words.two_sum(a[i], b[i])
    return high, low


@loop
def power_of_two(a: Any) -> Any:
    """Apply `words.power_of_two`."""
    found = np.empty(a.size, np.bool_)
    for i in range(a.size):
        found[i] = words.power_of_two(a[i])
    return found


@loop
def add_bounded(a: Pair, b: Pair) -> tuple[Pair, Any]:
    """Apply `words.add_bounded`."""
    high, low, bound = np.empty(a[0].size), np.empty(a[0].size), np.empty(a[0].size)
    for i in range(high.size):
        (high[i], low[i]), bound[i] = words.add_bounded((a[0][i], a[1][i]), (b[0][i], b[1][i]))
    return (high, low), bound


@loop
def add(a: Pair, b: Pair) -> Pair:
    """Apply `words.add`."""
    high, low = np.empty(a[0].size), np.empty(a[0].size)
    for i in range(high.size):
        high[i], low[i] = words.add((a[0][i], a[1][i]), (b[0][i], b[1][i]))
    return high, low


@loop
def times(a: Pair, b: Any) -> Pair:
    """Apply `words.times`."""
    high, low = np.empty(b.size), np.empty(b.size)
    for i in range(high.size):
        high[i], low[i] = words.times((a[0][i], a[1][i]), b[i])
    return high, low


@loop
def divide(a: Pair, b: Pair) -> Pair:
    """Apply `words.divide`."""
    high, low = np.empty(a[0].size), np.empty(a[0].size)
    for i in range(high.size):
        high[i], low[i] = words.divide((a[0][i], a[1][i]), (b[0][i], b[1][i]))
    return high, low


@loop
def _row(a: Any, i: int, room: Any) -> Any:
    """Return row i of a matrix that broadcasts; what stands for a whole row is written out, a row long."""
    at = min(i, a.shape[0] - 1)
    if a.shape[1] == room.size:
        return a[at]
    room[:] = a[at, 0]
    return room


@loop
def _rows(a: Pair, i: int, room: Any) -> Pair:
    """Return row i of a pair."""
    return _row(a[0], i, room[0]), _row(a[1], i, room[1])


@loop
def _differences(a: Any, b: Any, high: Any, low: Any) -> None:
    for i in range(a.size):
        high[i], low[i] = words.difference(a[i], b[i])


@loop
def difference(shape: tuple[int, int], a: Any, b: Any) -> Pair:
    """Apply `words.difference`."""
    high, low = np.empty(shape), np.empty(shape)
    room = np.empty((2, shape[1]))
    for i in range(shape[0]):
        _differences(_row(a, i, room[0]), _row(b, i, room[1]), high[i], low[i])
    return high, low


@loop
def _cuts(a: Pair, first: Any, second: Any, coarse: Any, fine: Any, rest: Any) -> None:
    for i in range(first.size):
        coarse[i], fine[i], rest[i] = words.cut((a[0][i], a[1][i]), first[i], second[i])


@loop
def cut(shape: tuple[int, int], a: Pair, first: Any, second: Any) -> tuple[Any, Any, Any]:
    """Apply `words.cut`."""
    coarse, fine, rest = np.empty(shape), np.empty(shape), np.empty(shape)
    room = np.empty((4, shape[1]))
    for i in range(shape[0]):
        pair = _rows(a, i, room[:2])
        _cuts(pair, _row(first, i, room[2]), _row(second, i, room[3]), coarse[i], fine[i], rest[i])
    return coarse, fine, rest


@loop
def _sums_of_one_sign(a: Pair, b: Pair, high: Any, low: Any) -> None:
    for i in range(high.size):
        high[i], low[i] = words.add_same_sign((a[0][i], a[1][i]), (b[0][i], b[1][i]))


@loop
def add_same_sign(shape: tuple[int, int], a: Pair, b: Pair) -> Pair:
    """Apply `words.add_same_sign`."""
    high, low = np.empty(shape), np.empty(shape)
    room = np.empty((4, shape[1]))
    for i in range(shape[0]):
        first, second = _rows(a, i, room[:2]), _rows(b, i, room[2:])
        _sums_of_one_sign(first, second, high[i], low[i])
    return high, low


@loop
def _products(a: Pair, b: Pair, high: Any, low: Any) -> None:
    for i in range(high.size):
        high[i], low[i] = words.multiply((a[0][i], a[1][i]), (b[0][i], b[1][i]))


@loop
def multiply(shape: tuple[int, int], a: Pair, b: Pair) -> Pair:
    """Apply `words.multiply`."""
    high, low = np.empty(shape), np.empty(shape)
    room = np.empty((4, shape[1]))
    for i in range(shape[0]):
        first, second = _rows(a, i, room[:2]), _rows(b, i, room[2:])
        _products(first, second, high[i], low[i])
    return high, low


BY_ROW = frozenset({"difference", "cut", "add_same_sign", "multiply"})  # arguments broadcast row by row


@loop
def _exp_steps(d: Pair, table: Any) -> tuple[Pair, Any]:
    size = d[0].size
    steps, rest = np.empty(size, np.int64), (np.empty(STRIP), np.empty(STRIP))
    high, low = np.empty(size), np.empty(size)
    for start in range(0, size, STRIP):
        at = slice(start, min(start + STRIP, size))
        exp_strip((d[0][at], d[1][at]), steps[at], rest, (high[at], low[at]), table)
    return (high, low), steps


@loop
def _exp_near(d: Pair, table: Any) -> Pair:
    size = d[0].size
    steps, rest = np.empty(STRIP, np.int64), (np.empty(STRIP), np.empty(STRIP))
    high, low = np.empty(size), np.empty(size)
    for start in range(0, size, STRIP):
        at = slice(start, min(start + STRIP, size))
        step, part = steps[: at.stop - start], (high[at], low[at])
        exp_strip((d[0][at], d[1][at]), step, rest, part, table)
        shifted(part, step)
    return high, low


@loop
def _log1p_strip(a: Pair, y: Any, x: Pair, step: Any, rest: Pair, high: Any, low: Any, radius: Any) -> None:
    for i in range(step.size):
        (high[i], low[i]), radius[i] = words.log1p_step(
            (a[0][i], a[1][i]), y[i], (x[0][i], x[1][i]), step[i], (rest[0][i], rest[1][i])
        )


@loop
def _log1p_near(a: Pair, y: Any, table: Any) -> tuple[Pair, Any]:
    size = y.size
    zero, steps, rest = np.zeros(STRIP), np.empty(STRIP, np.int64), (np.empty(STRIP), np.empty(STRIP))
    whole = (np.empty(STRIP), np.empty(STRIP))
    high, low, radius = np.empty(size), np.empty(size), np.empty(size)
    for start in range(0, size, STRIP):
        at = slice(start, min(start + STRIP, size))
        count = at.stop - start
        step, x = steps[:count], (whole[0][:count], whole[1][:count])
        exp_strip((y[at], zero), step, rest, x, table)
        shifted(x, step)
        _log1p_strip((a[0][at], a[1][at]), y[at], x, step, rest, high[at], low[at], radius[at])
    return (high, low), radius


def exp_steps(d: Pair) -> tuple[Pair, Any]:
    """Apply `doubledouble.exp_steps`."""
    return _exp_steps(d, words.table())


def exp_near(d: Pair) -> Pair:
    """Apply `doubledouble.exp_near`."""
    return _exp_near(d, words.table())


def log1p_near(a: Pair, y: Any) -> tuple[Pair, Any]:
    """Apply `doubledouble.log1p_near`."""
    return _log1p_near(a, y, words.table())
