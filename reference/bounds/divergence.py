"""Error bounds of the entropy of logits, and of the terms of a Kullback-Leibler divergence.

Entropy is sum p y with y = -log p: each p's error times y, each y's times p, a product, and the height of the sum. Its
gradient p (y - H) is allowed what automatic differentiation adds, the sum of the p that is 1 but for its error.
A term z (log z - x) is allowed to be taken as z log z - z x: each part's roundings, whatever they leave of each other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.model import Array, Quantity
from reference.bounds.rows import log_softmax_error, softmax_error
from reference.bounds.terms import Arithmetic, Formula, Terms


def _entropy(t: Terms, how: Arithmetic) -> Array:
    """Sum p y."""
    y = t.d + t.l
    each = softmax_error(t, how) * y + t.p * log_softmax_error(t, how) + how.u * (t.height + 1) * t.p * y
    return np.asarray(t.total(each)[:, 0])


def _entropy_grad(t: Terms, how: Arithmetic) -> Array:
    """g p (y - H)."""
    y, of_sum = t.d + t.l, _entropy(t, how)[:, None]
    mean = t.total(t.p * y)
    tilt = softmax_error(t, how) * np.abs(y - mean)
    parts = t.p * (log_softmax_error(t, how) + of_sum + how.u * (4 * (y + mean) + 2 * how.sum(t)))
    return np.abs(t.g) * (tilt + parts)


def _log(z: Array) -> Array:
    return np.abs(np.log(np.where(z > 0, z, 1.0)))


def _term(t: Terms, how: Arithmetic) -> Array:
    """z (log z - x)."""
    return how.u * np.abs(t.z) * ((how.kl + 2) * _log(t.z) + 2 * np.abs(t.x))


def _term_grad(t: Terms, how: Arithmetic) -> Array:
    """-g z."""
    return how.u * np.abs(t.g * t.z)


def _term_grad_labels(t: Terms, how: Arithmetic) -> Array:
    """g (log z + 1 - x)."""
    return how.u * np.abs(t.g) * ((how.kl + 3) * _log(t.z) + 3 + 3 * np.abs(t.x))


DIVERGENCE: Mapping[tuple[str, Quantity], Formula] = {
    ("entropy", "value"): _entropy,
    ("entropy", "grad_logits"): _entropy_grad,
    ("kl_div", "value"): _term,
    ("kl_div", "grad_logits"): _term_grad,
    ("kl_div", "grad_labels"): _term_grad_labels,
}
