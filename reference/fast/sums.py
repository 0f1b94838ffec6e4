"""Blocks of rows with their sums in the fast tier, and what most formulas over them share.

With m the largest logit, k the logits equal to it, d = m - x (exact), t the sum of the other e**-d: S = k + t and
L = log S, as in `reference.arbiter.rows`. First-order error terms follow each formula, with the constants of
`reference.fast.doubledouble`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from harness.model import Array
from reference.fast import doubledouble as dd
from reference.fast import terms, values, words
from reference.fast.values import (
    TAIL,
    TINY,
    Exponent,
    Mask,
    Sum,
    Value,
    choose,
    either,
    filled,
    minus,
    overwritten,
    powers_at,
    untailed,
    where,
)
from reference.fast.words import ADD, DEEPEST, DIVIDE, MULTIPLY, Pair, U

TURN = 128  # classes below which rows run along the last axis, so that numpy's inner loops stay long
RANGE = 500  # logits are 0, or from 2**-RANGE to 2**RANGE
NEAR = 332.0  # up to here e**-d >= 2**-480 and needs no exponent of its own
LOG2 = float(np.log(2))


@dataclass(frozen=True, eq=False)
class Tile:
    """Some classes of some rows, at most about fast_values.CHUNK elements: (rows, classes), or turned."""

    axis: int  # of the classes
    span: slice
    x: Array
    top: Array  # m
    term: Pair  # e**-d 2**q
    q: Exponent
    peak: Array  # flat indices where d = 0
    ties: Array  # how many a row has
    others: Pair | None  # the sum of the other terms, where it is known

    @cached_property
    def d(self) -> Pair:
        """m - x."""
        return dd.difference(self.top, self.x)

    @cached_property
    def rows(self) -> Array:
        """The rows of where d = 0."""
        return terms.rows(self.peak, self.x.shape[1], self.axis)


@dataclass(frozen=True, eq=False)
class Block:
    """Whole rows with their sums, shaped (rows, 1), or turned."""

    axis: int  # of the classes
    tiles: tuple[Tile, ...]
    labels: Array | None
    upstream: Array | None
    good: Mask
    peak: Array  # m
    ties: Array  # k
    rest: Pair  # t, 0 where it underflows
    scaled: Pair  # t 2**shift, at least about 1/2 where there is any
    shift: Array  # 0 unless t is far below 1
    far: Mask  # where t is below 2**-450 and some, and L with it where k = 1
    term_radius: Array  # of all e**-d
    rest_radius: Array  # of t
    log: Pair  # L 2**log_shift
    log_shift: Array
    log_radius: Array
    log_beside: Pair  # L, or TAIL for one that is far below
    beside_radius: Array  # of it, relative
    beside_error: Array  # and absolute, in addition

    @property
    def sum(self) -> Pair:
        """S, within rest_radius + ADD."""
        return dd.add(untailed(self.ties), self.rest)

    @cached_property
    def inverse(self) -> tuple[Pair, Array]:
        """1 / S, and its radius."""
        return dd.divide(untailed(np.ones_like(self.ties)), self.sum), self.rest_radius + ADD + DIVIDE

    @cached_property
    def top(self) -> Value:
        """softmax at the maximum; see `_top`."""
        return _top(self)

    @property
    def near(self) -> bool:
        """Whether no term has an exponent of its own."""
        return not isinstance(self.tiles[0].q, np.ndarray)

    def turned(self, part: Array) -> Array:
        """Turn a (rows, classes) or (rows,) array of labels or gradients into the block's shape, in float64."""
        part = part.astype(np.float64)
        part = part[:, None] if part.ndim == 1 else part
        return part if self.axis == 1 else np.ascontiguousarray(part.T)


def _loaded(logits: Array, axis: int) -> tuple[list[slice], list[Array], Mask]:
    """Return the tiles' logits in float64, and which rows are in range; those that are not count as zeros."""
    count, classes = logits.shape
    spans = [slice(i, min(i + values.CHUNK, classes)) for i in range(0, classes, values.CHUNK)] or [slice(0, 0)]
    good: Mask = np.ones(count, bool)
    if logits.dtype.itemsize == 8 and not terms.in_range(logits, RANGE):
        good &= values.in_range(logits, RANGE).all(axis=1)
    tiles = [logits[:, span].astype(np.float64, order="C", copy=len(spans) > 1) for span in spans]
    if not good.all():
        tiles = [np.where(good[:, None], x, 0.0) for x in tiles]
    return spans, [np.ascontiguousarray(x.T) for x in tiles] if axis == 0 else tiles, good


