"""The ops of whole rows in the fast tier: the formulas over a block of rows with its sums.

With m the largest logit, k the logits equal to it, d = m - x (exact), t the sum of the other e**-d: S = k + t and
L = log S, as in `reference.arbiter.rows`. First-order error terms follow each formula, with the constants of
`reference.fast.doubledouble`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from harness.model import Array, Quantity
from reference.fast import doubledouble as dd
from reference.fast import words
from reference.fast.sums import Block, Tile, lag, probability, row_sum
from reference.fast.values import (
    TAIL,
    Sum,
    Value,
    choose,
    either,
    folded,
    multiplied,
    negated,
    overwritten,
    relative,
    times,
    untailed,
)
from reference.fast.words import ADD, DEEPEST, DIVIDE, MULTIPLY, TIMES, UNKNOWN, Pair

Formula = Callable[[Block], Iterator[Value]]


def softmax(block: Block) -> Iterator[Value]:
    """e**-d / S."""
    for tile in block.tiles:
        yield probability(block, tile)


def log_softmax(block: Block) -> Iterator[Value]:
    """-(d + L)."""
    for tile in block.tiles:
        value = lag(block, tile.d, tile.peak, tile.rows)
        for part in value.pair:
            np.negative(part, out=part)
        yield value


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
        yield times(probability(block, tile), g)


def _at_label(block: Block) -> Value:
    """d + L at the label."""
    return lag(block, *_label(block))


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
    d = dd.difference(block.peak, x.reshape(shape))
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
    inverse, inverse_radius = block.inverse
    clipped = np.minimum(d[0], DEEPEST)
    term, q = dd.exp_minus((clipped, np.where(d[0] > clipped, 0.0, d[1])))
    p = dd.scale(dd.multiply(term, inverse), -q)
    hidden = p[0] < TAIL
    p = either(hidden, untailed(np.full_like(clipped, TAIL)), p)
    left, lost = dd.add_bounded(untailed(np.ones_like(clipped)), words.negative(p))
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
        yield overwritten(times(probability(block, tile), g), at, at_label, inside)


def dense_xent(block: Block) -> Iterator[Value]:
    """sum z d + Z L: the products' errors and the sums', over what is left; Z L alone where the first is exactly 0."""
    labels = block.labels
    assert labels is not None
    z_sum = row_sum(block, ((untailed(block.turned(labels[:, tile.span])), 0.0) for tile in block.tiles))

    def products() -> Iterator[tuple[Pair, Array]]:
        for tile in block.tiles:
            product = dd.times(tile.d, block.turned(labels[:, tile.span]))
            yield product, TIMES * np.abs(product[0])

    weighted = row_sum(block, products())
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
        yield times(lag(block, tile.d, tile.peak, tile.rows), g)


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
    z_sum = row_sum(block, ((untailed(block.turned(given[:, tile.span])), 0.0) for tile in block.tiles))
    for tile in block.tiles:
        z = block.turned(given[:, tile.span])
        p = probability(block, tile)
        share = multiplied(z_sum, p)
        small = folded(share.pair, share.exponent)
        hidden = (np.abs(small[0]) < TAIL) & (share.pair[0] != 0)
        small = either(hidden, untailed(np.copysign(TAIL, share.pair[0])), small)
        pair, lost = dd.add_bounded(untailed(z), words.negative(small))
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
    whole, lost = dd.add_bounded(words.two_prod(z, k), words.negative(total))
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
        return dd.difference(block.turned(upstream[:, tile.span]), base)

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

    peaks, others = row_sum(block, at_peak()), row_sum(block, below_it())
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
        p = probability(block, tile)
        difference, lost = dd.add_bounded(a, words.negative(beside))
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
            dd.multiply(p.pair, words.negative(mean)),
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
