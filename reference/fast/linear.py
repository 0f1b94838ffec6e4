"""The loss of hidden states times a weight, and its gradients, in double-double: the logits are never rounded.

The logits x = h W^T + b are sums of exact products (`reference.fast.products`), each with an absolute error bound,
which is carried on. With m the largest of a row, d = m - x, t the sum of the other e**-d, S = 1 + t and L = log S:

    loss         sum z d + Z L
    G            g (Z p - z), the gradient with respect to the logits, p = e**-d / S
    grad_hidden  G W,   grad_weight  G^T h,   grad_bias  the sums of G over the rows

An error of d is one of e**-d, relative. Where the label is at m, p - 1 = -t / S, in which nothing cancels. Radii are
infinite where less than 2**-60 is certain; then the arbiter's turn has come, as everywhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.model import Array, Inputs, Op, Quantity
from reference.fast import doubledouble as dd
from reference.fast.answers import Answer
from reference.fast.products import against, product
from reference.fast.values import in_range, powers_at, relative, untailed
from reference.fast.words import DIVIDE, MULTIPLY, TIMES, UNKNOWN, UPWARDS, Pair, exp_radius, negative

RANGE = 200  # bits of |inputs| beyond which nothing is known
SHALLOW = 480 * float(np.log(2))  # d up to which e**-d is a normal number, and so are products with it
NEAR = 2.0**-40  # errors of d beyond which nothing is known


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of logits with their sums; arrays (rows, classes) or (rows, 1), errors absolute unless said otherwise."""

    drop: Pair  # d
    drop_error: Array
    term: Pair  # e**-d
    term_radius: Array  # relative
    peak: Array  # (rows,), the class of the largest logit
    rest: Pair  # t
    rest_error: Array
    log: Pair  # L
    log_error: Array


def answer(op: Op, quantity: Quantity, inputs: Inputs) -> Answer:
    """Answer every element; `reduction="sum"` is the one option that is understood, others leave all to the arbiter.

    labels: (rows,) of indices, or (rows, classes) in float64.
    """
    with np.errstate(all="ignore"):  # a bound that is nan counts as infinite
        rare = op.options.keys() - {"bias", "reduction"}
        parts = (inputs.logits, inputs.weight, inputs.bias, inputs.upstream)
        wide = [part.astype(np.float64) for part in parts if part is not None]
        if rare or not all(in_range(part, RANGE).all() for part in wide):
            like = inputs.like(quantity)
            nothing = np.zeros(like.shape)
            return Answer(nothing, nothing.copy(), np.zeros(like.shape, np.int64), np.full(like.shape, np.inf))
        kept = _kept(inputs)
        pair, error = _value(inputs, kept.rows) if quantity == "value" else _gradient(quantity, inputs, kept.of_logits)
    return _certain(pair, error)


@dataclass(frozen=True, eq=False)
class Kept:
    """What the quantities of a question share."""

    inputs: Inputs

    @cached_property
    def rows(self) -> Rows:
        """The logits' sums."""
        return _rows(self.inputs)

    @cached_property
    def of_logits(self) -> tuple[Pair, Array]:
        """G and its errors."""
        return _of_logits(self.inputs, self.rows)


LAST: dict[bytes, Kept] = {}  # of the question before, which is often that of another quantity


def _kept(inputs: Inputs) -> Kept:
    """Return what was kept of the same arrays, told by their bytes, or begin anew."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (inputs.logits, inputs.labels, inputs.upstream, inputs.weight, inputs.bias):
        if part is not None:
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    key = digest.digest()
    if key not in LAST:
        LAST.clear()
        LAST[key] = Kept(inputs)
    return LAST[key]


def _certain(pair: Pair, error: Array) -> Answer:
    """Make a relative radius of an error, infinite where too little is certain or the binade is not."""
    with np.errstate(all="ignore"):
        radius = relative(error * UPWARDS, pair[0])
        radius = np.where(radius <= UNKNOWN, radius, np.inf)
        powers = powers_at(pair[0])
        hi, lo, reach = (np.abs(part.ravel()[powers]) for part in (*pair, radius))
        radius.reshape(-1)[powers[(reach > 0) & ((hi == 0) | ~(lo >= reach * hi))]] = np.inf
    return Answer(*pair, np.zeros(pair[0].shape, np.int64), radius)


def _rows(inputs: Inputs) -> Rows:
    """Compute the logits' sums."""
    assert inputs.weight is not None
    x, x_error = product(*(untailed(part.astype(np.float64)) for part in (inputs.logits, inputs.weight)))
    if inputs.bias is not None:
        x, lost = dd.add_bounded(x, untailed(np.broadcast_to(inputs.bias.astype(np.float64), x[0].shape)))
        x_error = x_error + lost
    high = x[0].max(axis=1, keepdims=True)
    peak = np.where(x[0] == high, x[1], -np.inf).argmax(axis=1)
    here = np.arange(len(peak))
    top = x[0][here, peak][:, None], x[1][here, peak][:, None]
    drop, lost = dd.add_bounded((np.broadcast_to(top[0], x[0].shape), np.broadcast_to(top[1], x[0].shape)), negative(x))
    error = lost + x_error + x_error[here, peak][:, None]
    below = drop[0] < 0
    error = np.where(below, error - drop[0], error)
    drop = np.where(below, 0.0, drop[0]), np.where(below, 0.0, drop[1])
    error[here, peak] = 0.0
    error = np.where((drop[0] > SHALLOW) | (error > NEAR), np.inf, error)
    clipped = np.minimum(drop[0], SHALLOW)
    term = dd.exp_near((clipped, np.where(drop[0] > clipped, 0.0, drop[1])))
    radius = exp_radius(clipped) + error * (1 + 2 * NEAR)
    others = term[0].copy(), term[1].copy()
    others[0][here, peak], others[1][here, peak], radius[here, peak] = 0.0, 0.0, 0.0
    rest, lost = dd.total(others, 1)
    rest_error = lost + (others[0] * radius).sum(axis=1, keepdims=True) * UPWARDS
    log, log_radius = dd.log1p(rest)
    # d log(1 + t) is at most dt / t of it
    log_error = log[0] * (log_radius + relative(rest_error, rest[0]) * UPWARDS)
    alone = rest[0] == 0
    log_error = np.where(alone, rest_error, log_error)
    return Rows(drop, error, term, radius, peak, rest, rest_error, log, log_error)


