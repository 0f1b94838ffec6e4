"""Error bounds of ops over rows: softmax, log_softmax, logsumexp and the losses made of them.

In the rows of `reference.bounds.heights.exact` sums cost nothing, and where S is a power of two neither do quotients by
it and products with p; `Terms` holds what is left.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.model import Array, Quantity
from reference.bounds.terms import Arithmetic, Formula, Terms


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
}
