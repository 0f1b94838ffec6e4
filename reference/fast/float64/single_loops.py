"""The formulas of `reference.fast.float64.single`, compiled as they stand. Import this only by way of `harness.jit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from harness.jit import loop
from reference.fast import words
from reference.fast.compiled import arithmetic as _words  # noqa: F401 - it teaches numba the words
from reference.fast.float64 import single
from reference.fast.words import STEPS

STRIP = 256

for _formula in (
    single.reduced,
    single.from_table,
    single.log_place,
    single.log_of,
    single.edged,
    single.line,
    single.ratio,
    single.bell,
):
    register_jitable(_formula)


@loop
def _exp_and_log(d: Any, table: Any, logs: Any) -> Any:
    size = d.size
    e, log = np.empty(size), np.empty(size)
    steps, q, hi, lo = np.empty(STRIP, np.int64), np.empty(STRIP), np.empty(STRIP), np.empty(STRIP)
    inverse = np.empty(STRIP)
    for start in range(0, size, STRIP):
        count = min(STRIP, size - start)
        for i in range(count):
            steps[i], q[i] = single.reduced(d[start + i])
        for i in range(count):
            at = steps[i] & (STEPS - 1)
            hi[i], lo[i] = table[0, at], table[1, at]
        for i in range(count):
            e[start + i] = single.from_table(hi[i], lo[i], q[i], steps[i])
        for i in range(count):
            steps[i], q[i] = single.log_place(e[start + i])
        for i in range(count):
            at = steps[i]
            inverse[i], hi[i], lo[i] = logs[0, at], logs[1, at], logs[2, at]
        for i in range(count):
            log[start + i] = single.log_of(q[i], inverse[i], hi[i], lo[i])
    return e, log


def exp_and_log(d: Any) -> Any:
    """Apply `single.reduced` to `single.log_of`."""
    return _exp_and_log(d, words.table(), single.logarithms())


@loop
def line(whole: Any, log: Any, right: Any, weights: Any, sign: float) -> Any:
    """Apply `single.line`."""
    base, part, radius = np.empty(whole.size), np.empty(whole.size), np.empty(whole.size)
    for i in range(whole.size):
        side = weights[0] if right[i] else weights[1]
        base[i], part[i], radius[i] = single.line(whole[i], log[i], side[0], side[1], sign)
    return base, part, radius


@loop
def ratio(d: Any, e: Any, right: Any, weights: Any, sign: float) -> Any:
    """Apply `single.ratio`."""
    value, radius, below = np.empty(d.size), np.empty(d.size), np.empty(d.size, np.bool_)
    for i in range(d.size):
        side = weights[0] if right[i] else weights[1]
        value[i], radius[i], below[i] = single.ratio(d[i], e[i], side[0], side[1], sign)
    return value, radius, below


@loop
def bell(d: Any, e: Any) -> Any:
    """Apply `single.bell`."""
    value, radius, below = np.empty(d.size), np.empty(d.size), np.empty(d.size, np.bool_)
    for i in range(d.size):
        value[i], radius[i], below[i] = single.bell(d[i], e[i])
    return value, radius, below
