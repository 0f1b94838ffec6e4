"""Laws of the losses: what the labels do to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.model import FORMATS, Checked, Failed, Unsupported
from harness.ops import VALUE_AND_GRADIENT
from suites.checks.check import Asking, NoAnswer, Spec, answered
from suites.checks.laws.law import (
    CLASSES,
    DENSE,
    LAWS,
    LOGSUMEXP,
    LOSSES,
    ROWS,
    SPARSE,
    blockwise,
    changed,
    generator,
    hold,
)
from suites.questions.families import to_dtype

PAIRS = 1024  # two-class rows


@LAWS.check(Spec(LOSSES, VALUE_AND_GRADIENT, "normal", 2 * ROWS, CLASSES))
def one_hot(asking: Asking) -> Checked:
    """The dense loss of one-hot labels is the sparse one: each held to the other's exact answer.

    Every class is the label once, and a whole batch is one-hot.
    """
    index = generator(asking).permutation(CLASSES)
    hot = to_dtype((np.arange(CLASSES) == index[:, None]).astype(float), asking.case.dtype)
    inputs = replace(asking.inputs, labels=index if asking.case.op == SPARSE else hot)
    return hold(asking, blockwise(asking, inputs), inputs)


@LAWS.check(Spec((LOGSUMEXP, *LOSSES), VALUE_AND_GRADIENT, "two_class_gap", PAIRS, 2))
def loss_is_logsumexp_less_logit(asking: Asking) -> Checked:
    """The loss of a label is logsumexp less its logit: of logits 0 and x, log(1 + e**x) for every size of x.

    x of either sign in every binade, from half an ulp of 1 to where the loss underflows.
    """
    form, rng = FORMATS[asking.case.dtype], generator(asking)
    deepest = np.log2(1.1 * (form.precision - form.emin) * np.log(2))
    x = 2.0 ** rng.uniform(-form.precision - 1, deepest, PAIRS) * np.resize([1, -1], PAIRS)
    inputs = changed(asking, np.stack([np.zeros(PAIRS), x], axis=1))
    first = np.zeros(PAIRS, np.int64)
    hot = to_dtype(np.tile([1.0, 0.0], (PAIRS, 1)), asking.case.dtype)
    if asking.case.op != LOGSUMEXP:
        inputs = replace(inputs, labels=first if asking.case.op == SPARSE else hot)
    return hold(asking, asking.answer(inputs), inputs)


@LAWS.check(Spec((DENSE,), VALUE_AND_GRADIENT, "normal", ROWS, CLASSES))
def linear_in_labels(asking: Asking) -> Checked:
    """The dense loss and its gradient are linear in the labels, whatever these add up to.

    Labels of full precision times 1, 2, 4, 1/2 and 1/1024, the sum of two rows of labels, few labels, and none. A
    function that raises refuses what is no distribution, and is not asked.
    """
    rng = generator(asking)
    kinds = 8
    single = rng.dirichlet(np.ones(CLASSES), ROWS)
    factors = np.resize([1.0, 2.0, 4.0, 0.5, 2.0**-10, 1.0, 1.0, 0.0], ROWS)[:, None]
    labels = factors * single
    labels[5::kinds] += rng.dirichlet(np.ones(CLASSES), ROWS // kinds)
    labels[6::kinds] *= rng.random((ROWS // kinds, CLASSES)) < 0.1
    inputs = replace(asking.inputs, labels=to_dtype(labels, asking.case.dtype))
    got = asking.attempt(inputs)
    if isinstance(got, Failed) and got.kind == "raised":
        raise NoAnswer(Unsupported(f"labels that are no distributions are refused: {got.reason}"))
    return hold(asking, answered(got), inputs)
