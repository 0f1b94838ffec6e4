"""Values of whole rows that compiled loops write where they belong, for which `reference.fast.rows` has formulas.

Each is of a block whose terms have no exponents; its certificate is that of the formula and of `answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from harness.model import Array
from reference.fast import terms
from reference.fast.sums import Block, Tile, lag_radius
from reference.fast.terms import own
from reference.fast.words import MULTIPLY, UNKNOWN

Out = tuple[Array, Array, Array]  # hi, lo, radius
proved = terms.proved


def able(name: str, block: Block) -> bool:
    """Tell whether loops write the value of an op of such rows."""
    return name in WRITTEN and block.near and all(terms.loops_of(tile.x, block.axis) for tile in block.tiles)


def write(name: str, block: Block, out: Out) -> bool:
    """Write an op's value; False where some of it is no number, or loops are of no use: it is all left to numpy."""
    for tile in block.tiles:
        loops = terms.loops_of(tile.x, block.axis)
        if loops is None or not WRITTEN[name](loops, block, tile, out):
            return False
    return True


def _softmax(loops: Any, block: Block, tile: Tile, out: Out) -> bool:
    """Write what `sums.probability` gives."""
    inverse, inverse_radius = block.inverse
    share = _columns(*inverse, _clipped(block.term_radius + inverse_radius + MULTIPLY))
    top = _columns(*block.top.pair, _clipped(block.top.radius))
    if block.axis == 1:
        return bool(loops.softmax_1(tile.term, share, top, tile.peak, tile.span.start, out))
    return bool(loops.softmax_0(tile.term, share, top, tile.peak, out))


def _log_softmax(loops: Any, block: Block, tile: Tile, out: Out) -> bool:
    """Write what `sums.lag` gives, negated."""
    log = _columns(*block.log_beside, _clipped(lag_radius(block)), block.beside_radius, block.beside_error)
    x, peak, top = own(tile.x), own(tile.top.reshape(-1)), _columns(*block.log, _clipped(block.log_radius))
    if block.axis == 1:
        return bool(loops.log_softmax_1(x, peak, log, top, tile.peak, tile.span.start, out))
    return bool(loops.log_softmax_0(x, peak, log, top, tile.peak, out))


def _clipped(radius: Array) -> Array:
    return radius if radius.max() <= UNKNOWN else np.where(radius <= UNKNOWN, radius, np.inf)


def _columns(first: Array, *others: Array) -> tuple[Array, ...]:
    """Return numbers of rows as flat arrays of one size."""
    parts = (part if part.shape == first.shape else np.broadcast_to(part, first.shape) for part in (first, *others))
    return tuple(own(part.reshape(-1)) for part in parts)


WRITTEN: Mapping[str, Callable[[Any, Block, Tile, Out], bool]] = {"softmax": _softmax, "log_softmax": _log_softmax}
