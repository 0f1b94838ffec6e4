"""Exact answers of rows whose exponentials are all 0 or 1, equal classes put together: log k, 1/k and what follows.

S is k, the number of logits that are 0. The others lie beyond `reference.bounds.heights.cut`; what they add to S, below
2**-130 of it in float32 and 2**-1000 in float64, is left out, and a softmax there is 0, as it is rounded in every
format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import mpmath
import numpy as np

from harness.model import Golden, Op, Quantity
from reference.bounds.terms import Groups

BITS = 240  # of every number
RADIUS = 2.0**-100
Number = Any  # mpmath's


@dataclass(frozen=True)
class Row:
    """One row: logits, labels and incoming gradients of the groups, how many classes each stands for."""

    x: list[Number]
    z: list[Number]
    g: list[Number]  # one for all where there is one a row
    counts: list[int]

    @cached_property
    def ones(self) -> int:
        """k."""
        return sum(count for x, count in zip(self.x, self.counts, strict=True) if x == 0)

    @cached_property
    def p(self) -> list[Number]:
        """The softmax of each group's class."""
        one, zero = mpmath.mpf(1) / self.ones, mpmath.mpf(0)
        return [one if x == 0 else zero for x in self.x]

    @cached_property
    def y(self) -> list[Number]:
        """-log_softmax."""
        log = mpmath.log(self.ones)
        return [log - x for x in self.x]

    def total(self, values: list[Number]) -> Number:
        """Sum over all classes."""
        return mpmath.fsum(value * count for value, count in zip(values, self.counts, strict=True))

    def excess(self, z: list[Number]) -> list[Number]:
        """Z p - z, with Z = sum z."""
        whole = self.total(z)
        return [whole * p - part for p, part in zip(self.p, z, strict=True)]

    def loss_gradient(self) -> list[Number]:
        """g (Z p - z)."""
        return [self.g[0] * part for part in self.excess(self.z)]

    def softmax_gradient(self) -> list[Number]:
        """p (g - D), D = sum g p."""
        mean = self.total([g * p for g, p in zip(self.g, self.p, strict=True)])
        return [p * (g - mean) for g, p in zip(self.g, self.p, strict=True)]

    def loss(self) -> list[Number]:
        """Sum z y; a label of 0 takes no part."""
        return [self.total([z * y if z else mpmath.mpf(0) for z, y in zip(self.z, self.y, strict=True)])]


ANSWERS: Mapping[tuple[str, Quantity], Callable[[Row], list[Number]]] = {
    ("softmax", "value"): lambda row: row.p,
    ("softmax", "grad_logits"): Row.softmax_gradient,
    ("log_softmax", "value"): lambda row: [-y for y in row.y],
    ("log_softmax", "grad_logits"): lambda row: [-part for part in row.excess(row.g)],
    ("logsumexp", "value"): lambda row: [mpmath.log(row.ones)],
    ("logsumexp", "grad_logits"): lambda row: [row.g[0] * p for p in row.p],
    ("sparse_xent", "value"): Row.loss,
    ("sparse_xent", "grad_logits"): Row.loss_gradient,
    ("dense_xent", "value"): Row.loss,
    ("dense_xent", "grad_logits"): Row.loss_gradient,
    ("dense_xent", "grad_labels"): lambda row: [row.g[0] * y for y in row.y],
}


def golden(op: Op, quantity: Quantity, groups: Groups) -> Golden:
    """Return the exact answers, (rows, groups), or (rows,) where there is one a row; every number well in range."""
    with mpmath.workprec(BITS):
        number = cache(mpmath.mpf)  # rows hold few that differ
        parts = [[list(map(number, row)) for row in part.tolist()] for part in (groups.x, groups.z, groups.g)]
        counts = groups.counts.astype(int).tolist()
        found = [ANSWERS[op.name, quantity](Row(*row)) for row in zip(*parts, counts, strict=True)]
        hi = np.array([[float(value) for value in row] for row in found])
        rows = zip(found, hi.tolist(), strict=True)
        lo = np.array([[float(value - high) for value, high in zip(*row, strict=True)] for row in rows])
    if len(found[0]) == 1:
        hi, lo = hi[:, 0], lo[:, 0]
    return Golden(hi, lo, None, RADIUS)
