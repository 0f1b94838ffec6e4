"""The two tiers of the reference together: double-double first, the arbiter for what it leaves open and for an audit.

Every row that the fast tier cannot certify, and one in 64 of the others, is done by mpmath; where the two disagree by
more than their radii the run stops with the row in hand, because then one of the two certificates is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness import ulp
from harness.model import FORMATS, Array, Golden, Inputs, Op, Quantity
from reference import fast, golden, rounding

RADIUS_BITS = 64  # a thousandth of an ulp of float64 is 2**-63
AUDITED = 1 / 64  # of the rows that the fast tier has certified


class Disagreement(ArithmeticError):  # noqa: N818 - both tiers claim to be right
    """The tiers differ by more than their radii."""


def certify(op: Op, quantity: Quantity, inputs: Inputs) -> Golden:
    """Compute a golden, by the fast tier where it is certain of every rounding, else by the arbiter.

    Shapes and errors as `golden.certify`; raises Disagreement where the tiers contradict each other.
    """
    with np.errstate(all="ignore"):
        quick = fast.answer(op, quantity, inputs)
    shape = quick.hi.shape
    width = quick.hi.size // (len(inputs.logits) if shape else 1)
    hi, lo, exponent, radius = (
        np.array(part).reshape(-1, width) for part in (quick.hi, quick.lo, quick.exponent, quick.radius)
    )
    again = np.flatnonzero(open_rows(hi, lo, exponent, radius) | audited(op, quantity, inputs, len(hi)))
    pieces = golden.settle(op, quantity, inputs, again.tolist()) if len(again) else []
    for row, piece in zip(again, pieces, strict=True):
        claimed = (hi[row], lo[row], exponent[row], radius[row])
        compare(claimed, piece, f"{op}/{quantity}, row {row}", inputs.logits[row])
        hi[row], lo[row], exponent[row], radius[row] = piece
    return golden.join([(hi.ravel(), lo.ravel(), exponent.ravel(), radius.ravel())], shape)


def open_rows(hi: Array, lo: Array, exponent: Array, radius: Array) -> Array:
    """Tell which rows hold an element without a radius, with too wide a one, or of an uncertain rounding."""
    wide = ~(radius <= 2.0**-RADIUS_BITS)
    known = Golden(np.where(wide, 0.0, hi), np.where(wide, 0.0, lo), exponent, 0.0)
    with np.errstate(all="ignore"):
        for form in FORMATS.values():
            wide |= rounding.undecided(known, form, np.where(wide, 0.0, radius))
    return np.asarray(wide.any(axis=1))


def audited(op: Op, quantity: Quantity, inputs: Inputs, rows: int) -> Array:
    """Draw the rows to audit; the same question draws the same rows."""
    seed = int(golden.content(op, quantity, inputs)[:16], 16)
    return np.random.default_rng(seed).random(rows) < AUDITED


def compare(quick: golden.Piece, settled: golden.Piece, where: str, logits: Array) -> None:
    """Raise Disagreement where a row of the fast tier lies further from the arbiter's than both radii allow."""
    hi, lo, exponent, radius = quick
    with np.errstate(all="ignore"):  # only where nothing is claimed can it come to inf - inf
        shift = np.where(settled[0] == 0, 0, exponent - settled[2])
        difference = (ulp.scale(hi, shift) - settled[0]) + (ulp.scale(lo, shift) - settled[1])
        size = np.maximum(np.abs(settled[0]), np.abs(ulp.scale(hi, shift)))
        allowed = (radius + settled[3] + 2.0**-104) * size  # 2**-104: this subtraction's roundings
        wrong = np.flatnonzero(np.isfinite(radius) & ~(np.abs(difference) <= allowed))
    if len(wrong):
        at = wrong[0]
        row = " ".join(float(x).hex() for x in logits[:16])
        raise Disagreement(
            f"{where}, element {at} is {hi[at].hex()} + {lo[at].hex()} in the fast tier, expected "
            f"{settled[0][at].hex()} + {settled[1][at].hex()} times 2**{settled[2][at]} as the arbiter has it; "
            f"its logits begin {row}"
        )


CERTIFY: Mapping[str, Callable[[Op, Quantity, Inputs], Golden]] = {"mpmath": golden.certify, "fast": certify}
