"""The values that the fast tier computes with: a pair, an exponent and a relative radius, each an array."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from harness.model import Array
from reference.fast import doubledouble as dd
from reference.fast import words
from reference.fast.words import MULTIPLY, TIMES, Pair

CHUNK = 1 << 15  # elements of a long row at work: a dozen lie in or near a core's L2 cache, and calls of numpy are few
BLOCK = 1 << 18  # of short rows: each block has the calls for their sums besides
TAIL = 2.0**-400  # a tail beside a larger number that only says on which side of it the value lies, as in golden.py
TINY = 2.0**-60  # e below which 1 / (1 + e) is 1 - e to u e
LEAST = 2.0**-900  # a product's tail is exact down to here
Mask = Array
Exponent: TypeAlias = "Array | int"


@dataclass(frozen=True, eq=False)
class Value:
    """An Answer in the making; exponent and radius may be of any shape that broadcasts."""

    pair: Pair
    exponent: Exponent
    radius: Array
    powers: Array | None = None  # flat indices where hi is 0 or a power of two, where they are known


@dataclass(frozen=True, eq=False)
class Sum:
    """A row's sum and its absolute error bound; 0 where it is exact."""

    pair: Pair
    error: Array


def untailed(a: Array) -> Pair:
    """Return float64 numbers as pairs without a tail."""
    return a, np.zeros_like(a)


def either(mask: Mask, a: Pair, b: Pair) -> Pair:
    """Return a where the mask holds, else b."""
    return where(mask, a[0], b[0]), where(mask, a[1], b[1])


def where(mask: Mask, a: Array | float, b: Array) -> Array:
    """Return a where the mask holds, else b; b itself where it holds nowhere, which is nearly always."""
    return np.where(mask, a, b) if b.shape != mask.shape or mask.any() else b


def choose(mask: Mask, a: Value, b: Value) -> Value:
    """Return a where the mask holds, else b."""
    if b.pair[0].shape == b.radius.shape == mask.shape and not mask.any():
        return b
    exponent: Exponent = 0
    if isinstance(a.exponent, np.ndarray) or isinstance(b.exponent, np.ndarray):
        exponent = np.where(mask, a.exponent, b.exponent)
    return Value(either(mask, a.pair, b.pair), exponent, np.where(mask, a.radius, b.radius))


def minus(exponent: Exponent) -> Exponent:
    """Return -exponent."""
    return -exponent


def folded(pair: Pair, exponent: Exponent) -> Pair:
    """Return pair * 2**exponent; what underflows goes to 0."""
    return dd.scale(pair, exponent) if isinstance(exponent, np.ndarray) else pair


def relative(error: Array, value: Array) -> Array:
    """Return error / |value|; 0 for no error, inf for an error of a 0."""
    return np.where(error == 0, 0.0, error / np.abs(value))


def filled(a: Array | int, shape: tuple[int, ...]) -> Array:
    """Return a broadcast to a shape, as an array of its own."""
    full: Array = np.empty(shape, np.asarray(a).dtype)
    full[...] = a
    return full


def overwritten(value: Value, where: Array, new: Value, at: Array) -> Value:
    """Overwrite elements, by their flat indices, with those of a row's values."""
    if not len(at):
        return value
    shape, rows = value.pair[0].shape, new.pair[0].shape
    radius = filled(value.radius, shape)
    exponent = value.exponent
    if isinstance(exponent, np.ndarray) or (isinstance(new.exponent, np.ndarray) and new.exponent.any()):
        exponent = filled(exponent, shape)
        exponent.reshape(-1)[where] = np.broadcast_to(new.exponent, rows).ravel()[at]
    for old, part in ((value.pair[0], new.pair[0]), (value.pair[1], new.pair[1]), (radius, new.radius)):
        old.reshape(-1)[where] = (part if part.shape == rows else np.broadcast_to(part, rows)).ravel()[at]
    return Value(value.pair, exponent, radius)


def times(value: Value, factor: Array) -> Value:
    """Multiply by float64 numbers: exact by 0 and powers of two and where lo is 0, else within TIMES."""
    exact = dd.power_of_two(factor) | (value.pair[1] == 0)
    pair = dd.times(value.pair, factor)
    lost = (np.abs(pair[0]) < LEAST) & (value.pair[0] != 0)
    radius = np.where(lost, np.inf, value.radius + np.where(exact, 0.0, TIMES))
    return Value(pair, value.exponent, np.where(factor == 0, 0.0, radius))


def negated(value: Value) -> Value:
    """Return -value."""
    return replace(value, pair=words.negative(value.pair))


def in_range(a: Array, bits: int) -> Mask:
    """Tell which numbers are 0 or of a size from 2**-bits to 2**bits."""
    size = np.abs(a)
    return (size == 0) | ((size >= 2.0**-bits) & (size <= 2.0**bits))


def powers_at(a: Array) -> Array:
    """Return the flat indices where a is 0 or a power of two."""
    return np.flatnonzero(dd.power_of_two(a))


def multiplied(a: Sum, factor: Value) -> Value:
    """Multiply a sum and a value."""
    exact = dd.power_of_two(a.pair[0]) & (a.pair[1] == 0)
    radius = relative(a.error, a.pair[0]) + np.where(exact, 0.0, MULTIPLY) + factor.radius
    radius = np.where((a.pair[0] == 0) & (a.error == 0), 0.0, radius)
    return Value(dd.multiply(a.pair, factor.pair), factor.exponent, radius)
