"""Error bounds of ops over rows: softmax, log_softmax, logsumexp and the losses made of them.

In the rows of `reference.bounds.heights.exact` sums cost nothing, and where S is a power of two neither do quotients by
it and products with p; `Terms` holds what is left.

Losses that are a cross-entropy times, or plus, a function of the probability. With p, y = -log p and m = 1 - p, of the
bounds E_p and E_y, a sound m is the sum of the other classes' probabilities, -expm1(-y) or 1 - p, so it is off by

    E_m = E_p + p E_y + (KE + 2) u m.

m**gamma is off by (m + E_m)**gamma - m**gamma, which is told without a derivative, because a small m may be off by all
of itself; and by a relative rho = (KE + gamma (KL + 3) |log m|) u, because a power may be taken by way of a logarithm,
whose error gamma multiplies. Each product costs a u of what it is applied to.

Gradients: the parts p sum z f' and z f' are each made of rounded products, at most ROUNDINGS of them, whatever way the
derivative is taken: through y, or through p with a quotient by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from harness.model import FORMATS, Array, Op, Quantity
from reference.bounds.terms import EPSILON, GAMMA, ROUNDINGS, Arithmetic, Formula, Groups, Part, Terms, grouped

SPARSE = Op.of("sparse_xent")


def _log_sum(t: Terms, how: Arithmetic) -> Array:
    """Error of log S, or of logsumexp in the unshifted final form, in absolute terms."""
    return how.u * (how.kl * t.l + how.sum(t) + (1 + how.kl) * np.abs(t.lse) * how.unshifted)


def _log_softmax(t: Terms, how: Arithmetic) -> Array:
    """x - m - log S: u (d + |y|) for the two differences, and the error of log S."""
    return how.u * (2 * t.d + t.l) + _log_sum(t, how)  # |y| + d = 2 d + l


def _softmax(t: Terms, how: Arithmetic) -> Array:
    """e**-d / S, or times 1 / S; exp(log_softmax) unshifted, and in exact rows."""
    relative = _quotient(t, how)
    either = (t.exact & (t.d == 0)) | how.unshifted
    if either.any():
        relative = np.where(either, np.maximum(relative, _exponential(t, how)), relative)
    return _times(t.p, relative)


def _quotient(t: Terms, how: Arithmetic) -> Array:
    """The relative error of e**-d / S: two roundings of the quotient; with e**0 = 1 there is one, or none."""
    rounded = np.where(t.exact & (t.d == 0), t.divided, 2.0)
    return how.u * (t.d + how.terms(t) + how.sum(t) + rounded)


def _exponential(t: Terms, how: Arithmetic) -> Array:
    """The relative error of exp(log_softmax)."""
    alone = t.exact & (t.ties == 1) & (t.d == 0)  # log k = 0
    return _log_softmax(t, how) + how.u * np.where(alone, how.zero, how.exp(t.d + t.l))


def _softmax_in_gradient(t: Terms, how: Arithmetic) -> Array:
    """Gradients take p as the quotient or as exp(log_softmax)."""
    return _times(t.p, np.maximum(_quotient(t, how), _exponential(t, how)))


def _times(p: Array, relative: Array) -> Array:
    return np.where(p > 0, p * np.where(p > 0, relative, 0.0), 0.0)


def _softmax_grad(t: Terms, how: Arithmetic) -> Array:
    """p (g - D) with D = sum g p; three roundings on each of its two parts."""
    e_p = _softmax(t, how)
    mean = t.total(t.g * t.p)
    e_mean = t.total(np.abs(t.g) * (e_p + how.u * (t.height_mean + t.divided) * t.p))
    rounded = 3 * how.u * t.divided * (np.abs(t.g) + np.abs(mean))
    return np.abs(t.g - mean) * e_p + t.p * (e_mean + rounded)


def _log_softmax_grad(t: Terms, how: Arithmetic) -> Array:
    """g - p G with G = sum g."""
    return _excess(t.g, t, how)


def _excess(z: Array, t: Terms, how: Arithmetic) -> Array:
    """z - p Z with Z = sum z: the softmax's error, that of the sum, two products and a difference."""
    z_sum = t.total(z)
    e_sum = how.u * t.height_given * t.total(np.abs(z))
    rounded = how.u * (2 * t.divided * np.abs(z_sum) * t.p + np.abs(z - t.p * z_sum))
    return np.abs(z_sum) * _softmax_in_gradient(t, how) + t.p * e_sum + rounded


