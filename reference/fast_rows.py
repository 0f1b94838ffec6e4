"""The ops of whole rows in the fast tier: blocks of rows with their sums, and the formulas over them.

With m the largest logit, k the logits equal to it, d = m - x (exact), t the sum of the other e**-d: S = k + t and
L = log S, as in `reference.exact`. First-order error terms follow each formula, with the constants of
`reference.doubledouble`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from harness.model import Array, Quantity
from reference import doubledouble as dd
from reference import fast_values
from reference.doubledouble import ADD, DEEPEST, DIVIDE, MULTIPLY, TIMES, Pair, U
from reference.fast_values import (
    TAIL,
    TINY,
    UNKNOWN,
    Exponent,
    Mask,
    Sum,
    Value,
    choose,
    either,
    filled,
    folded,
    in_range,
    minus,
    multiplied,
    negated,
    overwritten,
    powers_at,
    relative,
    times,
    untailed,
)

TURN = 128  # classes below which rows run along the last axis, so that numpy's inner loops stay long
NEAR = 332.0  # up to here e**-d >= 2**-480 and needs no exponent of its own
LOG2 = float(np.log(2))


@dataclass(frozen=True, eq=False)
class Tile:
    """Some classes of some rows, at most about fast_values.CHUNK elements: (rows, classes), or turned."""

    span: slice  # of the classes
    x: Array
    d: Pair
    term: Pair  # e**-d 2**q
    q: Exponent
    peak: Array  # flat indices where d = 0
    rows: Array  # of each of those


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
    def inverse(self) -> tuple[Pair, Pair, Array]:
        """1 / S, its split hi, and its radius."""
        inverse = dd.divide(untailed(np.ones_like(self.ties)), self.sum)
        return inverse, dd.split(inverse[0]), self.rest_radius + ADD + DIVIDE

    @cached_property
    def top(self) -> Value:
        """softmax at the maximum; see `_top`."""
        return _top(self)

    def turned(self, part: Array) -> Array:
        """Turn a (rows, classes) or (rows,) array of labels or gradients into the block's shape, in float64."""
        part = part.astype(np.float64)
        part = part[:, None] if part.ndim == 1 else part
        return part if self.axis == 1 else np.ascontiguousarray(part.T)


def _loaded(logits: Array, axis: int) -> tuple[list[slice], list[Array], Mask]:
    """Return the tiles' logits in float64, and which rows are in range; those that are not count as zeros."""
    count, classes = logits.shape
    width = max(1, fast_values.CHUNK // count)
    spans = (
        [slice(i, min(i + width, classes)) for i in range(0, classes, width)]
        if classes > fast_values.CHUNK
        else [slice(0, classes)]
    )
    good = np.ones(count, bool)
    tiles = []
    for span in spans:
        x = logits[:, span].astype(np.float64)
        if logits.dtype.itemsize == 8:
            size = np.abs(x)
            if size.size and not (size.min() >= 2.0**-500 and size.max() <= 2.0**500):
                good &= in_range(x, 500).all(axis=1)
        tiles.append(x)
    if not good.all():
        for x in tiles:
            x[~good] = 0
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
    count = sum(np.bincount(tile.rows, minlength=len(logits)) for tile in tiles)
    ties = np.asarray(count, np.float64).reshape(peak.shape)
    shift, deep = _shift(tiles, peak, axis, wide=wide)
    term_radius = dd.exp_radius(np.minimum(depth, DEEPEST))
    scaled, rest_radius = _sum(tiles, shift, axis, wide=wide)
    rest_radius = np.where(deep, np.inf, term_radius + rest_radius)
    rest = dd.scale(scaled, -shift) if wide else scaled
    far = shift > 450
    log, log_radius = dd.log1p(dd.add(untailed(ties - 1), either(far, untailed(np.zeros_like(ties)), rest)))
    alone = ties == classes
    # |d log S| <= dt / S, and t / S <= log S; then the sum k - 1 + t; then a t left out, below 2**-400 of log k.
    log_radius = log_radius + np.where(far | alone, 0.0, rest_radius + ADD) + np.where(far, TAIL, 0.0)
    log_radius = np.where((ties == 1) & alone, 0.0, log_radius)
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
        log_shift=np.where(below, shift, 0),
        log_radius=np.where(below, rest_radius + TAIL, log_radius),
        log_beside=either(below, untailed(np.full_like(ties, TAIL)), log),
        beside_radius=np.where(below, 0.0, log_radius),
        beside_error=np.where(below, TAIL, 0.0),
    )


