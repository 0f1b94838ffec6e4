"""Ops that are asked apart, by balls: what the arbiter alone answers, from a row of numbers as it is given.

Cross-entropies of given probabilities p, with labels z and the incoming gradient g. s(p) = -log p is taken as
log(1 + (1 - p) / p), whose argument is positive and exact but for one division, so that nothing cancels near 1;
likewise -log(1 - p) = s(1 - p), and log((1 - p) / p) from whichever of both is above 1.

The entropy of logits: with d = m - x, the largest m, S = sum e**-d and W = sum d e**-d / S, it is log S + W, which are
both positive, and its gradient g e**-d (d S - sum d e**-d) / S**2, exactly 0 where all logits are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.model import Quantity
from reference.arbiter import ball
from reference.arbiter.ball import ONE, ZERO, Ball, add, divide, multiply, negative, subtract, total
from reference.question import Numbers

Formula = Callable[[Numbers, Numbers, Numbers, int], Sequence[Ball]]


def surprise(p: Ball, bits: int) -> Ball:
    """s(p) = -log p of an exact 0 < p <= 1."""
    return ball.log1p(divide(subtract(ONE, p, bits), p, bits), bits)


def sparse_prob_xent(given: Numbers, labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """s at the label."""
    return [surprise(ball.exact(given[int(labels[0])]), bits)]


def sparse_prob_xent_grad(given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """-g / p at the label."""
    g, label = negative(ball.exact(upstream[0])), int(labels[0])
    return [divide(g, ball.exact(p), bits) if j == label else ZERO for j, p in enumerate(given)]


def dense_prob_xent(given: Numbers, labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """sum z s(p)."""
    parts = [multiply(ball.exact(z), surprise(ball.exact(p), bits), bits) for p, z in zip(given, labels, strict=True)]
    return [total(parts, bits)]


def dense_prob_xent_grad(given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """-g z / p."""
    g = negative(ball.exact(upstream[0]))
    pairs = zip(given, labels, strict=True)
    return [divide(multiply(g, ball.exact(z), bits), ball.exact(p), bits) for p, z in pairs]


def dense_prob_xent_grad_labels(given: Numbers, _labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """g s(p)."""
    g = ball.exact(upstream[0])
    return [multiply(g, surprise(ball.exact(p), bits), bits) for p in given]


def binary_prob_xent(given: Numbers, labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """z s(p) + (1 - z) s(1 - p)."""
    answers = []
    for p, z in zip(map(ball.exact, given), map(ball.exact, labels), strict=True):
        yes = multiply(z, surprise(p, bits), bits)
        no = multiply(subtract(ONE, z, bits), surprise(subtract(ONE, p, bits), bits), bits)
        answers.append(add(yes, no, bits))
    return answers


def binary_prob_xent_grad(given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """g (p - z) / (p (1 - p)), one quotient of exact numbers."""
    answers = []
    for p, z, g in zip(*(map(ball.exact, part) for part in (given, labels, upstream)), strict=True):
        top = multiply(g, subtract(p, z, bits), bits)
        answers.append(divide(top, multiply(p, subtract(ONE, p, bits), bits), bits))
    return answers


def binary_prob_xent_grad_labels(given: Numbers, _labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """g log((1 - p) / p)."""
    answers = []
    for p, g in zip(given, map(ball.exact, upstream), strict=True):
        yes, no = ball.exact(p), subtract(ONE, ball.exact(p), bits)
        small, large = (yes, no) if p < 0.5 else (no, yes)
        odds = ball.log1p(divide(subtract(large, small, bits), small, bits), bits)
        answers.append(multiply(g, odds if p < 0.5 else negative(odds), bits))
    return answers


def kl_div(given: Numbers, labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """z (log z - x), and 0 for a z of 0."""
    answers = []
    for x, z in zip(map(ball.exact, given), map(ball.exact, labels), strict=True):
        log = add(surprise(z, bits), x, bits) if z.mid[1] else ZERO
        answers.append(negative(multiply(z, log, bits)))
    return answers


def kl_div_grad(_given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """-g z."""
    return [negative(multiply(ball.exact(g), ball.exact(z), bits)) for g, z in zip(upstream, labels, strict=True)]


def kl_div_grad_labels(given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """g (log z + 1 - x)."""
    answers = []
    for x, z, g in zip(*(map(ball.exact, part) for part in (given, labels, upstream)), strict=True):
        answers.append(multiply(g, subtract(subtract(ONE, x, bits), surprise(z, bits), bits), bits))
    return answers


def _decays(given: Numbers, bits: int) -> tuple[list[Ball], list[Ball], Ball, Ball]:
    """Return d, e**-d, the sum of those that are not 1, and S."""
    peak = ball.exact(max(given))
    drops = [subtract(peak, ball.exact(x), bits) for x in given]
    terms = [ball.exp(negative(drop), bits) for drop in drops]
    rest = total([term for term, drop in zip(terms, drops, strict=True) if drop.mid[1]], bits)
    ties = ball.integer(sum(not drop.mid[1] for drop in drops))
    return drops, terms, rest, add(ties, rest, bits)


def entropy(given: Numbers, _labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """log S + W."""
    drops, terms, rest, whole = _decays(given, bits)
    log = ball.log1p(rest, bits) if sum(not drop.mid[1] for drop in drops) == 1 else ball.log(whole, bits)
    weight = total([multiply(d, e, bits) for d, e in zip(drops, terms, strict=True)], bits)
    return [add(log, divide(weight, whole, bits), bits)]


def entropy_grad(given: Numbers, _labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """g e**-d (d S - sum d e**-d) / S**2."""
    drops, terms, _, whole = _decays(given, bits)
    weight = total([multiply(d, e, bits) for d, e in zip(drops, terms, strict=True)], bits)
    square = multiply(whole, whole, bits)
    g = ball.exact(upstream[0])
    answers = []
    for d, e in zip(drops, terms, strict=True):
        tilt = subtract(multiply(d, whole, bits), weight, bits)
        answers.append(divide(multiply(g, multiply(e, tilt, bits), bits), square, bits))
    return answers


APART: dict[tuple[str, Quantity], Formula] = {
    ("sparse_prob_xent", "value"): sparse_prob_xent,
    ("sparse_prob_xent", "grad_logits"): sparse_prob_xent_grad,
    ("dense_prob_xent", "value"): dense_prob_xent,
    ("dense_prob_xent", "grad_logits"): dense_prob_xent_grad,
    ("dense_prob_xent", "grad_labels"): dense_prob_xent_grad_labels,
    ("binary_prob_xent", "value"): binary_prob_xent,
    ("binary_prob_xent", "grad_logits"): binary_prob_xent_grad,
    ("binary_prob_xent", "grad_labels"): binary_prob_xent_grad_labels,
    ("kl_div", "value"): kl_div,
    ("kl_div", "grad_logits"): kl_div_grad,
    ("kl_div", "grad_labels"): kl_div_grad_labels,
    ("entropy", "value"): entropy,
    ("entropy", "grad_logits"): entropy_grad,
}
