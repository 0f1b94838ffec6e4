"""The distance of a float from an exact value in ulps: its one definition.

ulp_F(y) = 2**(max(floor(log2|y|), emin) - p + 1), taken at the exact value y and not at its rounding, so that the
distance is continuous up to each power of two (Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed., 2.6.1).
Correctly rounded means at most 0.5. Below the normal range the ulp is the spacing of the subnormals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.model import Array, Format, Golden


class Truth(NamedTuple):
    """Exact values, flat, as base + part in float64, for formats of at most 24 bits.

    base: exact, 0 where the part is all, and otherwise of the part's sign. part: within a relative radius, so that an
    answer's distance from the base decides a rounding that is halfway but for the part. below: a value that is a power
    of two in float64 is a little less, so that its ulp is half as large.
    """

    base: Array
    part: Array
    radius: Array
    below: Array

    @property
    def value(self) -> Array:
        """The whole, rounded."""
        return self.base + self.part


ZERO_BINADE = -(2**30)  # floor(log2 0), as far down as any format or golden reaches


def binade(golden: Golden) -> Array:
    """Return floor(log2|y|) of every exact value, from hi and lo: a hi of 2**e with a negative tail lies below 2**e."""
    mantissa, exponent = np.frexp(golden.hi)
    edge = np.abs(mantissa) == 0.5  # frexp's lower end
    if edge.any():
        exponent = exponent - (edge & (np.sign(golden.lo) * np.sign(golden.hi) < 0))
    exponent = exponent - 1 if golden.exponent is None else exponent + (golden.exponent - 1)
    zero = golden.hi == 0
    return np.where(zero, ZERO_BINADE, exponent) if zero.any() else exponent


def ulp_exponent(golden: Golden, form: Format) -> Array:
    """Return log2 of the ulp of every exact value in a format; beyond the largest binade it grows no more."""
    return np.clip(binade(golden), form.emin, form.emax) - form.precision + 1


def in_ulps(golden: Golden, form: Format) -> tuple[Array, Array]:
    """Return the exact values in units of their own ulp, as an unevaluated sum of two float64 arrays."""
    return scaled(golden, -ulp_exponent(golden, form))


def scaled(golden: Golden, exponent: Array) -> tuple[Array, Array]:
    """Return the exact values times 2**exponent, as an unevaluated sum of two float64 arrays."""
    if golden.exponent is not None:
        exponent = exponent + golden.exponent
    exponent = _held(exponent)
    return scale(golden.hi, exponent), scale(golden.lo, exponent)


def error(got: Array, golden: Golden, form: Format) -> Array:
    """Return (got - y) / ulp(y), signed, in float64; nan where got is nan.

    got: float64, or a format that converts to it exactly. An infinite answer counts as 2**(emax + 1), the value it
    stands for in rounding; it is 0 away from an exact value that rounds to that infinity.
    """
    infinite = np.isinf(got)
    stands_for = np.copysign(np.where(infinite, 1.0, 0.0), got)
    shift = ulp_exponent(golden, form)
    hi, lo = scaled(golden, -shift)
    near = scale(np.where(infinite, 0.0, got).astype(np.float64), -shift)
    far = scale(stands_for, form.emax + 1 - shift)
    distance = (near + far - hi) - lo
    right = infinite & overflows(golden, form) & (np.signbit(got) == np.signbit(golden.hi))
    return np.where(right, 0.0, distance)


def overflows(golden: Golden, form: Format) -> Array:
    """Tell which exact values round to an infinity: |y| >= 2**(emax + 1) * (1 - 2**-(p + 1)) (IEEE 754-2019, 4.3.1).

    A format without infinities ends an ulp earlier, at an even number: half an ulp above it is still rounded to it.
    """
    hi, lo = in_ulps(golden, form)
    sign = np.sign(hi)
    # The threshold lies half an ulp below 2**precision ulps; one by one, because float64 does not hold 2**53 - 0.5.
    above = ((sign * hi - 2.0**form.precision) + (0.5 if form.infinite else 1.5)) + sign * lo
    return ((above >= 0) if form.infinite else (above > 0)) & (binade(golden) >= form.emax)


def scale(values: Array | float, exponent: Array | int) -> Array:
    """Return values * 2**exponent in float64, rounded once; float64 overflow and underflow stay."""
    exponent = _held(exponent)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, exponent))


def _held(exponent: Array | int) -> Array:
    """Return exponents within twice the reach of float64, subnormals included, in int32: numpy is quick with that."""
    exponent = np.asarray(exponent)
    if exponent.dtype == np.int32:
        return exponent
    return np.clip(exponent, -4200, 4200).astype(np.int32)
