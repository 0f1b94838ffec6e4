"""Error bounds of losses of given probabilities p, or of their logarithms: s(p) = -log p, s(1 - p) = -log(1 - p).

The p are exact numbers of the format, so a logarithm within KL u is as good as that, however near to 1 they lie: what
makes a loss of logits hard happened before. -log(1 - p) is as good by log1p(-p). Where 1 - p is rounded first, to
within u of it, its logarithm is off by u absolute, and a small p by all of it: that is class U. From p = 1/2 on, 1 - p
is exact (Sterbenz). Each product, quotient, sum and 1 - z costs a u of what it is applied to; gradients are allowed a
reciprocal and the product with it, and the two quotients whose difference they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.model import Array, Quantity
from reference.bounds.terms import KE, Arithmetic, Formula, Terms


def _surprise(t: Terms) -> Array:
    """s(p)."""
    return np.asarray(-np.log(t.x))


def _other(t: Terms, how: Arithmetic) -> tuple[Array, Array]:
    """Return s(1 - p), and its error in u."""
    size = -np.log1p(-t.x)
    rounded = np.where(t.x < 0.5, 1.0, 0.0) * how.unshifted
    return size, how.kl * size + rounded


def _row(t: Terms, how: Arithmetic) -> Array:
    """Sum z s(p): a logarithm, a product, and the height of the sum."""
    each = np.where(t.z == 0, 0.0, np.abs(t.z) * (how.kl + 1 + t.height_loss) * _surprise(t))
    return how.u * t.total(each)[:, 0]


def _picked(t: Terms, how: Arithmetic) -> Array:
    """s at the label: no sum."""
    return how.u * t.total(np.where(t.z == 0, 0.0, how.kl * _surprise(t)))[:, 0]


def _row_grad(t: Terms, how: Arithmetic) -> Array:
    """-g z / p: two products and a reciprocal."""
    return 3 * how.u * np.abs(t.g * t.z) / t.x


def _row_grad_labels(t: Terms, how: Arithmetic) -> Array:
    """g s(p)."""
    return (how.kl + 1) * how.u * np.abs(t.g) * _surprise(t)


def _binary(t: Terms, how: Arithmetic) -> Array:
    """z s(p) + (1 - z) s(1 - p)."""
    size, error = _other(t, how)
    yes = np.abs(t.z) * (how.kl + 2) * _surprise(t)
    return how.u * (yes + np.abs(1 - t.z) * (error + 3 * size))


def _binary_grad(t: Terms, how: Arithmetic) -> Array:
    """g ((1 - z) / (1 - p) - z / p): four roundings of either part, and of the first those of 1 - z and 1 - p."""
    return how.u * np.abs(t.g) * (4 * np.abs(t.z) / t.x + 6 * np.abs(1 - t.z) / (1 - t.x))


def _binary_grad_labels(t: Terms, how: Arithmetic) -> Array:
    """g (s(p) - s(1 - p))."""
    size, error = _other(t, how)
    return how.u * np.abs(t.g) * ((how.kl + 2) * _surprise(t) + error + 2 * size)


def _log(z: Array) -> Array:
    return np.abs(np.log(np.where(z > 0, z, 1.0)))


def _label(t: Terms) -> tuple[Array, Array, float]:
    """Return z, |log z| and the roundings of e**w, where labels are given as w = log z."""
    if t.options.get("log_target"):
        return np.exp(t.z), np.abs(t.z), KE
    return t.z, np.abs(np.log(np.where(t.z > 0, t.z, 1.0))), 0.0


def _term(t: Terms, how: Arithmetic) -> Array:
    """z (log z - x) of a divergence, also as z log z - z x: each part's roundings, whatever they leave; or a sum."""
    z, log, ke = _label(t)
    each = np.abs(z) * ((how.kl + 2 + ke) * log + (2 + ke) * np.abs(t.x))
    if "reduction" not in t.options:
        return how.u * each
    return how.u * t.total(each + t.height_loss * np.abs(z) * (log + np.abs(t.x)))[:, 0]


def _term_grad(t: Terms, how: Arithmetic) -> Array:
    """-g z."""
    z, _, ke = _label(t)
    return how.u * (1 + ke) * np.abs(t.g * z)


def _term_grad_labels(t: Terms, how: Arithmetic) -> Array:
    """g (log z + 1 - x), times z where labels are logarithms."""
    z, log, ke = _label(t)
    parts = (how.kl + 3 + ke) * log + (3 + ke) * (1 + np.abs(t.x))
    return how.u * np.abs(t.g) * parts * (np.abs(z) if ke else 1.0)


def _root(t: Terms, how: Arithmetic) -> tuple[Array, Array]:
    """Return the square root of p and what is off in it, in u: a power, also by way of exp(log p / 2)."""
    return np.sqrt(t.x), how.ke + (how.kl + 1) * _surprise(t) / 2


def _generalized(t: Terms, how: Arithmetic) -> Array:
    """(1 - p**q) / q at q = 1/2: a difference and a quotient."""
    root, off = _root(t, how)
    each = 2 * root * off + 2 * 2 * (1 - root)
    return how.u * t.total(np.where(t.z == 0, 0.0, each))[:, 0]


def _generalized_grad(t: Terms, how: Arithmetic) -> Array:
    """-g p**(q - 1), also as p**q / p, with three products."""
    root, off = _root(t, how)
    return how.u * np.abs(t.g * t.z) * (off + 4) / root


PROBABILITIES: Mapping[tuple[str, Quantity], Formula] = {
    ("sparse_prob_xent", "value"): _picked,
    ("sparse_prob_xent", "grad_logits"): _row_grad,
    ("dense_prob_xent", "value"): _row,
    ("dense_prob_xent", "grad_logits"): _row_grad,
    ("dense_prob_xent", "grad_labels"): _row_grad_labels,
    ("binary_prob_xent", "value"): _binary,
    ("binary_prob_xent", "grad_logits"): _binary_grad,
    ("binary_prob_xent", "grad_labels"): _binary_grad_labels,
    ("kl_div", "value"): _term,
    ("kl_div", "grad_logits"): _term_grad,
    ("kl_div", "grad_labels"): _term_grad_labels,
    ("generalized_prob_xent", "value"): _generalized,
    ("generalized_prob_xent", "grad_logits"): _generalized_grad,
}
