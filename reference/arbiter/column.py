"""Many enclosures (midpoint and error bound) as parallel lists of integers, which is faster than an object each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import overload

import numpy as np
from mpmath import libmp

from reference.arbiter.ball import EXACT, Ball
from reference.golden import Piece

SHORT = 500  # bits of digits that float() takes, with many to spare below the errors
LONGEST = 1000  # bits of digits that float() takes
SMALLEST_TAIL = 2.0**-400  # of a tail beside 1 <= hi: smaller ones only say on which side of hi the value lies
DEEPEST = -(2**30)  # exponents are kept no lower; such a number is below every format's reach by far
NARROWEST, WIDEST = -1000, 100  # log2 of relative radii


@dataclass(frozen=True, slots=True, eq=False)
class Column(Sequence[Ball]):
    """Values known as |value - digits 2**exponent| < 2**(error + exponent); an error of EXACT is none.

    sides: the sign of value - digits 2**exponent where it is known, as in `reference.arbiter.ball`. Without sides no
    value is exact.
    """

    digits: list[int]
    exponents: list[int]
    errors: list[int]
    sides: list[int] | None = None

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
        exponent, error = self.exponents[index], self.errors[index]
        mid = libmp.from_man_exp(self.digits[index], exponent)
        return Ball(mid, error if error == EXACT else error + exponent, self.sides[index] if self.sides else 0)

    def split(self) -> Piece:
        """Return hi and lo with 1 <= |hi| < 2, the exponent and the relative radius.

        The radius is infinite where nothing is certain: at a hi of 0, and at a power of two whose lo may have either
        sign, because that decides in which binade the value lies.
        """
        if self.sides is not None:
            return self._split_with_sides(self.sides)
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

    def _split_with_sides(self, sides: list[int]) -> Piece:
        hi, lo, exponent, radius = split(self.digits, self.exponents, self.errors, sides)
        for i in np.flatnonzero((np.abs(hi) == 1) | (np.abs(hi) == 2)).tolist():
            size, error = abs(self.digits[i]), self.errors[i]
            binade = 1 << size.bit_length() - int(abs(hi[i]) == 1)
            if error != EXACT and not sides[i] and abs(size - binade) <= 1 << max(error, 0):
                radius[i] = np.inf
        two = np.abs(hi) == 2
        return np.where(two, hi / 2, hi), np.where(two, lo / 2, lo), exponent + two, radius

    def _shortened(self) -> Column:
        """Cut long digits off, for less than one unit of what is left."""
        cuts = [max(digits.bit_length() - SHORT, 0) for digits in self.digits]
        digits = [digits >> cut for digits, cut in zip(self.digits, cuts, strict=True)]
        exponents = [exponent + cut for exponent, cut in zip(self.exponents, cuts, strict=True)]
        return Column(digits, exponents, [max(e - cut, 0) + 1 for e, cut in zip(self.errors, cuts, strict=True)])


def split_balls(balls: Sequence[Ball]) -> Piece:
    """Turn balls into hi + lo, as `split`."""
    return split(
        [-int(one.mid[1]) if one.mid[0] else int(one.mid[1]) for one in balls],
        [one.mid[2] for one in balls],
        [EXACT if one.error == EXACT else one.error - one.mid[2] for one in balls],
        [one.side for one in balls],
    )


def split(digits: list[int], exponents: list[int], errors: list[int], sides: list[int]) -> Piece:
    """Return hi and lo with 1 <= |hi| <= 2, the exponent and the relative radius: inf at a 0 that is not exact."""
    counts = [number.bit_length() for number in digits]
    if max(counts, default=0) > LONGEST:
        digits = [_stuck(number, count - LONGEST) for number, count in zip(digits, counts, strict=True)]
    scale = 1 - np.clip(np.array(counts, np.int64), 1, LONGEST)
    heads = [float(number) for number in digits]  # to nearest, ties to even; so are the tails
    rests = [number - int(head) for number, head in zip(digits, heads, strict=True)]
    hi, lo = np.ldexp(np.array(heads), scale), np.ldexp(np.array([float(rest) for rest in rests]), scale)
    side, nothing = np.array(sides, np.int64), hi == 0
    away = (np.abs(lo) == 2.0**-53) & (np.sign(lo) == side)  # no tie is one where the side is known
    hi, lo = np.where(away, hi + 2 * lo, hi), np.where(away, -lo, lo)
    direction = np.where(lo == 0, side, np.sign(lo)) * ~nothing
    small = np.abs(lo) < SMALLEST_TAIL  # keep the side, let go of the size
    rounded = np.array([rest.bit_length() > 53 for rest in rests])  # float64's precision
    radius = np.where(small, SMALLEST_TAIL * np.abs(direction), np.where(rounded, np.abs(lo) * 2.0**-53, 0.0))
    lo = np.where(small, SMALLEST_TAIL * direction, lo)
    # |digits| >= 2**(count - 1)
    widths = [
        0.0 if error == EXACT else 2.0 ** min(max(error - count + 1, NARROWEST), WIDEST)
        for error, count in zip(errors, counts, strict=True)
    ]
    radius += np.where(nothing & (np.array(widths) > 0), np.inf, widths)
    exponent = [max(low + count - 1, DEEPEST) if count else 0 for low, count in zip(exponents, counts, strict=True)]
    return hi, lo, np.array(exponent, np.int64), radius


def _stuck(number: int, cut: int) -> int:
    """Cut last bits off; a last one stands for whatever was there, so that roundings and sides stay."""
    if cut <= 0:
        return number
    size = abs(number)
    short = (size >> cut) | (size & ((1 << cut) - 1) != 0)
    return -short if number < 0 else short


def end_to_end(columns: Sequence[Column]) -> Column:
    """Put columns end to end."""
    digits, exponents, errors = (
        list(chain.from_iterable(getattr(column, name) for column in columns))
        for name in ("digits", "exponents", "errors")
    )
    if all(column.sides is None for column in columns):
        return Column(digits, exponents, errors)
    sides = chain.from_iterable(column.sides or [0] * len(column) for column in columns)
    return Column(digits, exponents, errors, list(sides))