def _tile(span: slice, x: Array, peak: Array, axis: int, *, wide: bool) -> Tile:
    d = dd.two_sum(peak, -x)
    where = np.flatnonzero(d[0] == 0)
    rows = where // x.shape[1] if axis == 1 else where % x.shape[1]
    term, q = dd.exp_minus((np.minimum(d[0], DEEPEST), np.where(d[0] > DEEPEST, 0.0, d[1])) if wide else d)
    if wide:
        return Tile(span, x, d, term, q, where, rows)
    np.subtract(1023, q, out=q)
    q <<= 52
    power = q.view(np.float64)
    for part in term:
        np.multiply(part, power, out=part)
    return Tile(span, x, d, term, 0, where, rows)


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
        term = tile.term
        if wide:
            term = dd.scale(term, shift - tile.q)
        flat = term[0].reshape(-1)
        ones = flat[tile.peak]
        flat[tile.peak] = 0
        part = dd.total_positive(term, axis)
        flat[tile.peak] = ones
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
        beside = Value(dd.fast_two_sum(plain[0], -tail * plain[0]), 0, np.where(clipped, tail, tail * 8 * U))
        value = choose(exact & near, beside, value)
        alone = Value(plain, 0, np.where(exact, 0.0, DIVIDE))
        value = choose(block.scaled[0] == 0, alone, value)
    return value


def _softmax(block: Block, tile: Tile) -> Value:
    """e**-d / S: the radii of e**-d and 1 / S, and a product."""
    inverse, inverse_split, inverse_radius = block.inverse
    pair = dd.multiply(tile.term, inverse, inverse_split)
    radius = block.term_radius + inverse_radius + MULTIPLY
    if isinstance(tile.q, np.ndarray):
        radius = np.where(tile.d[0] > DEEPEST, np.inf, radius)
    return overwritten(Value(pair, minus(tile.q), radius), tile.peak, block.top, tile.rows)


def _lag(block: Block, d: Pair, peak: Array, rows: Array) -> Value:
    """d + L: L's radius and a sum; a power of two d beside a small L is known to the rounding of L itself.

    Of `add_same_sign`'s two roundings the first is below u (|d_lo| + |L_lo|), the second below u |lo|.
    """
    log = block.log_beside
    pair = dd.add_same_sign(d, log)
    radius = block.beside_radius + np.where(block.beside_error > 0, TAIL, 0.0) + ADD
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


Formula = Callable[[Block], Iterator[Value]]


def softmax(block: Block) -> Iterator[Value]:
    """e**-d / S."""
    for tile in block.tiles:
        yield _softmax(block, tile)


def log_softmax(block: Block) -> Iterator[Value]:
    """-(d + L)."""
    for tile in block.tiles:
        yield negated(_lag(block, tile.d, tile.peak, tile.rows))


def logsumexp(block: Block) -> Iterator[Value]:
    """m + L: L's error and that of the sum, over what is left of them; m = 0 leaves L."""
    pair, lost = dd.add_bounded(untailed(block.peak), block.log_beside)
    error = lost + block.log_beside[0] * block.beside_radius + block.beside_error
    usual = Value(pair, 0, relative(error, pair[0]))
    yield choose(block.peak == 0, Value(block.log, -block.log_shift, block.log_radius), usual)


def logsumexp_grad(block: Block) -> Iterator[Value]:
    """g p."""
    assert block.upstream is not None
    g = block.turned(block.upstream)
    for tile in block.tiles:
        yield times(_softmax(block, tile), g)


def _at_label(block: Block) -> Value:
    """d + L at the label."""
    return _lag(block, *_label(block))


