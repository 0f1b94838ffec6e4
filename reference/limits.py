"""Answers where a logit is infinite or nan, by the limits of the formulas.

An infinite logit stands for the limit as it grows. Where every way there leads to one answer, that is the answer
(`valid`), whatever inf - inf gives an implementation on its way; where the ways part (every logit -inf, or two of
them +inf) no answer is wrong by mathematics, nan is recorded, and the test is `acceptable`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from harness.model import Op
from harness.ops import OPS
from reference.question import Question, Validity

Answer = float | int  # a float is the answer itself, an int the index of an answer of the finite question


@dataclass(frozen=True)
class Limit:
    """The answers of a question with infinite logits; those that are indices come from `finite`."""

    answers: tuple[Answer, ...]
    finite: Question | None = None
    validity: Validity = "valid"


def is_special(asked: Question) -> bool:
    """Tell whether a question has a logit that is not finite."""
    return not all(map(math.isfinite, asked.logits))


def limit(asked: Question) -> Limit:
    """Return the answers of one row with logits that are not finite. Raises ValueError where no rule is written."""
    record = OPS[asked.op.name]
    if record.elementwise:
        return _points(asked)
    count = 1 if asked.quantity == "value" and OPS[asked.op.name].one_a_row else asked.classes
    if any(map(math.isnan, asked.logits)):
        return Limit((math.nan,) * count)
    tops = asked.logits.count(math.inf)
    if tops == 1:
        return Limit(tuple(map(float, AT_TOP[asked.op.name, asked.quantity](asked, asked.logits.index(math.inf)))))
    if tops or asked.logits.count(-math.inf) == asked.classes:
        largest = max(asked.logits)
        if (asked.op.name, asked.quantity) == ("logsumexp", "value"):
            return Limit((largest,))
        return Limit((math.nan,) * count, validity="acceptable")
    return _masked(asked)


def _exactly(value: Fraction) -> float:
    if Fraction(float(value)) != value:
        raise ValueError(f"answer is {value}, expected a number that float64 holds")
    return float(value)


def _product(*factors: float) -> float:
    """Multiply exactly; an infinite last factor takes the others' sign, and is nothing where one of them is 0."""
    *plain, last = factors
    share = math.prod(map(Fraction, plain), start=Fraction(1))
    if math.isinf(last):
        return math.copysign(math.inf, last) * (1 if share > 0 else -1) if share else 0.0
    return _exactly(share * Fraction(last))


def _one_hot(asked: Question, index: int) -> list[float]:
    return [float(j == index) for j in range(asked.classes)]


def _labels(asked: Question) -> tuple[float, ...]:
    return tuple(_one_hot(asked, int(asked.labels[0]))) if OPS[asked.op.name].labels == "index" else asked.labels


def _top_log_softmax_grad(asked: Question, top: int) -> list[float]:
    """g - p sum g."""
    every = sum(map(Fraction, asked.upstream))
    return [_exactly(Fraction(g) - every * (j == top)) for j, g in enumerate(asked.upstream)]


def _top_loss(asked: Question, top: int) -> list[float]:
    """Every other class is infinitely unlikely; one without weight does not matter."""
    others = sum(Fraction(z) for j, z in enumerate(_labels(asked)) if j != top)
    return [_product(float(others), math.inf)]


def _top_loss_grad(asked: Question, top: int) -> list[float]:
    """g (Z p - z)."""
    labels = [Fraction(z) for z in _labels(asked)]
    up = Fraction(asked.upstream[0])
    return [_exactly(up * (sum(labels) * (j == top) - z)) for j, z in enumerate(labels)]


# One logit is +inf: p is 1 there and 0 elsewhere.
AT_TOP: dict[tuple[str, str], Callable[[Question, int], list[float]]] = {
    ("softmax", "value"): _one_hot,
    ("softmax", "grad_logits"): lambda asked, _: [0.0] * asked.classes,
    ("log_softmax", "value"): lambda asked, top: [0.0 if j == top else -math.inf for j in range(asked.classes)],
    ("log_softmax", "grad_logits"): _top_log_softmax_grad,
    ("logsumexp", "value"): lambda _asked, _top: [math.inf],
    ("logsumexp", "grad_logits"): lambda asked, top: [_product(asked.upstream[0], p) for p in _one_hot(asked, top)],
    ("sparse_xent", "value"): _top_loss,
    ("sparse_xent", "grad_logits"): _top_loss_grad,
    ("dense_xent", "value"): _top_loss,
    ("dense_xent", "grad_logits"): _top_loss_grad,
    ("dense_xent", "grad_labels"): lambda asked, top: [
        0.0 if j == top else _product(asked.upstream[0], math.inf) for j in range(asked.classes)
    ],
}


