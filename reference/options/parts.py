"""Goldens and budgets assembled from parts, each put in its place of the whole or summed up.

The allowance. To the budget of a loss without options, times its factor f, come at most ROUNDINGS of the computation:
the products with a class weight, a sample weight and 1 - e or e / classes, and a reciprocal denominator and the product
with it; denominators themselves are sums of few dyadic numbers, and exact. Each costs u times what it is applied to:
the loss, all of whose terms have one sign, or the parts f g p and f g z of a gradient. A sum of n losses, in any order,
adds (n - 1) u times the sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from harness.model import FORMATS, Array, BudgetClass, Golden
from harness.scoring import ulp
from reference import bounds
from reference.bounds import Budget
from reference.options.reading import Loss

ROUNDINGS = 5

Place = Any  # an index


def assemble(shape: tuple[int, ...], parts: Sequence[tuple[Place, Golden]]) -> Golden:
    """Put goldens in their places; exact zeros elsewhere."""
    hi, lo, exponent = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64)
    for place, part in parts:
        hi[place], lo[place] = part.hi, part.lo
        exponent[place] = 0 if part.exponent is None else part.exponent
    plain = all(part.exponent is None for _, part in parts)
    return Golden(hi, lo, None if plain else exponent, max(part.radius for _, part in parts))


def assemble_budgets(shape: tuple[int, ...], parts: Sequence[tuple[Place, Budget]]) -> Budget:
    """Put budgets in their places; exactly 0 is expected elsewhere."""
    flushed = np.zeros(shape)
    errors = {kind: np.zeros(shape) for _, part in parts for kind in part.error}
    for place, part in parts:
        flushed[place] = part.flushed
        for kind, error in part.error.items():
            errors[kind][place] = error
    return Budget(errors, flushed)


def reshape(golden: Golden, shape: tuple[int, ...]) -> Golden:
    """Return a golden in another shape."""
    exponent = None if golden.exponent is None else golden.exponent.reshape(shape)
    return Golden(golden.hi.reshape(shape), golden.lo.reshape(shape), exponent, golden.radius)


def size(golden: Golden) -> Array:
    """Return the exact values' sizes, to float64."""
    return np.abs(ulp.scale(golden.hi, 0 if golden.exponent is None else golden.exponent))


def scale(golden: Golden, factor: Array) -> Golden:
    """Multiply by powers of two. Raises ValueError for another factor, which would round."""
    if (np.frexp(factor)[0] != 0.5).any():
        raise ValueError(f"factors are {np.unique(factor).tolist()}, expected powers of two; choose such weights")
    return Golden(golden.hi * factor, golden.lo * factor, golden.exponent, golden.radius)


def softmax(x: Array) -> Array:
    """Return the softmax of rows in float64, which is exact enough for a budget."""
    p = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def units_of(dtype: np.dtype[Any]) -> Mapping[BudgetClass, float]:
    """Return the unit roundoff that each class computes with."""
    form = FORMATS[dtype.name]
    inner = max((form, bounds.INNER), key=lambda one: one.precision)
    return {kind: form.unit if kind == "N" else inner.unit for kind in get_args(BudgetClass)}


def sums(each: Budget, loss: Loss, exact: Array, units: Mapping[BudgetClass, float]) -> Budget:
    """Return the budgets of losses, `exact` without their factors, times these and summed as asked."""
    count = int(np.prod([loss.factor.shape[axis] for axis in loss.over]))
    terms = (loss.factor * exact).sum(axis=loss.over)
    errors = {
        kind: np.asarray((loss.factor * error).sum(axis=loss.over) + (count - 1 + ROUNDINGS) * units[kind] * terms)
        for kind, error in each.error.items()
    }
    return Budget(errors, np.asarray((np.maximum(1.0, loss.factor) * each.flushed).max(axis=loss.over)))
