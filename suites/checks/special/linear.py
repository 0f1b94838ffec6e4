"""Special values of a loss of hidden states times a weight: what may touch what, rows that do not count, bad labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.model import FORMATS, Array, Checked, Failed, Inputs, Op, Quantity
from harness.ops import OPS
from suites.checks.check import Asking, Spec, answered, budget
from suites.checks.special import distance
from suites.checks.special.claims import NAN_GRADIENT, PLANTED, QUICK, SPECIAL, refuse_where_fatal, worse
from suites.checks.special.words import kinds, of, policy
from suites.questions import linear
from suites.questions.families import to_dtype
from suites.questions.presets import COMMON

LINEAR, BIASED, IGNORING = (Op.of("linear_xent", **given) for given in ({}, {"bias": True}, {"ignore_index": -100}))
EVERY = OPS["linear_xent"].quantities
BY_ROW = OPS["linear_xent"].forward_and_backward
SOURCE, ROWS, CLASSES = linear.CHECK
MASKED = 7  # a class
FEATURE = 3


def asked(
    *quantities: Quantity, op: Op = LINEAR, rows: int = ROWS, classes: int = CLASSES, dtypes: tuple[str, ...] = COMMON
) -> Spec:
    """Return what a check of the linear loss is asked of."""
    return Spec((op,), quantities, SOURCE, rows, classes, dtypes)


def changed(inputs: Inputs, hidden: Array | None = None, weight: Array | None = None) -> Inputs:
    """Return inputs with other hidden states or another weight, rounded to their dtype."""
    dtype = inputs.logits.dtype.name
    made = inputs if hidden is None else replace(inputs, logits=to_dtype(hidden, dtype))
    return made if weight is None else replace(made, weight=to_dtype(weight, dtype))


def wide(inputs: Inputs) -> tuple[Array, Array]:
    """Return hidden states and weight in float64, to be written to."""
    assert inputs.weight is not None
    return inputs.logits.astype(np.float64), inputs.weight.astype(np.float64)


def alike(asking: Asking, got: Array, expected: Array, inputs: Inputs, broken: str = "") -> Checked:
    """Hold an answer to exactly these numbers, nan to nan."""
    gap = distance.exactly(got.astype(np.float64), np.broadcast_to(expected.astype(np.float64), got.shape))
    return distance.verdict(asking, got.size, inputs, gap, broken)


def near(asking: Asking, got: Array, inputs: Inputs) -> Checked:
    """Hold an answer to the exact one."""
    return distance.verdict(asking, got.size, inputs, distance.measured(asking, got, inputs))


@SPECIAL.check(asked(*EVERY))
def nan_hidden(asking: Asking) -> Checked:
    """A nan in a row of hidden states makes its loss, its gradient and that of the weight nan, and no other row's."""
    hidden, _ = wide(asking.inputs)
    hidden[PLANTED, FEATURE] = math.nan
    return _planted(asking, changed(asking.inputs, hidden), math.nan)


@SPECIAL.check(asked(*BY_ROW))
def infinite_hidden(asking: Asking) -> Checked:
    """An infinite hidden state leaves the other rows exactly as they were."""
    hidden, _ = wide(asking.inputs)
    hidden[PLANTED, FEATURE] = math.inf
    return _planted(asking, changed(asking.inputs, hidden), None)


def _planted(asking: Asking, inputs: Inputs, own: float | None) -> Checked:
    """Hold the planted row to one number, or to none, and the others to what they are by themselves."""
    got = asking.answer(inputs).astype(np.float64)
    if asking.case.quantity == "grad_weight":
        return alike(asking, got, np.full(got.shape, own), inputs)
    expected = asking.answer().astype(np.float64)
    expected[PLANTED] = got[PLANTED] if own is None else own
    return alike(asking, got, expected, inputs)


@SPECIAL.check(asked(*EVERY))
def nan_weight(asking: Asking) -> Checked:
    """A nan in the weight of one class makes every loss nan, and every gradient: all rows have that class."""
    _, weight = wide(asking.inputs)
    weight[MASKED, FEATURE] = math.nan
    inputs = changed(asking.inputs, weight=weight)
    got = asking.answer(inputs)
    return alike(asking, got, np.full(got.shape, math.nan), inputs)


@SPECIAL.check(asked("value", "grad_bias", op=BIASED))
def class_masked_by_bias(asking: Asking) -> Checked:
    """A bias of -inf is a class that is not there: a gradient of 0, and all else as without it."""
    plain = _away_from(asking.inputs, MASKED)
    assert plain.bias is not None
    assert plain.weight is not None
    bias = plain.bias.copy()
    bias[MASKED] = -np.inf
    got = asking.answer(replace(plain, bias=bias))
    others = np.delete(np.arange(CLASSES), MASKED)
    labels = np.asarray(plain.labels)
    without = replace(
        plain, weight=plain.weight[others], bias=plain.bias[others], labels=labels - (labels > MASKED).astype(int)
    )
    if asking.case.quantity == "value":
        return near(asking, got, without)
    nothing = alike(asking, got[[MASKED]], np.zeros(1), plain, "the class that is not there")
    return worse(near(asking, got[others], without), nothing)