def block_of(logits: Array, labels: Array | None, upstream: Array | None) -> Block:
    """Sum up whole rows."""
    classes = logits.shape[1]
    axis = 0 if classes < TURN else 1
    spans, xs, good = _loaded(logits, axis)
    peak = np.maximum.reduce([x.max(axis=axis, keepdims=True) for x in xs])
    depth = peak - np.minimum.reduce([x.min(axis=axis, keepdims=True) for x in xs])
    wide = bool(depth.max() > NEAR)
    tiles = tuple(_tile(span, x, peak, axis, wide=wide) for span, x in zip(spans, xs, strict=True))
    ties = np.asarray(sum(tile.ties for tile in tiles))
    shift, deep = _shift(tiles, peak, axis, wide=wide)
    term_radius = words.exp_radius(np.minimum(depth, DEEPEST))
    scaled, rest_radius = _sum(tiles, shift, axis, wide=wide)
    rest_radius = where(deep, np.inf, term_radius + rest_radius)
    rest = dd.scale(scaled, -shift) if wide else scaled
    far = shift > 450
    log, log_radius = dd.log1p(dd.add(untailed(ties - 1), either(far, untailed(np.zeros_like(ties)), rest)))
    alone = ties == classes
    # |d log S| <= dt / S, and t / S <= log S; then the sum k - 1 + t; then a t left out, below 2**-400 of log k.
    log_radius = log_radius + where(far | alone, 0.0, rest_radius + ADD)
    log_radius = where((ties == 1) & alone, 0.0, where(far, log_radius + TAIL, log_radius))
    below = far & (ties == 1)  # L = t - t**2 / 2
    return Block(
        axis,
        tiles,
        labels,
        upstream,
        good,
        peak,
        ties,
        rest,
        scaled,
        shift,
        far,
        term_radius,
        rest_radius,
        log=either(below, scaled, log),
        log_shift=where(below, shift, np.zeros_like(shift)),
        log_radius=where(below, rest_radius + TAIL, log_radius),
        log_beside=either(below, untailed(np.full_like(ties, TAIL)), log),
        beside_radius=where(below, 0.0, log_radius),
        beside_error=where(below, TAIL, np.zeros_like(log_radius)),
    )


def _tile(span: slice, x: Array, peak: Array, axis: int, *, wide: bool) -> Tile:
    if not wide:
        term, where, ties, others = terms.terms(x, peak, axis)
        return Tile(axis, span, x, peak, term, 0, where, ties, others)
    d = dd.difference(peak, x)
    term, q = dd.exp_minus((np.minimum(d[0], DEEPEST), np.where(d[0] > DEEPEST, 0.0, d[1])))
    where = np.flatnonzero(d[0] == 0)
    return Tile(axis, span, x, peak, term, q, where, terms.ties(where, x.shape[1], peak, axis), None)


def _shift(tiles: Sequence[Tile], peak: Array, axis: int, *, wide: bool) -> tuple[Array, Mask]:
    """Return the exponent of each row's largest term below the maximum, and where that is too deep."""
    if not wide:
        return np.zeros(peak.shape, np.int64), np.zeros(peak.shape, bool)
    lowest = -(2.0**501)
    second = np.maximum.reduce([np.where(t.x < peak, t.x, lowest).max(axis=axis, keepdims=True) for t in tiles])
    some = second > lowest
    gap = np.where(some, peak - second, 0.0)
    return np.floor(np.minimum(gap, DEEPEST) / LOG2).astype(np.int64), gap >= DEEPEST


def _sum(tiles: Sequence[Tile], shift: Array, axis: int, *, wide: bool) -> tuple[Pair, Array | float]:
    """Return t 2**shift and what its additions cost, relative; what falls below 2**-900 of it is lost."""
    whole: Pair | None = None
    for tile in tiles:
        part = tile.others or terms.others(dd.scale(tile.term, shift - tile.q) if wide else tile.term, tile.peak, axis)
        whole = part if whole is None else dd.add(whole, part)
    assert whole is not None
    widest = max(tile.x.shape[axis] for tile in tiles)
    return whole, dd.total_positive_bound(widest) + (len(tiles) - 1) * ADD + 2.0**-800 * wide


