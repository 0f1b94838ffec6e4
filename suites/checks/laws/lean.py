"""Many long rows together: chance errs to either side of the exact sum, and what is left of their mean is a lean."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from harness.model import FORMATS, Array, Checked, Inputs
from harness.ops import VALUE_AND_GRADIENT
from reference import bounds, rounding
from reference.golden import digits
from suites.checks.check import Asking, Spec
from suites.checks.laws.law import BY_ROW, LAWS, LOG_SOFTMAX, furthest
from suites.judging.judge import ACCEPTED
from suites.judging.worst import worst_element
from suites.questions import recipes

MANY, LONG = 32, 16_384
FALSE_ALARM = 1e-9  # of a question, for errors that chance alone decides
STUDENT = 8.62  # two-sided quantile of Student's t with MANY - 1 degrees of freedom


@LAWS.check(Spec(BY_ROW, VALUE_AND_GRADIENT, "normal", MANY, LONG, dtypes=("float32",)))
def lean(asking: Asking) -> Checked:
    """The sums of 32 rows of 16 384 classes are not low together, nor high: their mean error is what chance explains.

    Of every row it is taken by how much its sum is off, as the answer shows it: what a softmax adds up to beyond 1, the
    mean error of a log_softmax. The mean of the rows is allowed what the budget leaves beside the order of a sum, and
    8.62 of its own standard errors, which rows without a lean exceed once in 10**9 questions.
    """
    inputs = _steady(asking)
    got = asking.answer(inputs)
    return asking.found("lean", got, inputs, partial(_measured, asking, got, inputs))


def _measured(asking: Asking, got: Array, inputs: Inputs) -> Checked:
    """Hold the mean error of an answer's rows to what chance explains."""
    golden = asking.golden(inputs)
    form = FORMATS[asking.case.dtype]
    beside = bounds.beside_sums(asking.case.op, asking.case.quantity, inputs, golden).error
    errors = np.maximum.reduce([beside[kind] for kind in ACCEPTED if kind in beside])
    with np.errstate(invalid="ignore"):
        wrong = (got.astype(np.float64) - golden.hi) - golden.lo
        shares = _shares(asking, golden.hi)
        each = _rows(wrong * shares)
        allowed = float(_rows(errors * shares).mean())
        allowed += STUDENT * float(each.std(ddof=1)) / math.sqrt(len(each))
        over = abs(float(each.mean())) / allowed
    if over <= 1:
        return Checked(got.size, over)
    index = furthest(np.abs(wrong * shares))
    worst = worst_element(
        asking.case,
        inputs,
        index,
        rounding.nearest_at(golden, form, index),
        float(got[index]),
        exact=digits(golden, index),
    )
    detail = f"the sums of {len(each)} rows are off by {each.mean():.3g} of themselves on average, {each.min():.3g} to "
    detail += f"{each.max():.3g}; furthest element {index} is {got[index]:.9g}, held to {golden.hi[index]:.9g}"
    over = over if math.isfinite(over) else math.inf
    return Checked(got.size, over, detail=detail, worst=replace(worst, logits=recipes.recipe(asking.case, index[0])))


def _steady(asking: Asking) -> Inputs:
    """Return the inputs of the case, each incoming gradient 1."""
    inputs = asking.inputs
    return replace(inputs, upstream=np.ones_like(inputs.upstream))


def _rows(values: Array) -> Array:
    """Sum up each row."""
    return values if values.ndim == 1 else np.asarray(values.sum(axis=1))


def _shares(asking: Asking, exact: Array) -> Array:
    """Return what each element's error counts, so that a row's add up to the relative error of its sum."""
    if asking.case.op != LOG_SOFTMAX:
        return np.ones(exact.shape)
    return np.exp(exact) if asking.case.quantity == "value" else np.full(exact.shape, 1 / exact.shape[1])
