"""Infinite and nan logits in long rows: blocks of nothing but -inf, and places that only a vector loop's body sees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from harness.model import FORMATS, QUANTITIES, Array, Checked, Inputs
from harness.ops import OPS, VALUE_AND_GRADIENT
from reference import rounding
from suites.checks.check import Asking, Spec, compiled
from suites.checks.sizes import each, in_part
from suites.checks.special import distance
from suites.checks.special.claims import POINT_OPS, ROW_OPS, SPARSE, SPECIAL, WITHOUT_LABELS, part
from suites.checks.special.distance import Gap
from suites.questions.families import to_dtype

BLOCK = 64  # classes of the smallest block that a kernel goes through a row by; others are multiples of it
WIDTHS = (64, 65, 127, 193, 1000, 2051)  # whole blocks, and a remainder behind some
BODIES = (64, 65, 127, 1000)
FEW = (193,), (127,)  # where each width is a compilation
MASKS = 7
FAR = -30_000.0  # beside logits around 0 it is nothing in any format, so the exact answers are those without it
WIDEST = WIDTHS[-1]


def masks(n: int) -> Array:
    """Return which of n classes are there, (MASKS, n): whole blocks of a row are masked, or all but one class."""
    j = np.arange(n)
    there = [
        j >= BLOCK,
        j >= 2 * BLOCK,
        j == n - 1,
        j == 0,
        (j < BLOCK) | (j >= 2 * BLOCK),
        j < (n - 1) // BLOCK * BLOCK,
        j // BLOCK % 2 == 1,
    ]
    return np.stack([row if row.any() else j % 2 == 1 for row in there])


@SPECIAL.check(
    Spec((*WITHOUT_LABELS, SPARSE), VALUE_AND_GRADIENT, "normal", MASKS * len(WIDTHS), WIDEST, ("float32", "float16"))
)
def masked_blocks(asking: Asking) -> Checked:
    """Whole blocks of a row are -inf, the first, the last or all but one class: the answer is that without them.

    Rows of 64 to 2051 classes, in blocks of 64 and 128: an algorithm that keeps a maximum so far has none yet.
    """
    places = [place for place, n in enumerate(WIDTHS) if n in (FEW[0] if compiled(asking) else WIDTHS)]
    there = np.zeros((MASKS * len(WIDTHS), WIDEST), bool)
    for place, n in enumerate(WIDTHS):
        there[place * MASKS : (place + 1) * MASKS, :n] = masks(n)
    inputs = _padded(asking, there)
    found = rounding.nearest(asking.golden(inputs), FORMATS[asking.case.dtype]).astype(inputs.logits.dtype)
    gaps, refused = each(partial(_ask_width, asking, inputs, there, found), places)
    gap = max(*gaps, distance.measured(asking, found, inputs), key=lambda one: one.over)
    return in_part(_said(asking, int(there.sum()), _masked(inputs, there), gap), refused, len(places))


def _ask_width(asking: Asking, inputs: Inputs, there: Array, found: Array, place: int) -> Gap:
    """Put the answers to the rows of a width into `found`, where classes are there; return what is off where not."""
    rows, n = slice(place * MASKS, (place + 1) * MASKS), WIDTHS[place]
    here = there[rows, :n]
    got = asking.answer(_masked(part(inputs, rows, n), here))
    if got.ndim == 1:
        found[rows] = got
        return distance.NOTHING
    found[rows, :n] = np.where(here, got, found[rows, :n])
    nothing = -math.inf if (asking.case.op.name, asking.case.quantity) == ("log_softmax", "value") else 0.0
    off = distance.exactly(np.where(here, nothing, got.astype(np.float64)), np.full(got.shape, nothing))
    return replace(off, index=(rows.start + off.index[0], off.index[1])) if off.over else off


def _said(asking: Asking, elements: int, inputs: Inputs, gap: Gap) -> Checked:
    """Return what was found, with the width of the row that it was found in."""
    if gap.over <= 1:
        return Checked(elements, gap.over)
    row = gap.index[0]
    n = WIDTHS[row // MASKS]
    worst = asking.worst(part(inputs, slice(None), n), gap.index, gap.expected, gap.got)
    return Checked(elements, gap.over, detail=f"of {n} classes, mask {row % MASKS}: {gap}", worst=worst)


def _padded(asking: Asking, there: Array) -> Inputs:
    """Draw rows that are far below all others where no class is; the label is a class in the middle of those there."""
    drawn = asking.inputs
    logits = to_dtype(np.where(there, drawn.logits.astype(np.float64), FAR), asking.case.dtype)
    labels = None
    if drawn.labels is not None:
        labels = np.array([kept[len(kept) // 2] for kept in map(np.flatnonzero, there)])
    upstream = drawn.upstream
    return Inputs(logits, labels, (upstream * there).astype(upstream.dtype) if upstream.ndim == 2 else upstream)


def _masked(inputs: Inputs, there: Array) -> Inputs:
    logits = np.where(there, inputs.logits.astype(np.float64), -np.inf)
    return replace(inputs, logits=to_dtype(logits, inputs.logits.dtype.name))


@SPECIAL.check(Spec((*ROW_OPS, *POINT_OPS), QUANTITIES, "normal", 16, max(BODIES)))
def not_finite_in_long_rows(asking: Asking) -> Checked:
    """A nan in a long row makes all that depends on it nan, wherever it stands; inf and nan leave other rows alone.

    Rows of 64, 65, 127 and 1000 classes: the first class, the last, the last of a vector loop's body, and in between.
    """
    widths = FEW[1] if compiled(asking) else BODIES
    found, refused = each(partial(_plant, asking), widths)
    worst = max(found, key=lambda one: one.over)
    return in_part(replace(worst, elements=sum(one.elements for one in found)), refused, len(widths))


def _plant(asking: Asking, n: int) -> Checked:
    """Hold rows of n classes to what they are without what is planted, and all that depends on a nan to nan."""
    plain = replace(part(asking.inputs, slice(None), n), labels=_labels(asking, n))
    logits = plain.logits.astype(np.float64)
    for index, value in _plantings(n):
        logits[index] = value
    inputs = replace(plain, logits=to_dtype(logits, asking.case.dtype))
    without, got = (asking.answer(given).astype(np.float64) for given in (plain, inputs))
    parts: list[Array] = [np.isnan(logits), ~np.isfinite(logits)]
    if not OPS[asking.case.op.name].elementwise:
        parts = [np.asarray(part.any(axis=1, keepdims=got.ndim > 1)) for part in parts]
    nans, touched = parts
    gap = distance.exactly(got, np.where(nans, np.nan, np.where(touched, got, without)))
    return distance.verdict(asking, got.size, inputs, gap, f"of {n} classes")


def _labels(asking: Asking, n: int) -> Array | None:
    """Return labels of n classes: an index by row, or two of the classes."""
    record, rows = OPS[asking.case.op.name], asking.case.rows
    if record.labels == "none" or record.elementwise:
        return None if record.labels == "none" else asking.inputs.labels[:, :n]  # type: ignore[index]
    index = np.arange(rows) % n
    if record.labels == "index":
        return index
    j = np.arange(n)
    return to_dtype(0.75 * (j == index[:, None]) + 0.25 * (j == n - 1), asking.case.dtype)


def _plantings(n: int) -> Iterator[tuple[tuple[int, int | slice], float]]:
    """Yield what is planted in every second row: (index, value)."""
    body = (n - 1) // 16 * 16 - 1  # before the remainder of vectors of 16
    for row, column in zip(range(1, 16, 2), (0, n // 2, body, n - 1), strict=False):
        yield (row, column), math.nan
    yield (9, n // 3), math.inf
    yield (11, n - 1), math.inf
    yield (13, slice(None)), -math.inf
