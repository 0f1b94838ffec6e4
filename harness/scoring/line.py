"""Lines of numbers: every finite number of a format in order, or so many of each binade; a row is a binade of a sign.

The negative rows come first, the largest numbers of each at their beginning, so that places go with values.
"""

from __future__ import annotations

from harness.model import FORMATS, Format

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
