"""The elementwise ops in the fast tier: with e = e**-|x| and L = log(1 + e), as in `reference.arbiter.rows`.

First-order error terms follow each formula, with the constants of `reference.fast.doubledouble`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from harness.model import Array, Quantity
from reference.fast import doubledouble as dd
from reference.fast import words
from reference.fast.values import (
    TAIL,
    TINY,
    Exponent,
    Mask,
    Sum,
    Value,
    choose,
    either,
    minus,
    multiplied,
    negated,
    relative,
    times,
    untailed,
)
from reference.fast.words import ADD, DEEPEST, DIVIDE, MULTIPLY, Pair, U


@dataclass(frozen=True, eq=False)
class Point:
    """Logits of an elementwise op, with e = e**-|x| and L = log(1 + e)."""

    x: Array
    size: Array  # |x|
    term: Pair  # e 2**q
    q: Exponent
    beside: Pair  # e, or TAIL for one that is below it
    hidden: Mask  # where it is
    term_radius: Array
    log: Value
    log_beside: Pair
    log_beside_error: Array
    z: Array
    g: Array
    q_weight: float


def point_of(x: Array, z: Array, g: Array, q_weight: float) -> Point:
    """Compute what the formulas share; labels z, gradients g and the positive weight, each in range."""
    size = np.abs(x)
    deep = size > DEEPEST
    term, q = dd.exp_minus(untailed(np.where(deep, DEEPEST, size)))
    radius = np.where(deep, np.inf, np.where(size == 0, 0.0, words.exp_radius(np.minimum(size, DEEPEST))))
    e = dd.scale(term, -q)
    low = e[0] < TAIL
    beside = either(low, untailed(np.full_like(e[0], TAIL)), e)
    log, log_radius = dd.log1p(beside)
    # |d log(1 + e)| <= de / (1 + e), relative to log(1 + e) at most e's radius; far below 1, log(1 + e) is e.
    far = q > 400
    value = Value(either(far, term, log), np.where(far, -q, 0), np.where(far, radius + TAIL, radius + log_radius))
    log_beside = either(low, untailed(beside[0]), log)
    error = np.where(low, TAIL, log[0] * np.where(deep, 0.0, radius + log_radius))
    return Point(x, size, term, q, beside, low, radius, value, log_beside, error, z, g, q_weight)


def _over_one_and_e(point: Point, large: Pair, small: Pair) -> Value:
    """(large + small e) / (1 + e), large and small exact.

    In general: e's error in both, a product, a sum, a sum and a division. Exact halves at x = 0. Where large is 0 the
    exponent of e goes to the result. For e < 2**-60 and a large that is not 0 this is
    large + (small - large) e / (1 + e), with a tail off by e itself and three roundings, charged 8 u. For |x| < 2**-60
    it is (large + small) / 2 + (large - small) tanh(|x| / 2) / 2, with tanh(|x| / 2) = |x| / 2 to x**2 / 12 and its
    roundings, charged 8 u.
    """
    ones = np.ones_like(point.size)
    at_zero = point.size == 0
    none = large[0] == 0
    product = dd.multiply(small, point.beside)
    size = np.abs(product[0])
    top, lost = dd.add_bounded(large, product)
    near_radius = np.where(np.isinf(point.term_radius), 0.0, point.term_radius)
    error = lost + np.where(at_zero, 0.0, size * (near_radius + MULTIPLY))
    below = dd.add(untailed(ones), point.beside)
    rounded = np.where(at_zero, 0.0, near_radius + ADD + DIVIDE)
    usual = Value(dd.divide(top, below), 0, relative(error, top[0]) + np.where(top[0] == 0, 0.0, rounded))
    alone = Value(
        dd.divide(dd.multiply(small, point.term), below),
        -point.q,
        np.where(small[0] == 0, 0.0, point.term_radius + MULTIPLY + rounded),
    )
    step = small[0] - large[0]
    tail = step * point.beside[0]
    lows = np.abs(small[1]) + np.abs(large[1])
    tail_error = np.abs(tail) * np.where(point.hidden, 1.0, 8 * U) + 2 * (lows * point.beside[0])
    tail_error = tail_error + np.where(large[1] == 0, 0.0, U * np.abs(large[1] + tail))
    tiny = Value(words.fast_two_sum(large[0], large[1] + tail), 0, relative(tail_error, large[0]))
    exact_half = at_zero & (small[1] == 0) & none
    alone = replace(alone, radius=np.where(exact_half, 0.0, alone.radius))
    value = choose(none, alone, choose(point.beside[0] < TINY, tiny, usual))
    flat = (point.size < TINY) & ~at_zero
    if flat.any():
        middle, lost = dd.add_bounded(large, small)
        slope = -0.25 * step * point.size
        pair, lost_too = dd.add_bounded((0.5 * middle[0], 0.5 * middle[1]), untailed(slope))
        error = lost + lost_too + np.abs(slope) * 8 * U + lows * point.size
        value = choose(flat, Value(pair, 0, relative(error, pair[0])), value)
    return value


def _const(point: Point, value: float) -> Pair:
    return untailed(np.full_like(point.size, value))


def _sigmoid(point: Point, sign: float) -> Value:
    """sigmoid(sign x)."""
    right = (point.x >= 0) if sign > 0 else (point.x < 0)
    one, zero = _const(point, 1.0), _const(point, 0.0)
    return _over_one_and_e(point, either(right, one, zero), either(right, zero, one))


def sigmoid(point: Point) -> Value:
    """1 / (1 + e), or e / (1 + e) for a negative x."""
    return _sigmoid(point, 1.0)


def sigmoid_grad(point: Point) -> Value:
    """g e / (1 + e)**2: e's error three times, a sum and a division twice."""
    below = dd.add(_const(point, 1.0), point.beside)
    once = dd.divide(point.term, below)
    radius = np.where(point.size == 0, 0.0, 3 * point.term_radius + 2 * (ADD + DIVIDE))
    return times(Value(dd.divide(once, below), minus(point.q), radius), point.g)


