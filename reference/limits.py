"""Answers where a logit is infinite or nan: rules by hand, from the limits of the formulas.

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
    return tuple(_one_hot(asked, int(asked.labels[0]))) if asked.op.name == "sparse_xent" else asked.labels


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
    name, quantity = asked.op.name, asked.quantity
    kept = [j for j, x in enumerate(asked.logits) if x != -math.inf]
    fixed = {j: _at_mask(asked, j) for j in range(asked.classes) if j not in kept}
    finite = replace(asked, logits=tuple(asked.logits[j] for j in kept))
    if len(asked.upstream) > 1:
        finite = replace(finite, upstream=tuple(asked.upstream[j] for j in kept))
    if name == "sparse_xent" and int(asked.labels[0]) in kept:
        finite = replace(finite, labels=(float(kept.index(int(asked.labels[0]))),))
    elif name == "sparse_xent":
        if quantity == "value":
            return Limit((math.inf,))
        finite = replace(finite, op=Op.of("logsumexp"), labels=())  # g p, as no class left is the label's
    elif name == "dense_xent":
        masked = [z for j, z in enumerate(asked.labels) if j not in kept and z]
        if masked and quantity == "value":
            return Limit((_product(masked[0], math.inf),))
        if masked and quantity == "grad_logits":
            raise ValueError(f"label of a -inf logit is {masked[0]}, expected 0: there is no rule for its gradient")
        finite = replace(finite, labels=tuple(asked.labels[j] for j in kept))
    if quantity == "value" and OPS[name].one_a_row:
        return Limit((0,), finite)
    answers = tuple(fixed[j] if j in fixed else kept.index(j) for j in range(asked.classes))
    return Limit(answers, finite)


def _at_mask(asked: Question, index: int) -> float:
    """Return the answer at a class whose logit is -inf; p is 0 there."""
    match asked.op.name, asked.quantity:
        case "log_softmax", "value":
            return -math.inf
        case "log_softmax", _:
            if asked.upstream[index]:
                raise ValueError(f"upstream of a -inf logit is {asked.upstream[index]}, expected 0: there is no rule")
            return 0.0
        case "dense_xent", "grad_labels":
            return _product(asked.upstream[0], math.inf)
        case (("sparse_xent" | "dense_xent"), "grad_logits"):
            return _product(-asked.upstream[0], _labels(asked)[index])
        case _:
            return 0.0


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
    above = x > 0
    match asked.op.name, asked.quantity:
        case "sigmoid", "value":
            return float(above)
        case "sigmoid", _:
            return 0.0
        case "log_sigmoid", "value":
            return 0.0 if above else x
        case "log_sigmoid", _:
            return 0.0 if above else g
        case _, "value":  # q z softplus(-x) + (1 - z) softplus(x)
            return _product(1 - z, math.inf) if above else _product(q, z, math.inf)
        case _, "grad_logits":  # g ((1 - z) sigmoid(x) - q z sigmoid(-x))
            return _product(g, 1 - z) if above else _product(-g, q, z)
        case _:  # g (q softplus(-x) - softplus(x))
            return _product(g, -math.inf) if above else _product(g, q, math.inf)