def _label(block: Block) -> tuple[Pair, Array, Array]:
    """Return d at the label, and which rows' labels are at the maximum."""
    assert block.labels is not None
    index = block.labels.astype(np.int64).ravel()
    shape = block.ties.shape
    x = np.zeros(len(index))
    for tile in block.tiles:
        inside = np.flatnonzero((index >= tile.span.start) & (index < tile.span.stop))
        at = (inside, index[inside] - tile.span.start)
        x[inside] = tile.x[at if block.axis == 1 else at[::-1]]
    d = dd.two_sum(block.peak, -x.reshape(shape))
    peak = np.flatnonzero(d[0] == 0)
    return d, peak, peak


def sparse_xent(block: Block) -> Iterator[Value]:
    """d + L at the label."""
    yield _at_label(block)


def sparse_xent_grad(block: Block) -> Iterator[Value]:
    """g p, and at the label -g (1 - p).

    1 - p is (k - 1 + t) / S at the maximum: t's radius, twice a sum, S's and a division; else a difference in which p
    is at most 1/2.
    """
    assert block.labels is not None
    assert block.upstream is not None
    g = block.turned(block.upstream)
    d, _, _ = _label(block)
    inverse, inverse_split, inverse_radius = block.inverse
    clipped = np.minimum(d[0], DEEPEST)
    term, q = dd.exp_minus((clipped, np.where(d[0] > clipped, 0.0, d[1])))
    p = dd.scale(dd.multiply(term, inverse, inverse_split), -q)
    hidden = p[0] < TAIL
    p = either(hidden, untailed(np.full_like(clipped, TAIL)), p)
    left, lost = dd.add_bounded(untailed(np.ones_like(clipped)), dd.negative(p))
    p_error = np.where(hidden, TAIL, p[0] * (block.term_radius + inverse_radius + MULTIPLY))
    off_peak = Value(left, 0, relative(lost + p_error, left[0]))
    below = block.far & (block.ties == 1)
    others = either(below, block.scaled, dd.add(untailed(block.ties - 1), block.rest))
    rest_radius = np.where(block.scaled[0] == 0, 0.0, block.rest_radius)
    at_peak = Value(
        dd.divide(others, block.sum),
        np.where(below, -block.shift, 0),
        np.where(others[0] == 0, 0.0, 2 * (rest_radius + ADD) + DIVIDE),
    )
    tied = (block.scaled[0] == 0) & dd.power_of_two(block.ties)  # (k - 1) / k
    at_peak = replace(at_peak, radius=np.where(tied, 0.0, at_peak.radius))
    at_label = times(choose(d[0] == 0, at_peak, off_peak), -g)
    index = block.labels.astype(np.int64).ravel()
    for tile in block.tiles:
        inside = np.flatnonzero((index >= tile.span.start) & (index < tile.span.stop))
        column = index[inside] - tile.span.start
        width = tile.x.shape[1]
        at = inside * width + column if block.axis == 1 else column * width + inside
        yield overwritten(times(_softmax(block, tile), g), at, at_label, inside)


def _total(block: Block, parts: Iterator[tuple[Pair, Array | float]]) -> Sum:
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


def dense_xent(block: Block) -> Iterator[Value]:
    """sum z d + Z L: the products' errors and the sums', over what is left; Z L alone where the first is exactly 0."""
    labels = block.labels
    assert labels is not None
    z_sum = _total(block, ((untailed(block.turned(labels[:, tile.span])), 0.0) for tile in block.tiles))

    def products() -> Iterator[tuple[Pair, Array]]:
        for tile in block.tiles:
            product = dd.times(tile.d, block.turned(labels[:, tile.span]))
            yield product, TIMES * np.abs(product[0])

    weighted = _total(block, products())
    alone = multiplied(z_sum, Value(block.log, -block.log_shift, block.log_radius))
    curved = multiplied(z_sum, Value(block.log_beside, 0, block.beside_radius))
    size = np.abs(curved.pair[0])
    pair, lost = dd.add_bounded(weighted.pair, curved.pair)
    error = weighted.error + lost + np.where(size == 0, 0.0, size * curved.radius)
    error = (
        error
        + block.beside_error * np.abs(z_sum.pair[0])
        + np.where(size == 0, z_sum.error * (1 + block.log_beside[0]), 0.0)
    )
    bare = (weighted.pair[0] == 0) & (weighted.error == 0)
    yield choose(bare, alone, Value(pair, 0, relative(error, pair[0])))


