"""Exact answers of rows of one logit 0 and n - 1 equal ones beside it or below: two numbers, whatever the width.

With t = e**-g, where the others are -g, and x = (n - 1) t, the sum is 1 + x. Softmaxes are 1 / (1 + x) and t / (1 + x),
and the logsumexp is log(1 + x), which is the loss of the first class, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np

from harness.model import Golden
from reference import golden

BITS = 200
RADIUS = 2.0**-100
TINY = 2.0**-1000  # stands for a second half that float64 has not
Number = Any  # mpmath's

OUTPUTS = {"softmax": 2, "log_softmax": 2, "logsumexp": 1, "sparse_xent": 1}


def answers(op: str, gap: float, widths: Sequence[int]) -> Golden:
    """Return the values of rows of these widths, (widths, outputs): of the first class and of any other, or of the row.

    op: softmax, log_softmax, logsumexp, or sparse_xent whose right class is the first. gap: g, not below 0.
    """
    deep = int(gap * 1.4427) + 1  # bits that t lies below 1
    with mpmath.workprec(BITS + deep):
        t = mpmath.exp(-mpmath.mpf(gap))
        rows = [[_split(value) for value in _values(op, t, gap, n)] for n in widths]
    hi, lo, exponent = (np.array([[one[k] for one in row] for row in rows]) for k in range(3))
    return golden.join([(hi, lo, exponent.astype(np.int64), np.full(hi.shape, RADIUS))], hi.shape)


def _values(op: str, t: Number, gap: float, n: int) -> list[Number]:
    x = (n - 1) * t
    if op == "softmax":
        return [1 / (1 + x), t / (1 + x)]
    log = x if x < mpmath.mpf(2) ** -BITS else mpmath.log(1 + x)
    return [-log, -gap - log] if op == "log_softmax" else [log]


def _split(value: Number) -> tuple[float, float, int]:
    """Return hi, lo and the exponent of a number, hi from 1/2 to 1."""
    mantissa, exponent = mpmath.frexp(value)
    hi = float(mantissa)
    rest = mantissa - hi
    lo = float(rest)
    return hi, lo if lo or not rest else TINY * float(mpmath.sign(rest)), int(exponent)
