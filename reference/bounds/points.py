"""Error bounds of elementwise ops: sigmoid, log_sigmoid and the sigmoid cross-entropy.

All are made of e = e**-|x|, within `how.exp(|x|)` u: KE u, or, by powers of two, more the larger |x| is.

Of a focal loss (`reference.bounds.rows`), m is a sum of positive terms that are good to a relative (KE + 6) u; where it
is taken as 1 - p, it is off by 2 u absolute: that is class U, as of given probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from harness.model import Array, Quantity
from reference.bounds.terms import GAMMA, ROUNDINGS, Arithmetic, Formula, Part, Terms


def _tail(t: Terms, how: Arithmetic) -> tuple[Array, Array]:
    """Return log(1 + e), and the relative error of e in u, which is no less than that of log(1 + e) through e."""
    size = np.abs(t.x)
    return np.log1p(np.exp(-size)), how.exp(size)


def _sigma(t: Terms) -> tuple[Array, Array]:
    """Return sigmoid(x) and sigmoid(-x)."""
    e = np.exp(-np.abs(t.x))
    return np.where(t.x >= 0, 1.0, e) / (1 + e), np.where(t.x >= 0, e, 1.0) / (1 + e)


def _of_sigma(t: Terms, how: Arithmetic) -> Array:
    """The relative error of sigmoid(x) through e, in u: all of e's below 0, above it that of 1 + e, e / (1 + e) of it.

    With slope 0 it is counted in full everywhere.
    """
    size = np.abs(t.x)
    share = np.where(t.x >= 0, np.exp(-size), 1.0)
    return np.asarray(how.ke + how.slope * size * share)


def _sigmoid(t: Terms, how: Arithmetic) -> Array:
    """1 / (1 + e), or e / (1 + e) below 0."""
    return (_of_sigma(t, how) + 3) * how.u * _sigma(t)[0]


def _sigmoid_grad(t: Terms, how: Arithmetic) -> Array:
    """g s (1 - s): the difference loses sigmoid(-x) to absolute error u."""
    right, left = _sigma(t)
    ke = how.exp(np.abs(t.x) * np.where(t.x >= 0, left, 1.0))
    further = how.slope * np.abs(t.x) * left  # of sigmoid(-x), where it is taken by itself
    return how.u * np.abs(t.g) * right * ((ke + 3) * (right + left) + 3 * left + further)


def _log_sigmoid(t: Terms, how: Arithmetic) -> Array:
    """min(x, 0) - log1p(e)."""
    log, ke = _tail(t, how)
    return how.u * (np.maximum(-t.x, 0) + (1 + ke + how.kl) * log)


def _log_sigmoid_grad(t: Terms, how: Arithmetic) -> Array:
    """g sigmoid(-x), or g (1 - sigmoid(x)) at the price of an absolute error."""
    right, left = _sigma(t)
    ke = how.exp(np.abs(t.x))
    return how.u * np.abs(t.g) * ((ke + 4) * left + (how.ke + 3) * right)


def _sigmoid_xent(t: Terms, how: Arithmetic) -> Array:
    """q z softplus(-x) + (1 - z) softplus(x), both tails kept; unshifted: (1 - z) x + softplus(-x), which cancels."""
    log, ke = _tail(t, how)
    share = np.abs(t.q * t.z) + np.abs(1 - t.z)
    linear = np.where(t.x >= 0, np.abs(1 - t.z), np.abs(t.q * t.z)) * np.abs(t.x)
    product = np.abs(t.x * t.z) * ((t.z != 0) & (t.z != 1)) + np.abs(t.x) * abs(t.q - 1) * (t.z != 0)
    stable = 3 * linear + 2 * product + (3 + ke + how.kl) * share * log
    return how.u * (stable + 3 * np.abs(t.x) * how.unshifted)


def _sigmoid_xent_grad(t: Terms, how: Arithmetic) -> Array:
    """g ((1 - z) sigmoid(x) - q z sigmoid(-x)); the usual form s - z is good to an absolute u."""
    right, left = _sigma(t)
    ke = how.ke
    tail = how.slope * np.abs(t.x) * np.minimum(right, left)  # what e is off, in either
    parts = np.abs(1 - t.z) * right + np.abs(t.q * t.z) * left
    weighed = 1 + abs(t.q - 1) * np.abs(t.z)
    usual = right + np.abs(t.z) * (1 + abs(t.q - 1))
    through = tail * (np.abs(1 - t.z) + np.abs(t.q * t.z) + weighed)
    return how.u * np.abs(t.g) * ((ke + 4) * (parts + right * weighed) + usual + through)


def _sigmoid_xent_grad_labels(t: Terms, how: Arithmetic) -> Array:
    """g (q softplus(-x) - softplus(x)) = -g x at q = 1."""
    log, ke = _tail(t, how)
    return how.u * np.abs(t.g) * (3 * np.abs(t.x) * (1 + abs(t.q - 1)) + (3 + ke + how.kl) * abs(t.q - 1) * log)


@dataclass(frozen=True, eq=False)
class Point:
    """What a sigmoid's focal loss is made of: y and its two derivatives, m to the powers, and the factor a."""

    right: Array
    left: Array
    y: Part
    raised: Part
    less: Part
    factor: Array
    plain: Terms  # without an incoming gradient

    @classmethod
    def of(cls, t: Terms, how: Arithmetic) -> Self:
        """Compute them."""
        right, left = _sigma(t)
        other, gamma = np.abs(1 - t.z), float(t.options.get("gamma", GAMMA))
        plain = replace(t, g=np.ones_like(t.x))
        softplus = np.maximum(t.x, 0) + np.log1p(np.exp(-np.abs(t.x)))
        y = Part(np.abs(t.z) * (softplus - t.x) + other * softplus, _sigmoid_xent(plain, how))
        m = t.z * left + other * right
        off = how.u * ((how.exp(np.abs(t.x)) + 6) * m + 2.0 * how.unshifted)
        less = Part(m, off).raised(gamma - 1, how).scaled(gamma)
        alpha = t.options.get("alpha")
        factor = np.ones_like(t.x) if alpha is None else float(alpha) * t.z + (1 - float(alpha)) * other
        return cls(right, left, y, Part(m, off).raised(gamma, how), less, factor, plain)

    def tilt(self, spread: Array, how: Arithmetic) -> Part:
        """Return gamma m**(gamma - 1) times a derivative of m, of parts that size, times y."""
        return self.less.times(Part(spread, (how.exp(np.abs(self.plain.x)) + 6) * how.u * spread)).times(self.y)