def _loss_grad(t: Terms, how: Arithmetic) -> Array:
    """g (Z p - z), with one more product."""
    exact = np.abs(t.p * t.total(t.z) - t.z)
    products = np.where(t.z == 1, t.divided, 1.0) * np.abs(t.z) + t.divided * t.p
    return np.abs(t.g) * (_excess(t.z, t, how) + how.u * (exact + products))


def _sparse(t: Terms, how: Arithmetic) -> Array:
    """-log_softmax at the label."""
    return t.total(t.z * np.where(t.z > 0, _log_softmax(t, how), 0.0))[:, 0]


def _dense(t: Terms, how: Arithmetic) -> Array:
    """Sum z y with y = -log_softmax: each y's error, a product, and the height of the sum."""
    each = np.abs(t.z) * (_log_softmax(t, how) + how.u * (t.height_loss + 1) * (t.d + t.l))
    return t.total(np.where(t.z == 0, 0.0, each))[:, 0]


def _logsumexp(t: Terms, how: Arithmetic) -> Array:
    """m + log S."""
    return (how.u * np.abs(t.lse) + _log_sum(t, how))[:, 0]


def _logsumexp_grad(t: Terms, how: Arithmetic) -> Array:
    """g p."""
    return np.abs(t.g) * (_softmax_in_gradient(t, how) + how.u * t.divided * t.p)


def _dense_grad_labels(t: Terms, how: Arithmetic) -> Array:
    """-g log_softmax."""
    return np.abs(t.g) * (_log_softmax(t, how) + how.u * (t.d + t.l))


def _entropy(t: Terms, how: Arithmetic) -> Array:
    """Sum p y with y = -log_softmax: p's error times y, y's times p, a product, and the height of the sum."""
    y = t.d + t.l
    each = _softmax(t, how) * y + t.p * _log_softmax(t, how) + how.u * (t.height + 1) * t.p * y
    return np.asarray(t.total(each)[:, 0])


def _entropy_grad(t: Terms, how: Arithmetic) -> Array:
    """g p (y - H), with what automatic differentiation adds: the sum of the p, which is 1 but for its error."""
    y, of_sum = t.d + t.l, _entropy(t, how)[:, None]
    mean = t.total(t.p * y)
    tilt = _softmax(t, how) * np.abs(y - mean)
    parts = t.p * (_log_softmax(t, how) + of_sum + how.u * (4 * (y + mean) + 2 * how.sum(t)))
    return np.abs(t.g) * (tilt + parts)


@dataclass(frozen=True, eq=False)
class Shares:
    """What losses of a row are made of."""

    p: Part
    y: Part
    m: Part

    @classmethod
    def of(cls, t: Terms, how: Arithmetic) -> Self:
        """Take them from the logits' own bounds."""
        y = Part(t.d + t.l, _log_softmax(t, how))
        p = Part(t.p, _softmax_in_gradient(t, how))
        m = -np.expm1(-y.size)
        return cls(p, y, Part(m, p.off + p.size * y.off + (how.ke + 2) * how.u * m))


@dataclass(frozen=True, eq=False)
class Shape:
    """A class's f, and its f'."""

    f: Part
    slope: Part


def _focal(t: Terms, how: Arithmetic) -> Shape:
    shares, gamma = Shares.of(t, how), float(t.options.get("gamma", GAMMA))
    alpha = float(t.options.get("alpha", 1.0))
    raised, less = shares.m.raised(gamma, how), shares.m.raised(gamma - 1, how)
    slope = raised.plus(less.times(shares.p.times(shares.y)).scaled(gamma))
    return Shape(raised.times(shares.y).scaled(alpha), slope.scaled(alpha))


def _poly(t: Terms, how: Arithmetic) -> Shape:
    shares, epsilon = Shares.of(t, how), abs(float(t.options.get("epsilon", EPSILON)))
    one = Part(np.ones_like(t.p), np.zeros_like(t.p))
    return Shape(shares.y.plus(shares.m.scaled(epsilon)), one.plus(shares.p.scaled(epsilon)))


Shaped = Callable[[Terms, Arithmetic], Shape]


