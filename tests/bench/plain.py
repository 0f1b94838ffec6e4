"""Softmax, log-softmax and logsumexp of a row as users of mpmath or python-flint write them, to compare speeds with.

Neither proves as much as the arbiter does: mpmath claims nothing, and Arb's enclosures are not rounded to any format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath

try:
    import flint
except ImportError:  # an extra
    flint = None

WITH_FLINT = flint is not None
Row = tuple[list[Any], list[Any], Any]  # softmax, log-softmax, logsumexp


def with_mpmath(row: Sequence[float], digits: int = 50) -> Row:
    """Answer a row of Python floats in mpf numbers of so many decimal digits."""
    with mpmath.workdps(digits):
        logits = [mpmath.mpf(x) for x in row]
        peak = max(logits)
        terms = [mpmath.exp(x - peak) for x in logits]
        whole = mpmath.fsum(terms)
        log = mpmath.log(whole)
        return [term / whole for term in terms], [x - peak - log for x in logits], peak + log


def with_flint(row: Sequence[float], bits: int = 113) -> Row:
    """Answer a row of Python floats in Arb enclosures. Raises ModuleNotFoundError where python-flint is missing."""
    if flint is None:
        raise ModuleNotFoundError("flint is missing, expected python-flint; pip install 'xentbench[witness]'")
    before, flint.ctx.prec = flint.ctx.prec, bits
    try:
        peak = flint.arb(max(row))
        shifted = [flint.arb(x) - peak for x in row]
        terms = [x.exp() for x in shifted]
        whole = sum(terms, flint.arb(0))
        log = whole.log()
        return [term / whole for term in terms], [x - log for x in shifted], peak + log
    finally:
        flint.ctx.prec = before