def dense_xent_grad_labels(block: Block) -> Iterator[Value]:
    """g (d + L)."""
    assert block.upstream is not None
    g = block.turned(block.upstream)
    for tile in block.tiles:
        yield times(_lag(block, tile.d, tile.peak, tile.rows), g)


def dense_xent_grad(block: Block) -> Iterator[Value]:
    """g (Z p - z)."""
    labels, upstream = block.labels, block.upstream
    assert labels is not None
    assert upstream is not None
    g = -block.turned(upstream)
    for value in _excess(block, labels):
        yield times(value, g)


def log_softmax_grad(block: Block) -> Iterator[Value]:
    """g - p sum g."""
    assert block.upstream is not None
    yield from _excess(block, block.upstream)


def _excess(block: Block, given: Array) -> Iterator[Value]:
    """z - Z p, and at the maximum (z k - Z + z t) / S, whose start is mostly exact."""
    z_sum = _total(block, ((untailed(block.turned(given[:, tile.span])), 0.0) for tile in block.tiles))
    for tile in block.tiles:
        z = block.turned(given[:, tile.span])
        p = _softmax(block, tile)
        share = multiplied(z_sum, p)
        small = folded(share.pair, share.exponent)
        hidden = (np.abs(small[0]) < TAIL) & (share.pair[0] != 0)
        small = either(hidden, untailed(np.copysign(TAIL, share.pair[0])), small)
        pair, lost = dd.add_bounded(untailed(z), dd.negative(small))
        # Z p = 0 leaves z, but for an error of Z.
        none = small[0] == 0
        sure = relative(z_sum.error, z_sum.pair[0]) < UNKNOWN
        error = np.where(none, z_sum.error, np.abs(small[0]) * share.radius)
        error = lost + np.where(hidden, np.where(sure, TAIL, np.inf), error)
        usual = Value(pair, 0, relative(error, pair[0]))
        value = choose((z == 0) & ~none, negated(share), usual)
        if len(tile.rows):
            value = overwritten(
                value,
                tile.peak,
                _excess_at_peak(block, z_sum, z.reshape(-1)[tile.peak], tile.rows),
                np.arange(len(tile.rows)),
            )
        yield value


def _excess_at_peak(block: Block, z_sum: Sum, z: Array, rows: Array) -> Value:
    """(W + z t) / S with W = z k - Z; Z p alone where z is 0."""

    def at(a: Array) -> Array:
        return np.broadcast_to(a, block.ties.shape).ravel()[rows]

    k, total = at(block.ties), (at(z_sum.pair[0]), at(z_sum.pair[1]))
    t, scaled, shift = (
        (at(block.rest[0]), at(block.rest[1])),
        (at(block.scaled[0]), at(block.scaled[1])),
        at(block.shift),
    )
    t_radius = np.where(scaled[0] == 0, 0.0, at(block.rest_radius))
    whole, lost = dd.add_bounded(dd.two_prod(z, k), dd.negative(total))
    whole_error = lost + at(z_sum.error)
    none = (whole[0] == 0) & (whole_error == 0)
    part = dd.times(either(none, scaled, t), z)
    part_size = np.abs(part[0])
    top, lost = dd.add_bounded(whole, part)
    error = whole_error + lost + np.where(part_size == 0, 0.0, part_size * (t_radius + TIMES))
    error = error + np.where(at(block.far) & ~none, TAIL, 0.0)
    s = block.sum
    exact = (scaled[0] == 0) & dd.power_of_two(k)
    radius = relative(error, top[0]) + np.where(exact | (top[0] == 0), 0.0, t_radius + ADD + DIVIDE)
    usual = Value(dd.divide(top, (at(s[0]), at(s[1]))), np.where(none, -shift, 0), radius)
    p = Value((at(block.top.pair[0]), at(block.top.pair[1])), 0, at(block.top.radius))
    return choose((z == 0), negated(multiplied(Sum(total, at(z_sum.error)), p)), usual)


