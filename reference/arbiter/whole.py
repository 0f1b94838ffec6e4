"""Arrays of floats as whole numbers times a power of two, whose products and sums are exact in Python's integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mpmath import libmp

from harness.model import Array
from reference.arbiter.ball import EXACT, ZERO, Ball, magnitude

GUARD = 16  # bits below the certified ones that a quantum of a product lies at


@dataclass(frozen=True)
class Whole:
    """An array of whole numbers times 2**exponent."""

    digits: Array  # of Python's integers
    exponent: int

    @classmethod
    def of(cls, array: Array) -> Whole:
        """Take finite floats as they are."""
        mantissa, exponent = np.frexp(array.astype(np.float64))
        lowest = int(exponent.min(initial=0)) - 53
        digits = (mantissa * 2.0**53).astype(np.int64).astype(object)
        return cls(digits << (exponent.astype(np.int64) - 53 - lowest).astype(object), lowest)

    def at(self, exponent: int) -> Array:
        """Return the numbers as multiples of 2**exponent, one not above this one's."""
        shifted: Array = self.digits << (self.exponent - exponent)
        return shifted

    def ball(self, digits: int) -> Ball:
        """Return a number of these as a ball."""
        return Ball(libmp.from_man_exp(int(digits), self.exponent))


def product(a: Whole, b: Whole) -> Whole:
    """Return a @ b.T."""
    return Whole(np.dot(a.digits, b.digits.T), a.exponent + b.exponent)


def times(balls: Sequence[Ball], other: Whole, bits: int) -> list[Ball]:
    """Return balls @ other, each ball first a whole number of quanta that lie `bits` below the largest."""
    size = max((magnitude(one.mid) for one in balls), default=EXACT)
    if size == EXACT and all(one.error == EXACT for one in balls):
        return [ZERO] * other.digits.shape[1]
    bottom = max(size, *(one.error for one in balls)) - bits - GUARD
    digits = np.array([_quanta(one, bottom) for one in balls], object)
    reach = np.array([1 + (0 if one.error == EXACT else _up(one.error - bottom)) for one in balls], object)
    mids, errors = np.dot(digits, other.digits), np.dot(reach, np.abs(other.digits))
    return [
        Ball(
            libmp.from_man_exp(int(mid), bottom + other.exponent),
            bottom + other.exponent + int(error).bit_length() if error else EXACT,
        )
        for mid, error in zip(mids, errors, strict=True)
    ]


def _quanta(one: Ball, bottom: int) -> int:
    sign, digits, exponent, count = one.mid
    shift = exponent - bottom
    size = int(digits) << shift if shift >= 0 else int(digits) >> min(-shift, count + 1)
    return -size if sign else size


def _up(exponent: int) -> int:
    """Return 2**exponent, or 1 where that is less."""
    return 1 << max(exponent, 0)
