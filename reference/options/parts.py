"""Goldens and budgets assembled from parts, each put in its place of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.model import Array, Golden
from harness.scoring import ulp
from reference.bounds import Budget

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
