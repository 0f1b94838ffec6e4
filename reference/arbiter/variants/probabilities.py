"""Cross-entropies of given probabilities p, with labels z and the incoming gradient g.

s(p) = -log p is taken as log(1 + (1 - p) / p), whose argument is positive and exact but for one division, so that
nothing cancels near 1; likewise -log(1 - p) = s(1 - p), and log((1 - p) / p) from whichever of both is above 1.

The generalized loss is (1 - p**q) / q at q = 1/2, as 2 - 2 sqrt p. Many probabilities are squares, whose roots are
exact: these are recognised, because no precision would tell a tie from what lies beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from mpmath import libmp

from harness.model import Quantity
from reference.arbiter import ball
from reference.arbiter.ball import ONE, ZERO, Ball, add, divide, integer, multiply, negative, subtract, total
from reference.arbiter.variants.formula import Formula, plainly, surprise
from reference.question import Numbers


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


def root(p: Ball, bits: int) -> Ball:
    """The square root of an exact p > 0: exact where p is a square."""
    digits, exponent = int(p.mid[1]), p.mid[2]
    whole = isqrt(digits)
    if exponent % 2 == 0 and whole * whole == digits:
        return Ball(libmp.from_man_exp(whole, exponent // 2))
    mid = libmp.mpf_sqrt(p.mid, bits, "n")
    return Ball(mid, ball.magnitude(mid) - bits + ball.FUNCTION_BITS)


def generalized_prob_xent(given: Numbers, labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """2 - 2 sqrt p at the label."""
    two = integer(2)
    return [subtract(two, multiply(two, root(ball.exact(given[int(labels[0])]), bits), bits), bits)]


def generalized_prob_xent_grad(given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """-g / sqrt p at the label."""
    g, label = negative(ball.exact(upstream[0])), int(labels[0])
    return [divide(g, root(ball.exact(p), bits), bits) if j == label else ZERO for j, p in enumerate(given)]


PROBABILITIES: Mapping[tuple[str, Quantity], Formula] = plainly(
    {
        ("sparse_prob_xent", "value"): sparse_prob_xent,
        ("sparse_prob_xent", "grad_logits"): sparse_prob_xent_grad,
        ("dense_prob_xent", "value"): dense_prob_xent,
        ("dense_prob_xent", "grad_logits"): dense_prob_xent_grad,
        ("dense_prob_xent", "grad_labels"): dense_prob_xent_grad_labels,
        ("binary_prob_xent", "value"): binary_prob_xent,
        ("binary_prob_xent", "grad_logits"): binary_prob_xent_grad,
        ("binary_prob_xent", "grad_labels"): binary_prob_xent_grad_labels,
        ("generalized_prob_xent", "value"): generalized_prob_xent,
        ("generalized_prob_xent", "grad_logits"): generalized_prob_xent_grad,
    }
)
