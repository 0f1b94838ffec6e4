"""Ulps, roundings and goldens in exact rational arithmetic, to test the rulers by: it shares nothing with them."""

from fractions import Fraction

import numpy as np

from harness.model import Golden


def fraction(golden, index=0):
    """Return one exact value of a golden as a Fraction."""
    exponent = 0 if golden.exponent is None else int(golden.exponent[index])
    return (Fraction(float(golden.hi[index])) + Fraction(float(golden.lo[index]))) * Fraction(2) ** exponent


def floor_log2(value):
    """Return floor(log2|value|) of a nonzero Fraction."""
    size = abs(value)
    guess = size.numerator.bit_length() - size.denominator.bit_length()
    while Fraction(2) ** guess > size:
        guess -= 1
    while Fraction(2) ** (guess + 1) <= size:
        guess += 1
    return guess


def ulp_of(value, form):
    """Return the ulp of an exact value in a format."""
    exponent = form.emin if value == 0 else min(max(floor_log2(value), form.emin), form.emax)
    return Fraction(2) ** (exponent - form.precision + 1)


def rounded(value, form):
    """Return a Fraction rounded to nearest, ties to even, as a float; beyond the threshold an infinity."""
    quantum = ulp_of(value, form)
    nearest = round(value / quantum) * quantum  # Python rounds a Fraction half to even
    if abs(nearest) >= Fraction(2) ** (form.emax + 1):
        return float("-inf") if value < 0 else float("inf")
    return float(nearest)


def golden_of(*values, exponent=None, radius=0.0):
    """Split Fractions into hi + lo; with `exponent`, values are given without it."""
    hi = np.array([float(value) for value in values])
    lo = np.array([float(value - Fraction(float(value))) for value in values])
    scale = None if exponent is None else np.array([exponent] * len(values), np.int64)
    return Golden(hi, lo, scale, radius)