def _indexed(inputs: Inputs) -> Array | None:
    """Return the labels as indices, where they are such."""
    assert inputs.labels is not None
    return inputs.labels if inputs.labels.ndim == 1 else None


def _value(inputs: Inputs, rows: Rows) -> tuple[Pair, Array]:
    """Return the losses, or their sum."""
    index = _indexed(inputs)
    if index is not None:
        at = np.arange(len(index)), index
        drop = rows.drop[0][at], rows.drop[1][at]
        pair, lost = dd.add_bounded(drop, (rows.log[0][:, 0], rows.log[1][:, 0]))
        error = lost + rows.drop_error[at] + rows.log_error[:, 0]
    else:
        z = np.asarray(inputs.labels, np.float64)
        weighted = dd.times(rows.drop, z)
        of_drops, lost = dd.total(weighted, 1)
        none = (z == 0) | (rows.drop[0] == 0)
        each = np.where(z == 0, 0.0, np.abs(z) * rows.drop_error) + np.where(none, 0.0, TIMES * np.abs(weighted[0]))
        z_sum, z_lost = dd.total(untailed(z), 1)
        of_log = dd.multiply(z_sum, rows.log)
        log_error = (np.abs(z_sum[0]) + z_lost) * rows.log_error + z_lost * rows.log[0] + MULTIPLY * np.abs(of_log[0])
        both, rounded = dd.add_bounded(of_drops, of_log)
        error = (lost + each.sum(axis=1, keepdims=True) + log_error + rounded)[:, 0]
        error = np.where((z == 0).all(axis=1), 0.0, error)
        pair = both[0][:, 0], both[1][:, 0]
    if inputs.upstream.ndim:
        return pair, error
    whole, lost = dd.total((pair[0][None], pair[1][None]), 1)
    return (whole[0].reshape(()), whole[1].reshape(())), np.asarray(lost.reshape(()) + error.sum() * UPWARDS)


def _of_logits(inputs: Inputs, rows: Rows) -> tuple[Pair, Array]:
    """Return G, and its absolute errors."""
    g = inputs.upstream.astype(np.float64)[:, None]
    one = untailed(np.ones_like(rows.rest[0]))
    whole = dd.add(one, rows.rest)
    sum_radius = rows.rest_error + DIVIDE
    p = dd.divide(rows.term, whole)
    p_error = np.where(rows.term[0] == 0, rows.term_radius, p[0] * (rows.term_radius + sum_radius + DIVIDE))
    index = _indexed(inputs)
    if index is not None:
        here = np.arange(len(index))
        at = here, index
        label = p[0][at], p[1][at]
        less, lost = dd.add_bounded(label, untailed(np.full(len(index), -1.0)))
        error = lost + p_error[at]
        left = dd.divide(rows.rest, whole)
        left_error = rows.rest_error + left[0] * (sum_radius + DIVIDE)
        top = rows.peak == index
        pair = p[0].copy(), p[1].copy()
        for part, of_label, of_peak in zip(pair, less, left, strict=True):
            part[at] = np.where(top, -of_peak[:, 0], of_label)
        p_error[at] = np.where(top, left_error[:, 0], error)
    else:
        z = np.asarray(inputs.labels, np.float64)
        z_sum, z_lost = dd.total(untailed(z), 1)
        share = dd.multiply((np.broadcast_to(z_sum[0], p[0].shape), np.broadcast_to(z_sum[1], p[0].shape)), p)
        pair, lost = dd.add_bounded(share, untailed(-z))
        p_error = lost + np.abs(z_sum[0]) * p_error + z_lost * p[0] + MULTIPLY * np.abs(share[0])
    scaled = dd.times(pair, np.broadcast_to(g, p[0].shape))
    error = np.where(g == 0, 0.0, np.abs(g) * p_error + TIMES * np.abs(scaled[0]))
    return scaled, error * UPWARDS


def _gradient(quantity: Quantity, inputs: Inputs, given: tuple[Pair, Array]) -> tuple[Pair, Array]:
    """Multiply G by what its gradient is of."""
    of_logits, error = given
    if quantity == "grad_bias":
        pair, lost = dd.total(of_logits, 0)
        return (pair[0][0], pair[1][0]), lost[0] + error.sum(axis=0) * UPWARDS
    assert inputs.weight is not None
    if quantity == "grad_hidden":
        other = np.ascontiguousarray(inputs.weight.astype(np.float64).T)
    else:
        other = np.ascontiguousarray(inputs.logits.astype(np.float64).T)
        of_logits = np.ascontiguousarray(of_logits[0].T), np.ascontiguousarray(of_logits[1].T)
        error = np.ascontiguousarray(error.T)
    pair, bound = product(of_logits, untailed(other))
    return pair, bound + against(error, other)