def _away_from(inputs: Inputs, label: int) -> Inputs:
    """Return inputs without a label."""
    labels = np.asarray(inputs.labels)
    return replace(inputs, labels=np.where(labels == label, label + 1, labels))


@SPECIAL.check(asked(*EVERY))
def signed_zeros_in_product(asking: Asking) -> Checked:
    """Hidden states and weights of -0 are those of 0: the same answers, as numbers, and the exact ones."""
    answers: list[Array] = []
    for zero in (-0.0, 0.0):
        hidden, weight = wide(asking.inputs)
        hidden[0], hidden[:, FEATURE], weight[MASKED] = zero, zero, zero
        inputs = changed(asking.inputs, hidden, weight)
        answers.append(asking.answer(inputs))
    return worse(near(asking, answers[0], inputs), alike(asking, answers[0], answers[1], inputs, "0 and -0 differ"))


@SPECIAL.check(asked(*BY_ROW))
def largest_equal_logits(asking: Asking) -> Checked:
    """Hidden states of the largest finite number, either sign, that make all logits equal: no step need overflow."""
    form = FORMATS[asking.case.dtype]
    largest = (2 - 2.0 ** (1 - form.precision)) * 2.0**form.emax
    hidden, weight = wide(asking.inputs)
    hidden[PLANTED : PLANTED + 2] = 0
    hidden[PLANTED : PLANTED + 2, 0], weight[:, 0] = (largest, -largest), 1
    quarter = (asking.inputs.upstream.astype(np.float64) / 4).astype(asking.inputs.upstream.dtype)
    inputs = changed(replace(asking.inputs, upstream=quarter), hidden, weight)
    return near(asking, asking.answer(inputs), inputs)


@SPECIAL.check(asked(*EVERY, classes=1, dtypes=QUICK))
def one_class_of_a_weight(asking: Asking) -> Checked:
    """One class is certain: the loss and all gradients are 0, but for rounding."""
    return near(asking, asking.answer(), asking.inputs)


@SPECIAL.check(asked(*EVERY, rows=0, dtypes=QUICK))
def empty_batch_of_hidden(asking: Asking) -> Checked:
    """No rows have no losses and no gradient of their own, and the gradient of the weight is 0."""
    got = asking.answer()
    return alike(asking, got, np.zeros(got.shape), asking.inputs)


@SPECIAL.check(asked("grad_hidden", "grad_weight", dtypes=QUICK))
def ignored_row_of_hidden(asking: Asking) -> Checked:
    """Where a row's loss is one number whatever it holds, it has no gradient: rows labelled -100, -1 or n."""
    refuse_where_fatal(asking)
    elements = 0
    for label in (-100, -1, CLASSES):
        inputs = _labelled(asking.inputs, label)
        hidden, _ = wide(inputs)
        hidden[PLANTED] = np.arange(hidden.shape[1]) / 8 - 1
        other = changed(inputs, hidden)
        losses = [asking.attempt(given, quantity="value", fits=False) for given in (inputs, other)]
        numbers = [float(loss[PLANTED]) for loss in losses if isinstance(loss, np.ndarray) and loss.ndim == 1]
        if len(numbers) < 2 or numbers[0] != numbers[1] or not math.isfinite(numbers[0]):
            continue  # refused, nan, or a function of the row
        got = asking.attempt(inputs)
        if isinstance(got, Failed) and got.kind == "raised":
            continue  # such a label is refused in the backward pass
        array = answered(got)
        elements += array.size
        said = f"the loss of label {label} is {numbers[0]:g} whatever the row, and its gradient"
        found = _without(asking, array, inputs, said)
        if found.over > 1:
            return replace(found, elements=elements)
    return Checked(elements, 0.0)


def _labelled(inputs: Inputs, label: int) -> Inputs:
    labels = np.asarray(inputs.labels).copy()
    labels[PLANTED] = label
    return replace(inputs, labels=labels)


def _without(asking: Asking, got: Array, inputs: Inputs, said: str) -> Checked:
    """Hold gradients to those of a batch that has not the planted row, whose own are 0."""
    if asking.case.quantity == "grad_hidden":
        return alike(asking, got[[PLANTED]], np.zeros(got[[PLANTED]].shape), inputs, said)
    others = np.delete(np.arange(ROWS), PLANTED)
    rest = replace(
        inputs, logits=inputs.logits[others], labels=np.asarray(inputs.labels)[others], upstream=inputs.upstream[others]
    )
    return distance.verdict(asking, got.size, inputs, distance.measured(asking, got, rest), said)