def softmax_grad(block: Block) -> Iterator[Value]:
    """p (a - D) with a = g - g at a maximum, D = sum a p = (sum a at the maximum + sum a e**-d below it) / S.

    D's error: each product's (e**-d, a product) and the sum's; then S and a division. a is exact.
    """
    upstream = block.upstream
    assert upstream is not None
    base = np.zeros_like(block.ties)
    for tile in block.tiles:
        base.reshape(-1)[tile.rows] = block.turned(upstream[:, tile.span]).reshape(-1)[tile.peak]

    def from_base(tile: Tile) -> Pair:
        return dd.two_sum(block.turned(upstream[:, tile.span]), -base)

    def at_peak() -> Iterator[tuple[Pair, float]]:
        for tile in block.tiles:
            a = from_base(tile)
            below = tile.d[0] != 0
            yield either(below, untailed(np.zeros_like(tile.x)), a), 0.0

    def below_it() -> Iterator[tuple[Pair, Array]]:
        for tile in block.tiles:
            term, a = tile.term, from_base(tile)
            lost: Array | float = 0.0
            if isinstance(tile.q, np.ndarray):
                term = dd.scale(term, block.shift - tile.q)
                lost = np.where((term[0] < 2.0**-800), np.abs(a[0]) * 2.0**-800, 0.0)
            product = dd.multiply(a, term)
            product = either(tile.d[0] == 0, untailed(np.zeros_like(tile.x)), product)
            yield product, np.abs(product[0]) * (block.term_radius + MULTIPLY) + lost

    peaks, others = _total(block, at_peak()), _total(block, below_it())
    none = (peaks.pair[0] == 0) & (peaks.error == 0)
    folded = dd.scale(others.pair, -block.shift)
    sum_all, lost = dd.add_bounded(peaks.pair, folded)
    sum_all = either(none, others.pair, sum_all)
    error = np.where(none, others.error, peaks.error + lost + others.error + np.where(block.shift > 0, TAIL, 0.0))
    error = np.where(np.isinf(block.rest_radius), np.inf, error)
    mean = dd.divide(sum_all, block.sum)
    mean_radius = relative(error, sum_all[0]) + np.where(sum_all[0] == 0, 0.0, block.rest_radius + ADD + DIVIDE)
    unit = np.frexp(mean[0])[1]
    mean = dd.scale(mean, -unit)
    unit = unit - np.where(none, block.shift, 0)
    beside = dd.scale(mean, unit)
    hidden = (np.abs(beside[0]) < TAIL) & (mean[0] != 0)
    sure = mean_radius < UNKNOWN  # of its sign
    beside = either(hidden, untailed(np.copysign(TAIL, mean[0])), beside)
    beside_error = np.where(beside[0] == 0, error, np.abs(beside[0]) * mean_radius)
    beside_error = np.where(hidden, np.where(sure, TAIL, np.inf), beside_error)
    for tile in block.tiles:
        a = from_base(tile)
        p = _softmax(block, tile)
        difference, lost = dd.add_bounded(a, dd.negative(beside))
        usual = Value(
            dd.multiply(p.pair, difference),
            p.exponent,
            np.where(
                (difference[0] == 0) & (lost + beside_error == 0),
                0.0,
                p.radius + relative(lost + beside_error, difference[0]) + MULTIPLY,
            ),
        )
        minus_mean = Value(
            dd.multiply(p.pair, dd.negative(mean)),
            p.exponent + unit,
            np.where((mean[0] == 0) & (mean_radius == 0), 0.0, p.radius + mean_radius + MULTIPLY),
        )
        yield choose(np.broadcast_to(a[0] == 0, tile.x.shape), minus_mean, usual)


BY_ROW: dict[tuple[str, Quantity], Formula] = {
    ("softmax", "value"): softmax,
    ("softmax", "grad_logits"): softmax_grad,
    ("log_softmax", "value"): log_softmax,
    ("log_softmax", "grad_logits"): log_softmax_grad,
    ("logsumexp", "value"): logsumexp,
    ("logsumexp", "grad_logits"): logsumexp_grad,
    ("sparse_xent", "value"): sparse_xent,
    ("sparse_xent", "grad_logits"): sparse_xent_grad,
    ("dense_xent", "value"): dense_xent,
    ("dense_xent", "grad_logits"): dense_xent_grad,
    ("dense_xent", "grad_labels"): dense_xent_grad_labels,
}
