"""The second witness of ops that are asked apart, in Arb: formulas as they are written, with bits to spare.

p, z and g are a class's probability, label and incoming gradient; of a row, all of them. Gradients that are long are
written out in `reference.witness_focal`.
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


def _root_loss(p: list[Arb], z: list[Arb], _g: list[Arb], _j: int) -> Arb:
    """2 (1 - sqrt p)."""
    return 2 * sum((weight * (1 - one.sqrt()) for one, weight in zip(p, z, strict=True)), 0 * p[0])


def _root_loss_grad(p: list[Arb], z: list[Arb], g: list[Arb], j: int) -> Arb:
    return -g[0] * z[j] * p[j].rsqrt()


def _steps(x: list[Arb], z: list[Arb]) -> tuple[Arb, Arb, int]:
    """Return the sums of exponentials of the head, with the 1 of a logit of 0, and of the tail, and where that begins.

    Seen from the label, whose exponential is then 1; the head from 0 where the label is in the tail.
    """
    half, label = len(x) // 2, next(i for i, weight in enumerate(z) if not weight.is_zero())
    above = x[label] if label < half else 0 * x[0]
    head = sum(((one - above).exp() for one in x[:half]), (-above).exp())
    tail = sum(((one - x[label]).exp() for one in x[half:]), 0 * x[0])
    return head, tail, half


def _adaptive(x: list[Arb], z: list[Arb], _g: list[Arb], _j: int) -> Arb:
    head, tail, half = _steps(x, z)
    in_tail = all(weight.is_zero() for weight in z[:half])
    return head.log() + (tail.log() if in_tail else 0)


def _adaptive_grad(x: list[Arb], z: list[Arb], g: list[Arb], j: int) -> Arb:
    head, tail, half = _steps(x, z)
    in_tail = all(weight.is_zero() for weight in z[:half])
    if j >= half and not in_tail:
        return 0 * x[0]
    label = next(i for i, weight in enumerate(z) if not weight.is_zero())
    above = 0 * x[0] if in_tail and j < half else x[label]
    share = (x[j] - above).exp() / (tail if j >= half else head)
    return g[0] * (share - z[j])


def _bernoulli(x: Arb, _value: float, _z: Arb, _g: Arb, _q: Arb) -> Arb:
    """-p log p - q log q, p and q the sigmoids of x and -x."""
    return sum((((-y).exp().log1p()) / (1 + (-y).exp()) for y in (x, -x)), 0 * x)


def _bernoulli_grad(x: Arb, value: float, _z: Arb, g: Arb, _q: Arb) -> Arb:
    """-g x / (e**(x / 2) + e**(-x / 2))**2."""
    return 0 * x if value == 0 else -g * x / ((x / 2).exp() + (-x / 2).exp()) ** 2


APART_BY_ROW: Mapping[tuple[str, Quantity], RowFormula] = {
    ("sparse_prob_xent", "value"): _loss,
    ("sparse_prob_xent", "grad_logits"): _loss_grad,
    ("dense_prob_xent", "value"): _loss,
    ("dense_prob_xent", "grad_logits"): _loss_grad,
    ("dense_prob_xent", "grad_labels"): _loss_grad_labels,
    ("entropy", "value"): _entropy,
    ("entropy", "grad_logits"): _entropy_grad,
    ("generalized_prob_xent", "value"): _root_loss,
    ("generalized_prob_xent", "grad_logits"): _root_loss_grad,
    ("adaptive_xent", "value"): _adaptive,
    ("adaptive_xent", "grad_logits"): _adaptive_grad,
}
APART_BY_POINT: Mapping[tuple[str, Quantity], PointFormula] = {
    ("binary_prob_xent", "value"): _binary,
    ("binary_prob_xent", "grad_logits"): _binary_grad,
    ("binary_prob_xent", "grad_labels"): _binary_grad_labels,
    ("bernoulli_entropy", "value"): _bernoulli,
    ("bernoulli_entropy", "grad_logits"): _bernoulli_grad,
}
