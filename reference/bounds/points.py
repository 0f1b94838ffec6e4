"""Error bounds of elementwise ops: sigmoid, log_sigmoid and the sigmoid cross-entropy.

All are made of e = e**-|x|, within `how.exp(|x|)` u: KE u, or, by powers of two, more the larger |x| is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.model import Array, Quantity
from reference.bounds.terms import Arithmetic, Formula, Terms


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


BY_POINT: Mapping[tuple[str, Quantity], Formula] = {
    ("sigmoid", "value"): _sigmoid,
    ("sigmoid", "grad_logits"): _sigmoid_grad,
    ("log_sigmoid", "value"): _log_sigmoid,
    ("log_sigmoid", "grad_logits"): _log_sigmoid_grad,
    ("sigmoid_xent", "value"): _sigmoid_xent,
    ("sigmoid_xent", "grad_logits"): _sigmoid_xent_grad,
    ("sigmoid_xent", "grad_labels"): _sigmoid_xent_grad_labels,
}
