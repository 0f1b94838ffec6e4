"""Correct rounding of exact values to every format, and Ziv's test for when it is certain.

Own code, because the casts at hand are not correct: float64 to bfloat16 or float16 goes through float32 in every
framework and rounds twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import ml_dtypes
import numpy as np

from harness.model import DTYPES, FORMATS, Array, Format, Golden
from harness.scoring import ulp

FLOAT64 = FORMATS["float64"]
EVERY_FORMAT = tuple(FORMATS[name] for name in DTYPES)


def nearest(golden: Golden, form: Format) -> Array:
    """Return the exact values rounded to nearest, ties to even, as float64 numbers of that format (or infinities).

    What overflows a format without infinities is nan.
    """
    hi, lo = ulp.in_ulps(golden, form)
    floor = np.floor(hi)
    above_tie = (hi - floor) - 0.5  # exact: hi has 53 bits and floor is one of its own
    up = (above_tie > 0) | ((above_tie == 0) & ((lo > 0) | ((lo == 0) & (np.mod(floor, 2) == 1))))
    # A negative tail below an integer hi reaches down to the next midpoint only at a power of two, where hi's own
    # ulps are twice as fine as the integers; there binade() has already taken the finer ulp.
    rounded = ulp.scale(floor + up, ulp.ulp_exponent(golden, form))
    beyond = np.inf if form.infinite else np.nan
    return np.where(ulp.overflows(golden, form), np.copysign(beyond, golden.hi), np.copysign(rounded, golden.hi))


def nearest_at(golden: Golden, form: Format, index: tuple[int, ...]) -> float:
    """Return one of the exact values, rounded as by `nearest`."""
    hi, lo = np.atleast_1d(golden.hi[index]), np.atleast_1d(golden.lo[index])
    exponent = None if golden.exponent is None else np.atleast_1d(golden.exponent[index])
    return float(nearest(Golden(hi, lo, exponent, golden.radius), form)[0])


def undecided(golden: Golden, forms: Sequence[Format], radius: Array) -> Array:
    """Tell, formats along the first axis, which values lie so near a midpoint that an error of `radius` could cross it.

    radius: relative. Ziv's test (ACM TOMS 17(3), 1991): both ends of the enclosure must round alike. Where radius is 0
    all is decided.
    """
    binade, deeper = ulp.binade(golden), (-1, *(1,) * golden.hi.ndim)
    lowest, highest, bits = (
        np.array(limits).reshape(deeper)
        for limits in zip(*((form.emin, form.emax, form.precision) for form in forms), strict=True)
    )
    hi, lo = ulp.scaled(golden, bits - 1 - np.clip(binade, lowest, highest))
    floor = np.floor(hi)
    with np.errstate(invalid="ignore"):  # inf - inf, far beyond a format's range and left out below
        distance = np.abs((hi - floor - 0.5) + lo)
        wrapped = np.abs((hi - floor + 0.5) + lo)  # the midpoint below an integer hi
        near = np.minimum(distance, wrapped) <= radius * np.abs(hi)
    return np.asarray(near & (radius > 0) & (binade <= highest))  # beyond that it rounds to infinity


def near_midpoints(golden: Golden) -> Array:
    """Return the flat indices of a golden's values that an error of 2**-60 (relative) could round otherwise anywhere.

    A midpoint of a format of at most 24 bits has at most 25, subnormal or not; a hi of more differs from it by an ulp
    at least, of which lo takes half. Midpoints of float64 lie half an ulp beside hi, or a quarter below a power of two,
    but for subnormal ones.
    """
    words = np.ascontiguousarray(golden.hi).reshape(-1).view(np.int64)
    power = words & (0x7FF << 52)
    short = (words & ((1 << 28) - 1)) == 0
    beside = np.abs(golden.lo).reshape(-1) >= (0.5 - 2.0**-6) * (power - (52 << 52)).view(np.float64)
    found = short | beside | (power <= 52 << 52)
    total = (power >> 52) - 1023
    if golden.exponent is not None:
        total += golden.exponent.reshape(-1)
    subnormal = (total < FLOAT64.emin) & (total >= FLOAT64.emin - FLOAT64.precision)
    return np.flatnonzero(found | subnormal)


def bits(values: Array, form: Format) -> Array:
    """Return the bit patterns of float64 values that are numbers of the format, as unsigned integers."""
    wide = np.asarray(values, np.float64)
    match form.name:
        case "float64":
            return wide.view(np.uint64)
        case "float16":
            return wide.astype(np.float16).view(np.uint16)  # exact, as are the next two
        case "float32":
            return wide.astype(np.float32).view(np.uint32)
        case "float8_e4m3fn" | "float8_e5m2":
            return wide.astype(getattr(ml_dtypes, form.name)).view(np.uint8)
        case _:
            return (wide.astype(np.float32).view(np.uint32) >> np.uint32(16)).astype(np.uint16)
