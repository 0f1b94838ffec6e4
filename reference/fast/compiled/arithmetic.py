"""The formulas of `reference.fast.words` taught to numba as they stand, and the exponential, a strip at a time.

A loop reads the table of exponentials apart from its arithmetic, because LLVM's vectors hold no look-ups.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numba.extending import overload, register_jitable

from harness.jit import loop
from reference.fast import words
from reference.fast.words import STEPS

STRIP = 256
Pair = tuple[Any, Any]

for _name, _formula in inspect.getmembers(words, inspect.isfunction):
    if _name not in {"bits", "float_of", "where", "table", "pieces_of_log_2"}:
        register_jitable(_formula)


@overload(words.bits)
def _bits(a):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001 - numba compares signatures
    return lambda a: np.float64(a).view(np.int64)


@overload(words.float_of)
def _float_of(a):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
    return lambda a: np.int64(a).view(np.float64)


@overload(words.where)
def _where(mask, a, b):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
    return lambda mask, a, b: a if mask else b


@loop
def exp_strip(d: Pair, step: Any, rest: Pair, entry: Pair, table: Any) -> None:
    """Set entry to e**-d 2**(step // STEPS), a strip at most, in three passes, two of them in vectors."""
    for i in range(step.size):
        step[i], (rest[0][i], rest[1][i]) = words.reduced((d[0][i], d[1][i]))
    for i in range(step.size):
        at = step[i] & (STEPS - 1)
        entry[0][i], entry[1][i] = table[0, at], table[1, at]
    for i in range(step.size):
        entry[0][i], entry[1][i] = words.from_table((entry[0][i], entry[1][i]), (rest[0][i], rest[1][i]))


@loop
def shifted(a: Pair, step: Any) -> None:
    """Apply `words.shifted` in place."""
    for i in range(step.size):
        a[0][i], a[1][i] = words.shifted((a[0][i], a[1][i]), step[i])
