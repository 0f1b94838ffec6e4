"""Exact answers of rows whose exponentials are all 0 or 1, equal classes put together: log k, 1/k and what follows.

S is k, the number of logits that are 0. The others lie beyond `reference.bounds.heights.cut`; what they add to S, below
2**-130 of it in float32 and 2**-1000 in float64, is left out, and a softmax there is 0, as it is rounded in every
format.

All numbers are Python's integers, in units of 2**-BITS. Logits, labels and incoming gradients have few bits, so that
their products and sums are exact, and nothing but log k and one division by k, or k**2, is off, each by a unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from mpmath import libmp

from harness.model import Golden, Op, Quantity
from reference.bounds.terms import Groups

BITS = 240
ONE = 1 << BITS
RADIUS = 2.0**-100


def fixed(value: float) -> int:
    """Return a number in units; exactly, where its last bit is one of them."""
    return int(math.ldexp(value, BITS))


@cache
def log(k: int) -> int:
    """Return log k in units."""
    return int(libmp.to_fixed(libmp.mpf_log(libmp.from_int(k), BITS + 8), BITS))


def product(a: int, b: int) -> int:
    """Return a product in units."""
    return a * b >> BITS


@dataclass(frozen=True)
class Row:
    """One row: logits, labels and incoming gradients of the groups, and how many classes each stands for."""

    x: list[int]
    z: list[int]
    g: list[int]  # one for all where there is one a row
    counts: list[int]

    @cached_property
    def e(self) -> list[int]:
        """The exponentials, 0 or 1, as whole numbers."""
        return [int(x == 0) for x in self.x]

    @cached_property
    def ones(self) -> int:
        """k."""
        return self.total(self.e)

    @cached_property
    def y(self) -> list[int]:
        """-log_softmax."""
        return [log(self.ones) - x for x in self.x]

    def total(self, values: list[int]) -> int:
        """Sum over all classes."""
        return sum(map(int.__mul__, values, self.counts))

    def softmax(self, by: int = ONE) -> list[int]:
        """A multiple of e / k."""
        return [by * e // self.ones for e in self.e]

    def excess(self, z: list[int], by: int = ONE) -> list[int]:
        """A multiple of Z p - z, with Z = sum z."""
        whole, k = self.total(z), self.ones
        return [product(by, whole * e - part * k) // k for e, part in zip(self.e, z, strict=True)]

    def softmax_gradient(self) -> list[int]:
        """p (g - D), D = sum g p."""
        k, whole = self.ones, self.total(list(map(int.__mul__, self.g, self.e)))
        return [e * (g * k - whole) // k**2 for g, e in zip(self.g, self.e, strict=True)]

    def loss(self) -> list[int]:
        """Sum z y."""
        return [self.total(list(map(product, self.z, self.y)))]


ANSWERS: Mapping[tuple[str, Quantity], Callable[[Row], list[int]]] = {
    ("softmax", "value"): Row.softmax,
    ("softmax", "grad_logits"): Row.softmax_gradient,
    ("log_softmax", "value"): lambda row: [-y for y in row.y],
    ("log_softmax", "grad_logits"): lambda row: [-part for part in row.excess(row.g)],
    ("logsumexp", "value"): lambda row: [log(row.ones)],
    ("logsumexp", "grad_logits"): lambda row: row.softmax(row.g[0]),
    ("sparse_xent", "value"): Row.loss,
    ("sparse_xent", "grad_logits"): lambda row: row.excess(row.z, row.g[0]),
    ("dense_xent", "value"): Row.loss,
    ("dense_xent", "grad_logits"): lambda row: row.excess(row.z, row.g[0]),
    ("dense_xent", "grad_labels"): lambda row: [product(row.g[0], y) for y in row.y],
}


def golden(op: Op, quantity: Quantity, groups: Groups) -> Golden:
    """Return the exact answers, (rows, groups), or (rows,) where there is one a row; every number well in range."""
    number = cache(fixed)  # rows hold few that differ
    parts = [[list(map(number, row)) for row in part.tolist()] for part in (groups.x, groups.z, groups.g)]
    counts = groups.counts.astype(int).tolist()
    found = [ANSWERS[op.name, quantity](Row(*row)) for row in zip(*parts, counts, strict=True)]
    hi = [[value / ONE for value in row] for row in found]  # Python divides integers with correct rounding
    rows = zip(found, hi, strict=True)
    lo = [[(value - fixed(high)) / ONE for value, high in zip(*row, strict=True)] for row in rows]
    shape = (len(found), len(found[0])) if len(found[0]) > 1 else len(found)
    return Golden(np.reshape(hi, shape), np.reshape(lo, shape), None, RADIUS)