def _shaped_value(shaped: Shaped) -> Formula:
    """Sum z f."""

    def value(t: Terms, how: Arithmetic) -> Array:
        """Sum z f: the error of f, of each product, and of the sum."""
        each = np.abs(t.z) * shaped(t, how).f.rounded(how, ROUNDINGS + t.height_loss)
        return np.asarray(t.total(np.where(t.z == 0, 0.0, each))[:, 0])

    return value


def _shaped_grad(shaped: Shaped) -> Formula:
    """g (p sum z f' - z f')."""

    def gradient(t: Terms, how: Arithmetic) -> Array:
        """g (p sum z f' - z f'): the errors of f' and p, of the sum, and of the difference."""
        slope = shaped(t, how).slope
        own = slope.scaled(np.abs(t.z))
        whole = Part(t.total(own.size), t.total(own.off + t.height_loss * how.u * own.size))
        both = Part(t.p, _softmax_in_gradient(t, how)).times(whole).plus(own)
        return np.abs(t.g) * both.rounded(how, ROUNDINGS)

    return gradient


def _shaped_grad_labels(shaped: Shaped) -> Formula:
    """g f."""

    def gradient(t: Terms, how: Arithmetic) -> Array:
        """g f: the error of f and a product."""
        return np.abs(t.g) * shaped(t, how).f.rounded(how, ROUNDINGS)

    return gradient


def _steps(t: Terms) -> tuple[Terms, Terms, Array]:
    """Return the terms of the head and of the tail, and which rows have a label in the tail, (rows, 1).

    Heights are those of rows that are not exact, unless float64 has them so.
    """
    half = t.x.shape[1] // 2
    in_tail = t.z[:, half:].any(axis=1, keepdims=True).astype(float)
    head = np.concatenate([t.x[:, :half], np.zeros((len(t.x), 1))], axis=1)
    parts = []
    for x, z in ((head, np.concatenate([t.z[:, :half], in_tail], axis=1)), (t.x[:, half:], t.z[:, half:])):
        groups = Groups(x, z, t.g, np.ones(1), x.shape[1])
        parts.append(grouped(SPARSE, groups, FORMATS["float64"]))
    return parts[0], parts[1], in_tail


def _adaptive(t: Terms, how: Arithmetic) -> Array:
    """The losses of both steps, and their sum."""
    head, tail, in_tail = _steps(t)
    losses = [step.total(step.z * (step.d + step.l))[:, 0] for step in (head, tail)]
    off = _sparse(head, how) + in_tail[:, 0] * _sparse(tail, how)
    return np.asarray(off + how.u * (losses[0] + losses[1]))


def _adaptive_grad(t: Terms, how: Arithmetic) -> Array:
    """The gradients of both; a class is in one of them."""
    head, tail, in_tail = _steps(t)
    return np.concatenate([_loss_grad(head, how)[:, :-1], in_tail * _loss_grad(tail, how)], axis=1)


BY_ROW: Mapping[tuple[str, Quantity], Formula] = {
    ("softmax", "value"): _softmax,
    ("softmax", "grad_logits"): _softmax_grad,
    ("log_softmax", "value"): _log_softmax,
    ("log_softmax", "grad_logits"): _log_softmax_grad,
    ("logsumexp", "value"): _logsumexp,
    ("logsumexp", "grad_logits"): _logsumexp_grad,
    ("sparse_xent", "value"): _sparse,
    ("sparse_xent", "grad_logits"): _loss_grad,
    ("dense_xent", "value"): _dense,
    ("dense_xent", "grad_logits"): _loss_grad,
    ("dense_xent", "grad_labels"): _dense_grad_labels,
    ("entropy", "value"): _entropy,
    ("entropy", "grad_logits"): _entropy_grad,
    ("focal_xent", "value"): _shaped_value(_focal),
    ("focal_xent", "grad_logits"): _shaped_grad(_focal),
    ("focal_xent", "grad_labels"): _shaped_grad_labels(_focal),
    ("poly_xent", "value"): _shaped_value(_poly),
    ("poly_xent", "grad_logits"): _shaped_grad(_poly),
    ("poly_xent", "grad_labels"): _shaped_grad_labels(_poly),
    ("adaptive_xent", "value"): _adaptive,
    ("adaptive_xent", "grad_logits"): _adaptive_grad,
}
