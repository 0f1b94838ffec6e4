"""The second witness of ops with options that are asked apart, in Arb: dual numbers differentiate what is written.

A value is a function of logits and labels, as a textbook has it. Its gradient is not written down: each number carries
its derivative along one class, so that what the arbiter's formulas made of it is told from other code and other words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.model import Op, Param, Quantity
from harness.ops import one_a_row

Arb = Any  # python-flint ships no types
Options = Mapping[str, Param]
Key = tuple[str, Quantity]
Formula = Callable[[Options, list[Arb], list[Arb], list[Arb], int], Arb]


@dataclass(frozen=True)
class Dual:
    """A number and its derivative."""

    value: Arb
    slope: Arb

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Dual) -> Dual:
        return Dual(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def through(self, value: Arb, slope: Arb) -> Dual:
        """Apply a function with this value and derivative."""
        return Dual(value, slope * self.slope)

    def exp(self) -> Dual:
        """e**x."""
        e = self.value.exp()
        return self.through(e, e)

    def log(self) -> Dual:
        """Log x."""
        return self.through(self.value.log(), 1 / self.value)

    def softplus(self) -> Dual:
        """log(1 + e**x), by the exponential that does not overflow."""
        e = (-self.value).exp()
        log = self.value + e.log1p() if self.value > 0 else self.value.exp().log1p()
        return self.through(log, 1 / (1 + e))

    def power(self, exponent: float) -> Dual:
        """x**exponent of a positive x."""
        if exponent == 0:
            return self.through(self.value**0, 0 * self.value)
        below = self.value ** (type(self.value)(exponent) - 1)
        return self.through(below * self.value, exponent * below)


Function = Callable[[Options, list[Dual], list[Dual]], list[Dual]]


def _plain(number: float, like: Dual) -> Dual:
    zero = 0 * like.value
    return Dual(zero + number, zero)


def _total(duals: list[Dual]) -> Dual:
    whole = _plain(0, duals[0])
    for one in duals:
        whole = whole + one
    return whole


def kl_div(options: Options, x: list[Dual], z: list[Dual]) -> list[Dual]:
    """Z log z - z x, of z or of e**z."""
    terms = []
    for given, label in zip(x, z, strict=True):
        if not options.get("log_target") and label.value.is_zero():
            terms.append(_plain(0, given))
            continue
        weight, log = (label.exp(), label) if options.get("log_target") else (label, label.log())
        terms.append(weight * log - weight * given)
    return [_total(terms)] if options.get("reduction") else terms


def _shares(x: list[Dual], j: int) -> tuple[Dual, Dual]:
    """Return y = log(1 + r) and 1 - p = r / (1 + r), with r the sum of e**(x_i - x_j) over the others."""
    rest = _total([(one - x[j]).exp() for i, one in enumerate(x) if i != j])
    y = rest.through(rest.value.log1p(), 1 / (1 + rest.value))
    return y, rest * (rest + _plain(1, rest)).power(-1.0)


def focal_xent(options: Options, x: list[Dual], z: list[Dual]) -> list[Dual]:
    """Sum z a (1 - p)**gamma y."""
    gamma, terms = float(options.get("gamma", 2.0)), []
    for j, label in enumerate(z):
        y, rest = _shares(x, j)
        terms.append(label * rest.power(gamma) * y)
    return [_total(terms) * _plain(float(options.get("alpha", 1.0)), x[0])]


def poly_xent(options: Options, x: list[Dual], z: list[Dual]) -> list[Dual]:
    """Sum z y + epsilon sum z (1 - p)."""
    pairs = [_shares(x, j) for j in range(len(x))]
    loss = _total([label * y for label, (y, _) in zip(z, pairs, strict=True)])
    rest = _total([label * rest for label, (_, rest) in zip(z, pairs, strict=True)])
    return [loss + _plain(float(options.get("epsilon", 2.0)), x[0]) * rest]


def sigmoid_focal_xent(options: Options, x: list[Dual], z: list[Dual]) -> list[Dual]:
    """A (z (1 - p) + (1 - z) p)**gamma (z softplus(-x) + (1 - z) softplus(x))."""
    gamma, answers = float(options.get("gamma", 2.0)), []
    for logit, label in zip(x, z, strict=True):
        one, zero = _plain(1, logit), _plain(0, logit)
        up, down = logit.softplus(), (zero - logit).softplus()
        yes, no = (zero - down).exp(), (zero - up).exp()
        whole = (label * no + (one - label) * yes).power(gamma) * (label * down + (one - label) * up)
        if "alpha" in options:
            alpha = _plain(float(options["alpha"]), logit)
            whole = whole * (alpha * label + (one - alpha) * (one - label))
        answers.append(whole)
    return answers


def _value(function: Function) -> Formula:
    def value(options: Options, x: list[Arb], z: list[Arb], _g: list[Arb], j: int) -> Arb:
        answers = function(options, [Dual(one, 0 * one) for one in x], [Dual(one, 0 * one) for one in z])
        return answers[j if len(answers) > 1 else 0].value

    return value


def _gradient(function: Function, *, by_label: bool) -> Formula:
    def gradient(options: Options, x: list[Arb], z: list[Arb], g: list[Arb], j: int) -> Arb:
        seeded = [
            [Dual(one, 0 * one + (by == by_label and i == j)) for i, one in enumerate(part)]
            for by, part in ((False, x), (True, z))
        ]
        answers = function(options, *seeded)
        return sum((up * answer.slope for up, answer in zip(g, answers, strict=True)), 0 * x[0])

    return gradient


FUNCTIONS: Mapping[str, Function] = {
    "kl_div": kl_div,
    "focal_xent": focal_xent,
    "poly_xent": poly_xent,
    "sigmoid_focal_xent": sigmoid_focal_xent,
}
WITH_OPTIONS: Mapping[Key, Formula] = {
    **{(name, "value"): _value(function) for name, function in FUNCTIONS.items()},
    **{(name, "grad_logits"): _gradient(function, by_label=False) for name, function in FUNCTIONS.items()},
    **{(name, "grad_labels"): _gradient(function, by_label=True) for name, function in FUNCTIONS.items()},
}


def of_options(
    op: Op, quantity: Quantity, rows: Sequence[tuple[list[Arb], list[Arb], list[Arb]]]
) -> Callable[[int], Arb]:
    """Return how to compute an answer by its flat index; rows: (logits, labels, upstream) each."""
    formula, single = WITH_OPTIONS[op.name, quantity], quantity == "value" and one_a_row(op)
    width = 1 if single else len(rows[0][0])
    return lambda j: formula(op.options, *rows[j // width], j % width)