@SPECIAL.check(Spec((IGNORING,), EVERY, "options/hidden_normal", 8, 16, QUICK))
def ignored_hidden_not_finite(asking: Asking) -> Checked:
    """An ignored row of hidden states may hold inf and nan: the others are exactly what they are without, its loss 0.

    A nan in its own gradient or in that of the weight, by 0 * nan, is recorded as a policy.
    """
    inputs = asking.inputs
    ignored = np.flatnonzero(inputs.labels == -100)
    hidden, _ = wide(inputs)
    hidden[ignored[0], FEATURE], hidden[ignored[1], 0] = math.nan, math.inf
    planted = changed(inputs, hidden)
    without, got = asking.answer().astype(np.float64), asking.answer(planted).astype(np.float64)
    whole = asking.case.quantity == "grad_weight"
    own = np.isnan(got) & (np.ones(got.shape, bool) if whole else np.isin(np.arange(len(got)), ignored)[:, None])
    if got.ndim == 2 and own.any():
        found = alike(asking, np.where(own, 0, got), np.where(own, 0, without), planted, "an ignored row is not finite")
        return found if found.over else Checked(got.size, 0.0, policy=NAN_GRADIENT)
    return alike(asking, got, without, planted, "an ignored row is not finite")


def _policy(asking: Asking, inputs: Inputs, word: Callable[[Array], str]) -> Checked:
    """Record an answer that nothing fixes."""

    def worded(mode: str, device: str) -> str:
        got = of(asking.attempt(inputs, mode=mode, device=device, fits=False), inputs.like(asking.case.quantity).shape)
        return got if isinstance(got, str) else word(got)

    return policy(asking, worded, promised=not asking.adapter.judged)


@SPECIAL.check(
    asked("value", op=Op.of("linear_xent", reduction="mean"), dtypes=QUICK),
    judges=False,
)
def mean_of_no_rows(asking: Asking) -> Checked:
    """The mean over no rows: nan, as 0 / 0 is, or 0."""
    plain = asking.inputs
    nothing = replace(plain, logits=plain.logits[:0], labels=np.asarray(plain.labels)[:0])
    return _policy(asking, nothing, kinds)


def _bad(asking: Asking, label: int) -> Checked:
    refuse_where_fatal(asking)

    def word(got: Array) -> str:
        likes = {"wrap": label % CLASSES, "clip": min(max(label, 0), CLASSES - 1)}
        fit = (name for name, other in likes.items() if _near_row(asking, got, _labelled(asking.inputs, other)))
        return next(fit, "no label" if _unlabelled(asking, got) else kinds(got[[PLANTED]]))

    return _policy(asking, _labelled(asking.inputs, label), word)


def _near_row(asking: Asking, got: Array, inputs: Inputs) -> bool:
    """Tell whether the planted row is answered as that of other inputs."""
    golden = asking.golden(inputs)
    errors = budget(asking.case.op, asking.case.quantity, inputs, golden).error["S"]
    return bool((np.abs(got[PLANTED].astype(np.float64) - golden.hi[PLANTED]) <= errors[PLANTED]).all())


def _unlabelled(asking: Asking, got: Array) -> bool:
    """Tell whether the planted row's loss is logsumexp of its logits, or its gradient that of it."""
    plain = _labelled(asking.inputs, 0)
    hidden, weight = wide(plain)
    x = hidden[PLANTED] @ weight.T
    p = np.exp(x - x.max())
    loss, gradient = x.max() + math.log(p.sum()), float(plain.upstream[PLANTED]) * (p / p.sum()) @ weight
    expected = loss if asking.case.quantity == "value" else gradient
    golden = asking.golden(plain)
    errors = budget(asking.case.op, asking.case.quantity, plain, golden).error["S"][PLANTED]
    return bool((np.abs(got[PLANTED].astype(np.float64) - expected) <= 2 * errors + 1e-12 * np.abs(expected)).all())


@SPECIAL.check(asked(*BY_ROW, dtypes=QUICK), judges=False)
def label_past_the_weight(asking: Asking) -> Checked:
    """A class index of n, one past the last: an error, nan, 0, wrapped, clipped, or logsumexp as without a label."""
    return _bad(asking, CLASSES)


@SPECIAL.check(asked(*BY_ROW, dtypes=QUICK), judges=False)
def label_below_the_weight(asking: Asking) -> Checked:
    """A class index of -1: an error, nan, 0, wrapped to the last class, clipped, or logsumexp as without a label."""
    return _bad(asking, -1)


@SPECIAL.check(asked(*BY_ROW, dtypes=QUICK), judges=False)
def label_minus_100_of_a_weight(asking: Asking) -> Checked:
    """A class index of -100, which torch ignores: 0, an error, nan, wrapped, clipped, or logsumexp."""
    return _bad(asking, -100)