def _masked(asked: Question) -> Limit:
    """Some logits are -inf: the others' answers are those of the row without them."""
    name, quantity, labels = asked.op.name, asked.quantity, OPS[asked.op.name].labels
    kept = [j for j, x in enumerate(asked.logits) if x != -math.inf]
    finite = replace(asked, logits=tuple(asked.logits[j] for j in kept))
    if len(asked.upstream) > 1:
        finite = replace(finite, upstream=tuple(asked.upstream[j] for j in kept))
    if labels == "index" and int(asked.labels[0]) in kept:
        finite = replace(finite, labels=(float(kept.index(int(asked.labels[0]))),))
    elif labels == "index":
        if quantity == "value":
            return Limit((math.inf,))
        finite = replace(finite, op=Op.of("logsumexp"), labels=())  # g p, as no class left is the label's
    elif labels == "row":
        masked = [z for j, z in enumerate(asked.labels) if j not in kept and z]
        if masked and quantity == "value":
            return Limit((_product(masked[0], math.inf),))
        if masked and quantity == "grad_logits":
            raise ValueError(f"label of a -inf logit is {masked[0]}, expected 0: there is no rule for its gradient")
        finite = replace(finite, labels=tuple(asked.labels[j] for j in kept))
    if quantity == "value" and OPS[name].one_a_row:
        return Limit((0,), finite)
    at_mask = AT_MASK[name, quantity]
    return Limit(tuple(kept.index(j) if j in kept else at_mask(asked, j) for j in range(asked.classes)), finite)


def _masked_log_softmax_grad(asked: Question, index: int) -> float:
    if asked.upstream[index]:
        raise ValueError(f"upstream of a -inf logit is {asked.upstream[index]}, expected 0: there is no rule")
    return 0.0


def _masked_loss_grad(asked: Question, index: int) -> float:
    return _product(-asked.upstream[0], _labels(asked)[index])


# The answer at a class whose logit is -inf, where there is one a class; p is 0 there.
AT_MASK: dict[tuple[str, str], Callable[[Question, int], float]] = {
    ("softmax", "value"): lambda _asked, _index: 0.0,
    ("softmax", "grad_logits"): lambda _asked, _index: 0.0,
    ("log_softmax", "value"): lambda _asked, _index: -math.inf,
    ("log_softmax", "grad_logits"): _masked_log_softmax_grad,
    ("logsumexp", "grad_logits"): lambda _asked, _index: 0.0,
    ("sparse_xent", "grad_logits"): _masked_loss_grad,
    ("dense_xent", "grad_logits"): _masked_loss_grad,
    ("dense_xent", "grad_labels"): lambda asked, _index: _product(asked.upstream[0], math.inf),
}


def _points(asked: Question) -> Limit:
    finite = [j for j, x in enumerate(asked.logits) if math.isfinite(x)]
    parts = (asked.logits, asked.labels, asked.upstream)
    logits, labels, upstream = (tuple(part[j] for j in finite) if part else () for part in parts)
    reduced = replace(asked, logits=logits, labels=labels, upstream=upstream)
    answers = tuple(finite.index(j) if j in finite else _at_point(asked, j) for j in range(len(asked.logits)))
    return Limit(answers, reduced if finite else None)


def _at_point(asked: Question, index: int) -> float:
    """Return the answer of an elementwise op where its logit is infinite or nan."""
    x = asked.logits[index]
    if math.isnan(x):
        return math.nan
    z = asked.labels[index] if asked.labels else 0.0
    g = asked.upstream[index] if asked.upstream else 1.0
    q = float(asked.op.options.get("pos_weight", 1.0))
    return AT_POINT[asked.op.name, asked.quantity](x > 0, z, g, q)


# The answer of an elementwise op whose logit is infinite: inf or not, label z, incoming gradient g, positive weight q.
AT_POINT: dict[tuple[str, str], Callable[[bool, float, float, float], float]] = {
    ("sigmoid", "value"): lambda above, _z, _g, _q: float(above),
    ("sigmoid", "grad_logits"): lambda _above, _z, _g, _q: 0.0,
    ("log_sigmoid", "value"): lambda above, _z, _g, _q: 0.0 if above else -math.inf,
    ("log_sigmoid", "grad_logits"): lambda above, _z, g, _q: 0.0 if above else g,
    # q z softplus(-x) + (1 - z) softplus(x)
    ("sigmoid_xent", "value"): lambda above, z, _g, q: _product(*((1 - z,) if above else (q, z)), math.inf),
    # g ((1 - z) sigmoid(x) - q z sigmoid(-x))
    ("sigmoid_xent", "grad_logits"): lambda above, z, g, q: _product(g, 1 - z) if above else _product(-g, q, z),
    # g (q softplus(-x) - softplus(x))
    ("sigmoid_xent", "grad_labels"): lambda above, _z, g, q: _product(*((g, -math.inf) if above else (g, q, math.inf))),
}
