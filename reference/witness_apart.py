"""The second witness of ops that are asked apart, in Arb: logarithms taken as they are written, with bits to spare.

Formulas: p, z and g a class's probability, label and incoming gradient; of a row, all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.model import Quantity

Arb = Any  # python-flint ships no types
RowFormula = Callable[[list[Arb], list[Arb], list[Arb], int], Arb]
PointFormula = Callable[[Arb, float, Arb, Arb, Arb], Arb]


def _log(p: Arb) -> Arb:
    return p.log()


def _loss(p: list[Arb], z: list[Arb], _g: list[Arb], _j: int) -> Arb:
    """-log of the product of all p**z."""
    return -sum((weight * _log(one) for one, weight in zip(p, z, strict=True) if not weight.is_zero()), 0 * p[0])


def _loss_grad(p: list[Arb], z: list[Arb], g: list[Arb], j: int) -> Arb:
    return -(g[0] / p[j]) * z[j]


def _loss_grad_labels(p: list[Arb], _z: list[Arb], g: list[Arb], j: int) -> Arb:
    return -g[0] * _log(p[j])


def _binary(p: Arb, _value: float, z: Arb, _g: Arb, _q: Arb) -> Arb:
    """-log (1 - p) + z (log (1 - p) - log p)."""
    other = (-p).log1p()
    return -other + z * (other - _log(p))


def _binary_grad(p: Arb, _value: float, z: Arb, g: Arb, _q: Arb) -> Arb:
    """g ((1 - z) / (1 - p) - z / p)."""
    return g * ((1 - z) / (1 - p) - z / p)


def _binary_grad_labels(p: Arb, _value: float, _z: Arb, g: Arb, _q: Arb) -> Arb:
    return g * ((-p).log1p() - _log(p))


def _kl_div(x: Arb, _value: float, z: Arb, _g: Arb, _q: Arb) -> Arb:
    return z * _log(z) - z * x if not z.is_zero() else 0 * x


def _kl_div_grad_labels(x: Arb, _value: float, z: Arb, g: Arb, _q: Arb) -> Arb:
    return g * _log(z) - g * x + g


def _shares(x: list[Arb]) -> tuple[list[Arb], Arb]:
    """Return p, seen from the first class, and the mean of x - x_0."""
    e = [(one - x[0]).exp() for one in x]
    whole = sum(e)
    p = [one / whole for one in e]
    return p, sum((share * (one - x[0]) for share, one in zip(p, x, strict=True)), 0 * x[0])


def _entropy(x: list[Arb], _z: list[Arb], _g: list[Arb], _j: int) -> Arb:
    """-sum p log p."""
    p, _ = _shares(x)
    return -sum((one * one.log() for one in p), 0 * x[0])


def _entropy_grad(x: list[Arb], _z: list[Arb], g: list[Arb], j: int) -> Arb:
    p, mean = _shares(x)
    return g[0] * p[j] * (mean - (x[j] - x[0]))


APART_BY_ROW: Mapping[tuple[str, Quantity], RowFormula] = {
    ("sparse_prob_xent", "value"): _loss,
    ("sparse_prob_xent", "grad_logits"): _loss_grad,
    ("dense_prob_xent", "value"): _loss,
    ("dense_prob_xent", "grad_logits"): _loss_grad,
    ("dense_prob_xent", "grad_labels"): _loss_grad_labels,
    ("entropy", "value"): _entropy,
    ("entropy", "grad_logits"): _entropy_grad,
}
APART_BY_POINT: Mapping[tuple[str, Quantity], PointFormula] = {
    ("binary_prob_xent", "value"): _binary,
    ("binary_prob_xent", "grad_logits"): _binary_grad,
    ("binary_prob_xent", "grad_labels"): _binary_grad_labels,
    ("kl_div", "value"): _kl_div,
    ("kl_div", "grad_logits"): lambda _x, _value, z, g, _q: -g * z,
    ("kl_div", "grad_labels"): _kl_div_grad_labels,
}
