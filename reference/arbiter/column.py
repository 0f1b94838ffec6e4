"""Many enclosures (midpoint and error bound) as parallel lists of integers, which is faster than an object each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import overload

import numpy as np
from mpmath import libmp

from harness.model import Array
from reference.arbiter.ball import Ball

SHORT = 500  # bits of digits that float() takes, with many to spare below the errors
SMALLEST_TAIL = 2.0**-400  # of a tail beside 1 <= hi: smaller ones only say on which side of hi the value lies


@dataclass(frozen=True, slots=True, eq=False)
class Column(Sequence[Ball]):
    """Values known as |value - digits 2**exponent| < 2**(error + exponent)."""

    digits: list[int]
    exponents: list[int]
    errors: list[int]

    def __len__(self) -> int:
        return len(self.digits)

    @overload
    def __getitem__(self, index: int) -> Ball: ...
    @overload
    def __getitem__(self, index: slice) -> list[Ball]: ...
    def __getitem__(self, index: int | slice) -> Ball | list[Ball]:
        """Make a ball, or several."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        exponent = self.exponents[index]
        return Ball(libmp.from_man_exp(self.digits[index], exponent), self.errors[index] + exponent)

    def split(self) -> tuple[Array, Array, Array, Array]:
        """Return hi and lo with 1 <= |hi| < 2, the exponent and the relative radius.

        The radius is infinite where nothing is certain: at a hi of 0, and at a power of two whose lo may have either
        sign, because that decides in which binade the value lies.
        """
        try:
            heads = [float(digits) for digits in self.digits]  # to nearest, ties to even; so are the tails
        except OverflowError:
            return self._shortened().split()
        tails = np.array([float(digits - int(head)) for digits, head in zip(self.digits, heads, strict=True)])
        hi, scale = np.frexp(np.array(heads))
        hi, scale = 2 * hi, scale.astype(np.int64) - 1
        lo = np.ldexp(tails, -scale)
        # |value| is at least 2**scale, but for errors of 2**-53 of it.
        radius = np.ldexp(1 + 2.0**-50, np.array(self.errors, np.int64) - scale)
        radius[(hi == 0) | ((np.abs(hi) == 1) & (np.abs(lo) <= radius))] = np.inf
        small = np.abs(lo) < SMALLEST_TAIL
        lo[small] = np.sign(lo[small]) * SMALLEST_TAIL  # keep the side, let go of the size
        radius += np.where(small, SMALLEST_TAIL, np.abs(lo) * 2.0**-53)
        return hi, lo, np.array(self.exponents, np.int64) + scale, radius

    def _shortened(self) -> Column:
        """Cut long digits off, for less than one unit of what is left."""
        cuts = [max(digits.bit_length() - SHORT, 0) for digits in self.digits]
        digits = [digits >> cut for digits, cut in zip(self.digits, cuts, strict=True)]
        exponents = [exponent + cut for exponent, cut in zip(self.exponents, cuts, strict=True)]
        return Column(digits, exponents, [max(e - cut, 0) + 1 for e, cut in zip(self.errors, cuts, strict=True)])


def end_to_end(columns: Sequence[Column]) -> Column:
    """Put columns end to end."""
    digits, exponents, errors = (
        list(chain.from_iterable(getattr(column, name) for column in columns))
        for name in ("digits", "exponents", "errors")
    )
    return Column(digits, exponents, errors)
