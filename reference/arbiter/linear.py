"""The loss of hidden states times a weight, and its gradients, in mpmath: the arbiter.

Inputs are whole numbers times a power of two, and so are the logits x = h W^T + b: Python's integers hold them as they
are. `reference.arbiter.rows` takes such a row as any other. With its e**-d, S = k + t, Z the sum of the labels z and
D = sum z w over the classes,

    grad_hidden  g / S sum e**-d A, where A = sum (Z w - D) over the classes with the same logit
    grad_weight  sum of A p - B over the rows, where rows whose logits differ by a constant are one row with
                 A = sum g Z h and B = sum g z h
    grad_bias    the same with h = 1

A, B and D are exact, so what cancels is seen to be 0 where it is. With a cap c of the logits or a multiple w of
logsumexp**2 a row's gradient with respect to its logits, g (Z p - z + 2 w l p) times the cap's slope, is multiplied as
it is, each of its balls a whole number of quanta.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from mpmath import libmp

from harness.model import Array, Inputs, Quantity
from reference.arbiter import ball, rows
from reference.arbiter.ball import ZERO, Ball, add, divide, multiply, negative, quotient, subtract
from reference.arbiter.caps import capped
from reference.arbiter.whole import Whole, product, times

KEPT = 256  # rows

Ask = Callable[[int], Sequence[Ball]]  # an answer of so many bits


@dataclass(frozen=True, eq=False)
class Shaped:
    """What is asked beside the inputs: a factor of each row's loss, a cap of the logits, a weight of logsumexp**2."""

    inputs: Inputs
    factor: Array  # (rows,), of losses and gradients
    cap: float = 0.0
    square: float = 0.0

    @cached_property
    def labels(self) -> Array:
        """The labels, (rows, classes) in float64."""
        labels, weight = self.inputs.labels, self.inputs.weight
        assert labels is not None
        assert weight is not None
        if labels.ndim == 2:
            return labels.astype(np.float64)
        return (np.arange(len(weight)) == labels[:, None]).astype(np.float64)

    @cached_property
    def hidden(self) -> Whole:
        """The hidden states."""
        return Whole.of(self.inputs.logits)

    @cached_property
    def weight(self) -> Whole:
        """The weight."""
        assert self.inputs.weight is not None
        return Whole.of(self.inputs.weight)

    def logits(self, row: int) -> Whole:
        """Return the logits of a row."""
        x = product(Whole(self.hidden.digits[row], self.hidden.exponent), self.weight)
        if self.inputs.bias is None:
            return x
        bias = Whole.of(self.inputs.bias)
        lowest = min(x.exponent, bias.exponent)
        return Whole(x.at(lowest) + bias.at(lowest), lowest)

    def row(self, row: int, bits: int) -> Row:
        """Return a row at a working precision; the last ones are kept."""
        kept = self._kept
        if (row, bits) not in kept:
            if len(kept) > KEPT:
                kept.clear()
            kept[row, bits] = _row(self, row, bits)
        return kept[row, bits]

    @cached_property
    def _kept(self) -> dict[tuple[int, int], Row]:
        return {}


@dataclass(frozen=True)
class Row:
    """A row of logits, exact and with its sums; slopes of a cap."""

    exact: tuple[int, ...]  # in quanta, relative to the largest
    sums: rows.Row
    slopes: tuple[Ball, ...] = ()


def _row(shaped: Shaped, row: int, bits: int) -> Row:
    x = shaped.logits(row)
    digits = [int(d) for d in x.digits]
    place = {value: float(i) for i, value in enumerate(sorted(set(digits)))}  # grows with the logits
    values = {value: x.ball(value) for value in place}
    slopes: tuple[Ball, ...] = ()
    if shaped.cap:
        both = {value: capped(one, shaped.cap, bits) for value, one in values.items()}
        values = {value: size for value, (size, _) in both.items()}
        slopes = tuple(both[value][1] for value in digits)
    sums = rows.row_of_balls(tuple(place[d] for d in digits), [values[d] for d in digits], bits)
    most = max(digits)
    return Row((*(d - most for d in digits), x.exponent), sums, slopes)


def asks(quantity: Quantity, shaped: Shaped, chosen: Sequence[int]) -> list[Ask]:
    """Return what answers some rows of the answer's first axis; of a sum, its one number."""
    if quantity == "value" and shaped.inputs.upstream.ndim == 0:
        every = [_loss(shaped, row) for row in range(len(shaped.factor))]
        return [lambda bits: [_one_by_one([each(bits) for each in every], bits)]]
    if quantity == "value":
        return [partial(_alone, _loss(shaped, row)) for row in chosen]
    if quantity == "grad_hidden":
        return [partial(_grad_hidden, shaped, row) for row in chosen]
    hidden = Whole.of(np.ones((len(shaped.factor), 1))) if quantity == "grad_bias" else shaped.hidden
    return [partial(_grad_weight, shaped, hidden, place) for place in chosen]


def plainly(quantity: Quantity, inputs: Inputs) -> Shaped:
    """Return inputs as they are asked without options: gradients with the incoming ones."""
    ones = np.ones(len(inputs.logits))
    return Shaped(inputs, ones if quantity == "value" else inputs.upstream.astype(np.float64))


def _alone(loss: Callable[[int], Ball], bits: int) -> list[Ball]:
    return [loss(bits)]


