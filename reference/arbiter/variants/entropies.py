"""Entropies and the terms of divergences.

The entropy of logits: with d = m - x, the largest m, S = sum e**-d and W = sum d e**-d / S, it is log S + W, which are
both positive, and its gradient g e**-d (d S - sum d e**-d) / S**2, exactly 0 where all logits are equal. That of a yes
or no, with e = e**-|x|, is log(1 + e) + |x| e / (1 + e), likewise.

A term of a divergence is z (log z - x). Where labels are given as their logarithms w it is e**w (w - x), and its
gradient by w another one, g e**w (w - x + 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reference.arbiter import ball
from reference.arbiter.ball import ONE, ZERO, Ball, add, divide, multiply, negative, subtract, total
from reference.arbiter.variants.formula import Decays, Formula, Key, Options, plainly, surprise
from reference.question import Numbers


def _label(label: float, options: Options, bits: int) -> tuple[Ball, Ball]:
    """Return z and log z; of a z of 0 its logarithm as 0, because it is multiplied by it."""
    given = ball.exact(label)
    if options.get("log_target"):
        return ball.exp(given, bits), given
    return given, negative(surprise(given, bits)) if given.mid[1] else ZERO


def _each(upstream: Numbers, given: Numbers) -> Numbers:
    """Return the incoming gradient of each term: of a sum over the classes, the sum's."""
    return upstream if len(upstream) == len(given) else upstream * len(given)


def kl_div(options: Options, given: Numbers, labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """z (log z - x), or their sum."""
    answers = []
    for x, (z, log) in zip(given, (_label(label, options, bits) for label in labels), strict=True):
        answers.append(multiply(z, subtract(log, ball.exact(x), bits), bits))
    return [total(answers, bits)] if "reduction" in options else answers


def kl_div_grad(options: Options, given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """-g z."""
    pairs = zip(_each(upstream, given), labels, strict=True)
    return [negative(multiply(ball.exact(g), _label(label, options, bits)[0], bits)) for g, label in pairs]


def kl_div_grad_labels(
    options: Options, given: Numbers, labels: Numbers, upstream: Numbers, bits: int
) -> Sequence[Ball]:
    """g (log z + 1 - x), times z where labels are logarithms."""
    answers = []
    for x, label, g in zip(map(ball.exact, given), labels, map(ball.exact, _each(upstream, given)), strict=True):
        z, log = _label(label, options, bits)
        answer = multiply(g, add(subtract(ONE, x, bits), log, bits), bits)
        answers.append(multiply(z, answer, bits) if options.get("log_target") else answer)
    return answers


def entropy(given: Numbers, _labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """log S + W."""
    row = Decays.of(given, bits)
    return [add(row.log, divide(_weight(row, bits), row.whole, bits), bits)]


def entropy_grad(given: Numbers, _labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """g e**-d (d S - sum d e**-d) / S**2."""
    row, g = Decays.of(given, bits), ball.exact(upstream[0])
    weight, square = _weight(row, bits), multiply(row.whole, row.whole, bits)
    answers = []
    for d, e in zip(row.drops, row.terms, strict=True):
        tilt = subtract(multiply(d, row.whole, bits), weight, bits)
        answers.append(divide(multiply(g, multiply(e, tilt, bits), bits), square, bits))
    return answers


def _weight(row: Decays, bits: int) -> Ball:
    """Sum d e**-d."""
    return total([multiply(d, e, bits) for d, e in zip(row.drops, row.terms, strict=True)], bits)


def _tail(x: Ball, bits: int) -> tuple[Ball, Ball, Ball]:
    """Return |x|, e**-|x| and 1 + e**-|x|."""
    size = negative(x) if ball.sign(x) < 0 else x
    e = ball.exp(negative(size), bits)
    return size, e, add(ONE, e, bits)


def bernoulli_entropy(given: Numbers, _labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """log(1 + e) + |x| e / (1 + e)."""
    answers = []
    for x in map(ball.exact, given):
        size, e, below = _tail(x, bits)
        answers.append(add(ball.log1p(e, bits), divide(multiply(size, e, bits), below, bits), bits))
    return answers


def bernoulli_entropy_grad(given: Numbers, _labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """-g x e / (1 + e)**2."""
    answers = []
    for x, g in zip(map(ball.exact, given), map(ball.exact, upstream), strict=True):
        _, e, below = _tail(x, bits)
        top = multiply(negative(multiply(g, x, bits)), e, bits)
        answers.append(divide(top, multiply(below, below, bits), bits))
    return answers


ENTROPIES: Mapping[Key, Formula] = {
    ("kl_div", "value"): kl_div,
    ("kl_div", "grad_logits"): kl_div_grad,
    ("kl_div", "grad_labels"): kl_div_grad_labels,
    **plainly(
        {
            ("entropy", "value"): entropy,
            ("entropy", "grad_logits"): entropy_grad,
            ("bernoulli_entropy", "value"): bernoulli_entropy,
            ("bernoulli_entropy", "grad_logits"): bernoulli_entropy_grad,
        }
    ),
}
