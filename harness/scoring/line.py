"""Lines of numbers: every finite number of a format in order, or so many of each binade; a row is a binade of a sign.

The negative rows come first, the largest numbers of each at their beginning, so that places go with values. Of pairs of
numbers a row is a binade of their gaps.
"""

from __future__ import annotations

import math
import struct

from harness.model import FORMATS, Format

WIDTHS = 256  # of rows of classes, of which one is swept after the other, in a row of what they come to
DENSITY = 256  # numbers a binade where there are too many to ask all
WHOLE = 24  # bits of precision up to which every number is asked


def shape(form: Format) -> tuple[int, int]:
    """Return how many rows the line of a format has, and how many numbers a row."""
    return 2 * (form.emax - form.emin + 2), 2 ** (form.precision - 1) if form.precision <= WHOLE else DENSITY


def binade(form: Format, row: int) -> tuple[int, int]:
    """Return the sign of a row, and the exponent of its numbers: emin - 1 for the subnormal ones and zero."""
    half = form.emax - form.emin + 2
    return (1, form.emin - 1 + row - half) if row >= half else (-1, form.emin - 1 + half - 1 - row)


def named(dtype: str, row: int) -> str:
    """Return what a row holds, as a reader takes it: `-2^-3`, or `subnormal`."""
    form = FORMATS[dtype]
    sign, exponent = binade(form, row)
    return ("-" if sign < 0 else "") + ("subnormal" if exponent < form.emin else f"2^{exponent}")


def row_name(dtype: str, row: int, of: str) -> str:
    """Return what a row of numbers holds, or one of gaps, or of widths: the first of these."""
    if of == "widths":
        return str(row * WIDTHS + 1)
    return gap_name(dtype, row) if of == "gaps" else named(dtype, row)


def gaps(form: Format) -> int:
    """Return how many rows the gaps x - y of all pairs of a format's numbers have: their binades by sign, and 0."""
    return 2 * _binades(form) + 1


def _binades(form: Format) -> int:
    """Return how many binades there are from the smallest gap, a subnormal ulp, to twice the largest number."""
    return form.emax + 1 - (form.emin - form.precision + 1) + 1


def gap_row(form: Format, gap: float) -> int:
    """Return the row of a gap."""
    half = _binades(form)
    away = math.frexp(gap)[1] - 1 - (form.emin - form.precision + 1) + 1 if gap else 0
    return half + (away if gap > 0 else -away)


def gap_name(dtype: str, row: int) -> str:
    """Return what a row of gaps holds: `-2^-3`, or `0`."""
    form = FORMATS[dtype]
    away = row - _binades(form)
    return f"{'-' if away < 0 else ''}2^{form.emin - form.precision + abs(away)}" if away else "0"


def place_of_gap(gap: float) -> int:
    """Return a whole number for a gap, in the order of the gaps: its bits."""
    (bits,) = struct.unpack("<q", struct.pack("<d", gap + 0.0))
    return bits if bits >= 0 else -(bits & (1 << 63) - 1)


def gap_at(place: int) -> float:
    """Return the gap of a place."""
    (size,) = struct.unpack("<d", struct.pack("<q", abs(place)))
    return float(size if place >= 0 else -size)
