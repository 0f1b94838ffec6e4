"""A row made small: as few classes and as round numbers as leave its error at or near its height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.model import FORMATS, Array, Inputs
from harness.ops import OPS
from suites.judging.searching import rows
from suites.judging.searching.asked import Asking, Refused, best
from suites.questions import families

KEPT = 0.95  # of the height


def smallest(asking: Asking, row: Inputs, height: float) -> Inputs:
    """Return a row with few classes and round numbers whose error over bound is at least KEPT of the height."""
    least = KEPT * height
    row = _rounder(asking, _fewer(asking, row, least), least)
    ones = replace(row, upstream=np.ones_like(row.upstream))
    return ones if asking.overs(ones)[0] >= least else row


def _fewer(asking: Asking, row: Inputs, least: float) -> Inputs:
    """Leave out class by class, each time the one without which the error is largest."""
    while (classes := row.logits.shape[1]) > 1:
        left = [one for j in range(classes) if (one := without(asking, row, j)) is not None]
        try:
            overs = asking.overs(rows.joined(left)) if left else []
        except Refused:
            return row  # a function that does not take so few classes
        top = best(overs, 1)
        if not top or overs[top[0]] < least:
            return row
        row = left[top[0]]
    return row


def without(asking: Asking, row: Inputs, j: int) -> Inputs | None:
    """Return a row without a class; nothing where its labels need the class."""
    kept = np.arange(row.logits.shape[1]) != j
    labels, record = row.labels, OPS[asking.case.op.name]
    if labels is not None and record.labels == "index":
        if labels[0] == j:
            return None
        labels = labels - (labels > j)
    elif labels is not None:
        if not record.elementwise and labels[0, j] != 0:
            return None
        labels = labels[:, kept]
    upstream = row.upstream[:, kept] if row.upstream.ndim == 2 else row.upstream
    return Inputs(row.logits[:, kept], labels, upstream)


def _rounder(asking: Asking, row: Inputs, least: float) -> Inputs:
    """Round logit by logit to as few bits as leave the error, 0 first."""
    dtype = asking.case.dtype
    for j in range(row.logits.shape[1]):
        values = rounded(float(row.logits[0, j]), FORMATS[dtype].precision)
        tried = rows.take(row, [0] * len(values))
        logits = tried.logits.copy()
        with np.errstate(over="ignore"):
            logits[:, j] = families.to_dtype(values, dtype)
        tried = replace(tried, logits=rows.finite(logits, dtype))
        good: Sequence[int] = [i for i, over in enumerate(asking.overs(tried)) if over >= least]
        if good:
            row = rows.take(tried, [good[0]])
    return row


def rounded(x: float, precision: int) -> Array:
    """Return 0, and a number rounded to 1, 2, ... bits."""
    fraction, exponent = np.frexp(x)
    bits = np.arange(1, precision)
    with np.errstate(over="ignore"):
        some = np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)
    return np.concatenate([[0.0], some[np.abs(some) <= abs(x) * 1.5]])