def _one_by_one(balls: Sequence[Ball], bits: int) -> Ball:
    """Add, which keeps a known side."""
    whole = ZERO
    for one in balls:
        whole = add(whole, one, bits)
    return whole


def _loss(shaped: Shaped, row: int) -> Callable[[int], Ball]:
    def ask(bits: int) -> Ball:
        if not shaped.factor[row]:
            return ZERO
        sums = shaped.row(row, bits).sums
        (loss,) = rows.dense_xent(sums, tuple(shaped.labels[row].tolist()), ())
        if shaped.square:
            log_sum = add(sums.peak, sums.log, bits)
            loss = add(loss, multiply(ball.exact(shaped.square), multiply(log_sum, log_sum, bits), bits), bits)
        return multiply(ball.exact(float(shaped.factor[row])), loss, bits)

    return ask


def _grad_hidden(shaped: Shaped, row: int, bits: int) -> Sequence[Ball]:
    weight, g = shaped.weight, float(shaped.factor[row])
    width = weight.digits.shape[1]
    if not g:
        return [ZERO] * width
    if shaped.cap or shaped.square:
        return times(_of_logits(shaped, row, bits), weight, bits)
    sums = shaped.row(row, bits).sums
    z = Whole.of(shaped.labels[row])
    total = z.digits.sum()
    by_class = weight.digits * total - np.dot(z.digits, weight.digits)  # Z w - D, at the exponents' sum
    exponent = weight.exponent + z.exponent
    order: dict[float, int] = {}
    for x in sums.logits:
        order.setdefault(x, len(order))
    place = np.array([order[x] for x in sums.logits])
    groups = np.zeros((len(order), width), object)
    np.add.at(groups, place, by_class)
    first = {x: sums.logits.index(x) for x in order} if len(order) < len(sums.logits) else order
    peak = order[max(order)]
    others = [i for i in range(len(order)) if i != peak]
    terms = [sums.terms[first[x]] for x in order]
    part = times([terms[i] for i in others], Whole(groups[others], exponent), bits) if others else [ZERO] * width
    factor = ball.exact(g)
    return [
        quotient(
            multiply(factor, Ball(libmp.from_man_exp(int(groups[peak, f]), exponent)), bits),
            multiply(factor, part[f], bits),
            *(sums.ties, sums.rest, bits),
        )
        for f in range(width)
    ]


def _of_logits(shaped: Shaped, row: int, bits: int) -> list[Ball]:
    """Return a row's gradient with respect to its logits, capped and with logsumexp**2."""
    found, g = shaped.row(row, bits), float(shaped.factor[row])
    sums = found.sums
    answers = list(rows.dense_xent_grad(sums, tuple(shaped.labels[row].tolist()), (g,)))
    if shaped.square:
        twice = multiply(ball.exact(2 * shaped.square * g), add(sums.peak, sums.log, bits), bits)
        answers = [
            add(a, multiply(twice, p, bits), bits) for a, p in zip(answers, rows.softmax(sums, (), ()), strict=True)
        ]
    return [multiply(a, s, bits) for a, s in zip(answers, found.slopes, strict=True)] if found.slopes else answers


def _grad_weight(shaped: Shaped, hidden: Whole, chosen: int, bits: int) -> list[Ball]:
    """Return a class's row of the gradient: of the weight, or with hidden states of 1 of the bias."""
    width = hidden.digits.shape[1]
    if shaped.cap or shaped.square:
        live = [row for row in range(len(shaped.factor)) if shaped.factor[row]]
        of_class = [_of_logits(shaped, row, bits)[chosen] for row in live]
        return times(of_class, Whole(hidden.digits[live], hidden.exponent), bits) if live else [ZERO] * width
    answers = [ZERO] * width
    for sums, given, labelled, exponent in _alike(shaped, hidden, chosen, bits):
        term, at_peak = sums.terms[chosen], sums.at_peak(chosen)
        p = divide(term, sums.sum, bits)
        for f in range(width):
            a, b = (Ball(libmp.from_man_exp(int(part[f]), exponent)) for part in (given, labelled))
            if at_peak:
                whole = subtract(a, multiply(b, sums.ties, bits), bits)
                one = quotient(whole, negative(multiply(b, sums.rest, bits)), sums.ties, sums.rest, bits)
            else:
                one = subtract(multiply(a, p, bits), b, bits)
            answers[f] = add(answers[f], one, bits)
    return answers


def _alike(shaped: Shaped, hidden: Whole, chosen: int, bits: int) -> Iterator[tuple[rows.Row, Array, Array, int]]:
    """Yield (row, A, B, their exponent) of the rows whose logits differ by a constant."""
    g, z = Whole.of(shaped.factor), Whole.of(shaped.labels)
    groups: dict[tuple[int, ...], list[int]] = {}
    for row in range(len(shaped.factor)):
        if shaped.factor[row] and hidden.digits[row].any():
            groups.setdefault(shaped.row(row, bits).exact, []).append(row)
    exponent = g.exponent + z.exponent + hidden.exponent
    for members in groups.values():
        weighted = g.digits[members][:, None] * hidden.digits[members]
        totals = z.digits[members].sum(axis=1)[:, None]
        given, labelled = (weighted * totals).sum(axis=0), (weighted * z.digits[members][:, [chosen]]).sum(axis=0)
        yield shaped.row(members[0], bits).sums, given, labelled, exponent
