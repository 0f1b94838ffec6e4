"""The elementwise ops and their gradients, by balls, from one exponential and one logarithm of each logit.

Formulas: z a label, g the incoming gradient, q the positive weight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from harness.model import Quantity
from reference.arbiter import ball
from reference.arbiter.ball import ONE, ZERO, Ball, add, divide, integer, multiply, negative, quotient, subtract


@dataclass(frozen=True, slots=True)
class Point:
    """One logit of an elementwise op: e = e**-|x| and L = log(1 + e)."""

    size: Ball  # |x|
    positive: bool  # x >= 0
    term: Ball  # e
    log: Ball  # L
    bits: int


@lru_cache(maxsize=1 << 15)
def point_of(x: float, bits: int) -> Point:
    """Compute an elementwise op's exponential and logarithm at a working precision."""
    size = ball.exact(abs(x))
    term = ball.exp(negative(size), bits)
    log = ball.log(integer(2), bits) if x == 0 else ball.log1p(term, bits)
    return Point(size, x >= 0, term, log, bits)


PointFormula = Callable[[Point, float, float, float], Ball]


def _over_one_and_e(point: Point, whole: Ball, times_e: Ball) -> Ball:
    """(whole + times_e e) / (1 + e)."""
    return quotient(whole, multiply(times_e, point.term, point.bits), ONE, point.term, point.bits)


def sigmoid(point: Point, _z: float, _g: float, _q: float) -> Ball:
    """1 / (1 + e), or e / (1 + e) for a negative x."""
    return _over_one_and_e(point, *((ONE, ZERO) if point.positive else (ZERO, ONE)))


def sigmoid_grad(point: Point, _z: float, g: float, _q: float) -> Ball:
    """g e / (1 + e)**2."""
    one_and = add(ONE, point.term, point.bits)
    top = multiply(ball.exact(g), point.term, point.bits)
    return divide(top, multiply(one_and, one_and, point.bits), point.bits)


def log_sigmoid(point: Point, _z: float, _g: float, _q: float) -> Ball:
    """-softplus(-x) = min(x, 0) - L."""
    return negative(point.log if point.positive else add(point.size, point.log, point.bits))


def log_sigmoid_grad(point: Point, _z: float, g: float, _q: float) -> Ball:
    """g sigmoid(-x)."""
    share = ball.exact(g)
    return _over_one_and_e(point, *((ZERO, share) if point.positive else (share, ZERO)))


def sigmoid_xent(point: Point, z: float, _g: float, q: float) -> Ball:
    """q z softplus(-x) + (1 - z) softplus(x): |x| times the weight on its side, and both weights times L."""
    weight, other = _weights(z, q, point.bits)
    linear = multiply(other if point.positive else weight, point.size, point.bits)
    return add(linear, multiply(add(weight, other, point.bits), point.log, point.bits), point.bits)


def sigmoid_xent_grad(point: Point, z: float, g: float, q: float) -> Ball:
    """g ((1 - z) sigmoid(x) - q z sigmoid(-x)), over the one denominator 1 + e."""
    weight, other = _weights(z, q, point.bits)
    large, small = (other, negative(weight)) if point.positive else (negative(weight), other)
    up = ball.exact(g)
    return _over_one_and_e(point, multiply(up, large, point.bits), multiply(up, small, point.bits))


def sigmoid_xent_grad_labels(point: Point, _z: float, g: float, q: float) -> Ball:
    """g (q softplus(-x) - softplus(x)): -g x, or -g q x for a negative x, and g (q - 1) L."""
    up, weight = ball.exact(g), ball.exact(q)
    linear = negative(point.size) if point.positive else multiply(weight, point.size, point.bits)
    curved = multiply(subtract(weight, ONE, point.bits), point.log, point.bits)
    return multiply(up, add(linear, curved, point.bits), point.bits)


@lru_cache(maxsize=1 << 16)  # a value and its gradients share their labels
def _weights(z: float, q: float, bits: int) -> tuple[Ball, Ball]:
    """Return q z and 1 - z, exactly."""
    label = ball.exact(z)
    return multiply(ball.exact(q), label, bits), subtract(ONE, label, bits)


BY_POINT: dict[tuple[str, Quantity], PointFormula] = {
    ("sigmoid", "value"): sigmoid,
    ("sigmoid", "grad_logits"): sigmoid_grad,
    ("log_sigmoid", "value"): log_sigmoid,
    ("log_sigmoid", "grad_logits"): log_sigmoid_grad,
    ("sigmoid_xent", "value"): sigmoid_xent,
    ("sigmoid_xent", "grad_logits"): sigmoid_xent_grad,
    ("sigmoid_xent", "grad_labels"): sigmoid_xent_grad_labels,
}