def log_sigmoid(point: Point) -> Value:
    """-L, or -(|x| + L) for a negative x: L's error and the sum's."""
    pair, lost = dd.add_bounded(untailed(point.size), point.log_beside)
    beyond = Value(pair, 0, (lost + point.log_beside_error) / pair[0])
    return negated(choose(point.x >= 0, point.log, beyond))


def log_sigmoid_grad(point: Point) -> Value:
    """g sigmoid(-x)."""
    return times(_flip_zero(point, _sigmoid(point, -1.0)), point.g)


def _flip_zero(point: Point, value: Value) -> Value:
    """Keep 1/2 exact at x = 0, from either side."""
    half = Value(_const(point, 0.5), 0, np.zeros_like(point.size))
    return choose(point.size == 0, half, value)


def _weights(point: Point) -> tuple[Pair, Pair]:
    """Return q z and 1 - z, exactly."""
    return words.two_prod(point.z, np.full_like(point.z, point.q_weight)), dd.two_sum(np.ones_like(point.z), -point.z)


def _line_and_curve(point: Point, linear: Value, weight: Pair, weight_error: Array) -> Value:
    """linear + weight L: each one's error and the sum's, over what is left; weight L alone beside an exact 0."""
    sum_ = Sum(weight, weight_error)
    alone = multiplied(sum_, point.log)
    curved = dd.multiply(weight, point.log_beside)
    pair, lost = dd.add_bounded(linear.pair, curved)
    size = np.abs(weight[0])
    exact = dd.power_of_two(weight[0]) & (weight[1] == 0)
    error = lost + size * point.log_beside_error + np.where(exact, 0.0, np.abs(curved[0]) * MULTIPLY)
    error = error + weight_error * point.log_beside[0] * 2 + np.abs(linear.pair[0]) * linear.radius
    none = (linear.pair[0] == 0) & (linear.radius == 0)
    return choose(none, alone, Value(pair, 0, relative(error, pair[0])))


def sigmoid_xent(point: Point) -> Value:
    """q z softplus(-x) + (1 - z) softplus(x): |x| times the weight on its side, and both weights times L."""
    weight, other = _weights(point)
    linear = times(Value(either(point.x >= 0, other, weight), 0, np.zeros_like(point.x)), point.size)
    both, lost = dd.add_bounded(weight, other)
    return _line_and_curve(point, linear, both, lost)


def sigmoid_xent_grad(point: Point) -> Value:
    """g ((1 - z) sigmoid(x) - q z sigmoid(-x)), over the one denominator 1 + e."""
    weight, other = _weights(point)
    weight = words.negative(weight)
    right = point.x >= 0
    return times(_over_one_and_e(point, either(right, other, weight), either(right, weight, other)), point.g)


def sigmoid_xent_grad_labels(point: Point) -> Value:
    """g (q softplus(-x) - softplus(x)): -g x, or -g q x for a negative x, and g (q - 1) L."""
    q = np.where(point.x >= 0, -1.0, point.q_weight)
    linear = Value(words.two_prod(point.size, q), 0, np.zeros_like(point.x))
    less = dd.two_sum(np.full_like(point.x, point.q_weight), np.full_like(point.x, -1.0))
    value = _line_and_curve(point, linear, less, np.zeros_like(point.x))
    return times(value, point.g)


BY_POINT: dict[tuple[str, Quantity], Callable[[Point], Value]] = {
    ("sigmoid", "value"): sigmoid,
    ("sigmoid", "grad_logits"): sigmoid_grad,
    ("log_sigmoid", "value"): log_sigmoid,
    ("log_sigmoid", "grad_logits"): log_sigmoid_grad,
    ("sigmoid_xent", "value"): sigmoid_xent,
    ("sigmoid_xent", "grad_logits"): sigmoid_xent_grad,
    ("sigmoid_xent", "grad_labels"): sigmoid_xent_grad_labels,
}