def _top(block: Block) -> Value:
    """1 / S within t / S of t's radius and a division; beside a power of two k, a small t is the tail itself.

    1 / (k + t) = 1/k - t / k**2 (1 - t / k + ...): the tail within t's radius, 2**-60, and a few u, all of t / k.
    """
    inverse = block.inverse[0]
    share = block.rest[0] * inverse[0]
    value = Value(inverse, 0, np.where(share == 0, 0.0, block.rest_radius * share) + ADD + DIVIDE)
    near = block.rest[0] < TINY
    if near.any():
        plain = dd.divide(untailed(np.ones_like(share)), untailed(block.ties))
        exact = dd.power_of_two(block.ties)
        clipped = block.rest[0] < TAIL
        tail = np.where(clipped, TAIL, block.rest[0]) / block.ties
        beside = Value(words.fast_two_sum(plain[0], -tail * plain[0]), 0, np.where(clipped, tail, tail * 8 * U))
        value = choose(exact & near, beside, value)
        alone = Value(plain, 0, np.where(exact, 0.0, DIVIDE))
        value = choose(block.scaled[0] == 0, alone, value)
    return value


def probability(block: Block, tile: Tile) -> Value:
    """e**-d / S: the radii of e**-d and 1 / S, and a product."""
    inverse, inverse_radius = block.inverse
    pair = dd.multiply(tile.term, inverse)
    radius = block.term_radius + inverse_radius + MULTIPLY
    if isinstance(tile.q, np.ndarray):
        radius = np.where(tile.d[0] > DEEPEST, np.inf, radius)
    return overwritten(Value(pair, minus(tile.q), radius), tile.peak, block.top, tile.rows)


def lag(block: Block, d: Pair, peak: Array, rows: Array) -> Value:
    """d + L: L's radius and a sum; a power of two d beside a small L is known to the rounding of L itself.

    Of `add_same_sign`'s two roundings the first is below u (|d_lo| + |L_lo|), the second below u |lo|.
    """
    log = block.log_beside
    pair = dd.add_same_sign(d, log)
    radius = lag_radius(block)
    value = overwritten(Value(pair, 0, radius), peak, Value(block.log, -block.log_shift, block.log_radius), rows)
    powers = powers_at(pair[0])
    at = powers[d[0].reshape(-1)[powers] != 0]
    if len(at):
        row = at // d[0].shape[1] if block.axis == 1 else at % d[0].shape[1]
        beside, radii, errors = (a.ravel()[row] for a in (log[0], block.beside_radius, block.beside_error))
        d_low, log_low, low = (a.ravel()[at] for a in (d[1], filled(log[1], d[0].shape), pair[1]))
        exact = (d_low == 0) & (log_low == 0)
        lost = np.where(exact, 0.0, 2 * U * (np.abs(d_low) + np.abs(log_low) + np.abs(low)))
        radius = filled(value.radius, pair[0].shape)
        radius.reshape(-1)[at] = (beside * radii + errors + lost) / pair[0].ravel()[at]
        value = replace(value, radius=radius)
    return replace(value, powers=powers)


def lag_radius(block: Block) -> Array:
    """Return what `lag` is good to, but at peaks and powers of two."""
    radius = block.beside_radius
    return where(block.beside_error > 0, radius + TAIL, radius) + ADD


def row_sum(block: Block, parts: Iterator[tuple[Pair, Array | float]]) -> Sum:
    """Sum up pairs, a tile each, with the errors each of them brings."""
    whole: Pair | None = None
    error = np.zeros_like(block.ties)
    for pair, brought in parts:
        part, bound = dd.total(pair, block.axis)
        error = error + bound + np.sum(np.broadcast_to(brought, pair[0].shape), axis=block.axis, keepdims=True)
        if whole is None:
            whole = part
        else:
            whole, lost = dd.add_bounded(whole, part)
            error = error + lost
    assert whole is not None
    return Sum(whole, error)