def _sigmoid_focal(t: Terms, how: Arithmetic) -> Array:
    """A m**gamma y."""
    one = Point.of(t, how)
    return one.factor * one.raised.times(one.y).rounded(how, ROUNDINGS)


def _sigmoid_focal_grad(t: Terms, how: Arithmetic) -> Array:
    """g a (gamma m**(gamma - 1) m' y + m**gamma y')."""
    one = Point.of(t, how)
    tilt = one.tilt(one.right * one.left * (np.abs(t.z) + np.abs(1 - t.z)), how)
    slope = Part(np.abs(1 - t.z) * one.right + np.abs(t.z) * one.left, _sigmoid_xent_grad(one.plain, how))
    return np.abs(t.g) * one.factor * tilt.plus(one.raised.times(slope)).rounded(how, ROUNDINGS)


def _sigmoid_focal_grad_labels(t: Terms, how: Arithmetic) -> Array:
    """g (a' m**gamma y + a (gamma m**(gamma - 1) (sigmoid(-x) - sigmoid(x)) y - m**gamma x))."""
    one = Point.of(t, how)
    slope = Part(np.abs(t.x), _sigmoid_xent_grad_labels(one.plain, how))
    inner = one.tilt(one.right + one.left, how).plus(one.raised.times(slope)).scaled(one.factor)
    alpha = float(t.options.get("alpha", 0.5))
    outer = one.raised.times(one.y).scaled(max(alpha, 1 - alpha) if "alpha" in t.options else 0.0)
    return np.abs(t.g) * inner.plus(outer).rounded(how, ROUNDINGS)


def _bernoulli(t: Terms, how: Arithmetic) -> Array:
    """log(1 + e) + |x| e / (1 + e); unshifted: softplus(x) - x sigmoid(x), which cancels."""
    size = np.abs(t.x)
    e = np.exp(-size)
    parts = (how.exp(size) + how.kl + 3) * np.log1p(e) + (2 * how.exp(size) + 6) * size * e / (1 + e)
    return how.u * (parts + 4 * size * how.unshifted)


def _bernoulli_grad(t: Terms, how: Arithmetic) -> Array:
    """-g x sigmoid(x) sigmoid(-x), of which the last may be 1 - sigmoid(x); also as the slope of -p log p - q log q.

    Of that one each term has a slope of its own, whose sizes are p q times both logarithms, and twice p q.
    """
    plain = replace(t, g=np.ones_like(t.x))
    right, left = _sigma(t)
    logarithms = np.abs(t.x) + 2 * np.log1p(np.exp(-np.abs(t.x)))
    product = _sigmoid_grad(plain, how) + 3 * how.u * right * left
    terms = how.u * right * left * ((how.ke + how.kl + 6) * logarithms + 2 * (how.ke + 4))
    return np.abs(t.g) * (np.abs(t.x) * product + terms + 3 * how.u * right * how.unshifted)


BY_POINT: Mapping[tuple[str, Quantity], Formula] = {
    ("sigmoid", "value"): _sigmoid,
    ("sigmoid", "grad_logits"): _sigmoid_grad,
    ("log_sigmoid", "value"): _log_sigmoid,
    ("log_sigmoid", "grad_logits"): _log_sigmoid_grad,
    ("sigmoid_xent", "value"): _sigmoid_xent,
    ("sigmoid_xent", "grad_logits"): _sigmoid_xent_grad,
    ("sigmoid_xent", "grad_labels"): _sigmoid_xent_grad_labels,
    ("sigmoid_focal_xent", "value"): _sigmoid_focal,
    ("sigmoid_focal_xent", "grad_logits"): _sigmoid_focal_grad,
    ("sigmoid_focal_xent", "grad_labels"): _sigmoid_focal_grad_labels,
    ("bernoulli_entropy", "value"): _bernoulli,
    ("bernoulli_entropy", "grad_logits"): _bernoulli_grad,
}
