"""Functions of two logits in float64, each within a proven relative radius: what sweeps of pairs measure against.

With d = |x - y|, e = e**-d and L = log(1 + e), a softmax of two classes and all that is made of it is one of

  UP  1 / (1 + e)     DOWN  e / (1 + e)     LOG  L     GAP  d + L     TOP  max(x, y) + L

or its negative. An exact value is kept as base + part: the base, of GAP d and of TOP the larger logit, is left apart,
because an answer less d is exact where the two are near, and a rounding that is halfway but for L is decided by that.
The part is within RHO, relative: e and L within 6.3 u and shares within 8.3 u as `float64.single` has it, and
x - y is rounded once, which moves e and so each part by u d at most, 700 u; together below 2**-43.4. From FAR on d
counts as FAR: both parts that are meant are below 2**-1009 then, which no format of 24 bits shows. Where d itself is
rounded, an answer that is half an ulp away would have to hold the bits that are lost.

A formula is written once, for numbers and for arrays, as those of `reference.fast.words`. It gives base, part, the
exponent of the value's binade, and whether that is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from harness.model import Array, Op, Quantity
from reference.fast import words
from reference.fast.words import U, bits, power_of_two, where

RHO = 2.0**-43
NEAR = 0.3  # a DOWN above it is in the binade below 1/2, or 1/2

Value = tuple[Array, Array, Array, Array]


class Side(NamedTuple):
    """What an output is: a formula's place in FORMULAS where x is not below y, and where it is."""

    sign: float
    above: int
    below: int


def gap(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Return |x - y| rounded, what is left of it with the sign that it has to it, and the larger logit."""
    d, low = words.difference(x, y)
    return np.abs(d), where(d < 0, -low, low), where(x > y, x, y)


def exponent(size: Array) -> Array:
    """Return floor(log2) of normal float64 numbers, int64."""
    return ((bits(size) >> 52) & 0x7FF) - 1023


def between(low: Array, high: Array) -> tuple[Array, Array]:
    """Return the exponent of what lies between two numbers, and whether both have it."""
    found = exponent(low)
    return found, found == exponent(high)


def up(d: Array, tail: Array, top: Array, e: Array, log: Array) -> Value:  # noqa: ARG001 - one signature for all
    """1 / (1 + e), from 1/2 to below 1."""
    part = 1.0 / (1.0 + e)
    return d * 0.0, part, where(part > 0, -1, -1), part > 0


def down(d: Array, tail: Array, top: Array, e: Array, log: Array) -> Value:  # noqa: ARG001
    """e / (1 + e), above 0, and 1/2 for a gap of 0 alone."""
    part = e / (1.0 + e)
    found, same = between(part - RHO * part, part + RHO * part)
    near = part > NEAR
    return d * 0.0, part, where(near, where(d > 0, -2, -1), found), near | same


def logarithm(d: Array, tail: Array, top: Array, e: Array, log: Array) -> Value:  # noqa: ARG001
    """L."""
    found, same = between(log - RHO * log, log + RHO * log)
    return d * 0.0, log, found, same


def beyond(d: Array, tail: Array, top: Array, e: Array, log: Array) -> Value:  # noqa: ARG001
    """d + L, not below d but by what d was rounded by."""
    value = d + log
    off = RHO * log + 2 * U * value
    low = value - off
    found, same = between(where(low < d, d, low), value + off)
    lower = (value == d) & power_of_two(d) & (tail + log < 0)
    return d, log, where(lower, found - 1, found), same


def highest(d: Array, tail: Array, top: Array, e: Array, log: Array) -> Value:  # noqa: ARG001
    """max(x, y) + L, which may cancel."""
    value = top + log
    size = np.abs(value)
    off = RHO * log + 2 * U * size
    found, same = between(size - off, size + off)
    lost = value == top  # L is too small to be seen, and there: it is above
    whole = exponent(size)
    return top, log, where(lost, where(power_of_two(top) & (top < 0), whole - 1, whole), found), lost | same


FORMULAS: tuple[Callable[[Array, Array, Array, Array, Array], Value], ...] = (up, down, logarithm, beyond, highest)
UP, DOWN, LOG, GAP, TOP = range(len(FORMULAS))

SHARES = (Side(1.0, UP, DOWN), Side(1.0, DOWN, UP))
PLANS: Mapping[tuple[str, str], tuple[Side, ...]] = {
    ("softmax", "value"): SHARES,
    ("log_softmax", "value"): (Side(-1.0, LOG, GAP), Side(-1.0, GAP, LOG)),
    ("logsumexp", "value"): (Side(1.0, TOP, TOP),),
    ("logsumexp", "grad_logits"): SHARES,
    ("sparse_xent", "value"): (Side(1.0, LOG, GAP),),
    ("sparse_xent", "grad_logits"): (Side(-1.0, DOWN, UP), Side(1.0, DOWN, UP)),
}


def plan(op: Op, quantity: Quantity) -> tuple[Side, ...]:
    """Return what each output of an op of two classes is. The right class is the first, an incoming gradient 1.

    Raises ValueError for an op of which two logits have no such formula.
    """
    found = None if op.params else PLANS.get((op.name, quantity))
    if found is None:
        known = ", ".join(" ".join(key) for key in PLANS)
        raise ValueError(f"op is {op}, {quantity}, expected one of two classes: {known}")
    return found
