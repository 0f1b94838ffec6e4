"""Special values whose answers mathematics fixes, and that a stable textbook implementation gives."""

from __future__ import annotations

import math
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from harness.model import FORMATS, QUANTITIES, Array, Checked, Inputs, Op, Quantity, Unsupported
from harness.ops import OPS, VALUE_AND_GRADIENT, VALUE_ONLY, plain
from suites.checks.check import Asking, NoAnswer, Spec, Suite
from suites.checks.special import distance
from suites.checks.special.distance import Gap
from suites.questions.families import to_dtype
from suites.questions.presets import COMMON

SPECIAL = Suite("special")

ROWS, CLASSES = 4, 6  # one shape for nearly all, because each is a compilation for every compiled function
QUICK = ("float32",)  # of what hardly depends on the dtype, and compiles anew
PLANTED = 1  # the row that something is planted in; the others are its neighbours
LABEL = 2  # of the rows with a masked class
NAN_GRADIENT = "nan in the gradient of an ignored row that is not finite"
SOFTMAX, SPARSE, DENSE, POINT_LOSS = (Op.of(name) for name in ("softmax", "sparse_xent", "dense_xent", "sigmoid_xent"))
ROW_OPS, POINT_OPS = plain("class", "row"), plain("point")
WITHOUT_LABELS = tuple(op for op in ROW_OPS if OPS[op.name].labels == "none")
SIGMOIDS = tuple(op for op in POINT_OPS if OPS[op.name].labels == "none")

# Functions whose documentation says that labels which do not sum to one get another gradient, "p - y".
# https://www.tensorflow.org/api_docs/python/tf/nn/softmax_cross_entropy_with_logits, "If they are not, the computation
# of the gradient will be incorrect"; those of compat.v1 repeat it or say that they call it.
SUM_TO_ONE = ("tf.nn.softmax_cross_entropy*", "tf.compat.*.softmax_cross_entropy*")


def part(inputs: Inputs, rows: slice, n: int) -> Inputs:
    """Return the first n classes of some rows."""
    at = (rows, slice(n))
    labels = None if inputs.labels is None else inputs.labels[at[: inputs.labels.ndim]]
    return Inputs(inputs.logits[at], labels, inputs.upstream[at[: inputs.upstream.ndim]])


def drawn(
    *ops: Op,
    quantities: tuple[Quantity, ...] = QUANTITIES,
    rows: int = ROWS,
    classes: int = CLASSES,
    dtypes: tuple[str, ...] = COMMON,
) -> Spec:
    """Return what a check is asked of: ordinary logits to plant something in. dtypes: of the quick preset."""
    return Spec(ops, quantities, "normal", rows, classes, dtypes)


def with_logits(inputs: Inputs, logits: Array) -> Inputs:
    """Return inputs with other logits, rounded to the dtype."""
    return replace(inputs, logits=to_dtype(logits.astype(np.float64), inputs.logits.dtype.name))


def planted(inputs: Inputs, *at: tuple[Any, float | Array]) -> Inputs:
    """Return inputs with some logits replaced: (index as numpy takes it, value)."""
    logits = inputs.logits.astype(np.float64)
    for index, value in at:
        logits[index] = value
    return with_logits(inputs, logits)


def neighbours(asking: Asking, got: Array, inputs: Inputs) -> Gap:
    """Return the first element that is not exactly as without what is planted, of those it has nothing to do with."""
    plain = asking.answer().astype(np.float64)
    touched = inputs.logits.astype(np.float64) != asking.inputs.logits.astype(np.float64)
    touched |= np.isnan(inputs.logits.astype(np.float64))
    if asking.case.op in ROW_OPS:
        touched = touched.any(axis=1) if got.ndim == 1 else touched.any(axis=1, keepdims=True)
    return distance.exactly(np.where(touched, plain, got.astype(np.float64)), plain)


def untouched(asking: Asking, got: Array, inputs: Inputs) -> Checked:
    """Hold the other rows of a batch, or the other elements of an elementwise op, to what they are by themselves."""
    broken = "another row changes" if asking.case.op in ROW_OPS else "another element changes"
    return distance.verdict(asking, got.size, asking.inputs, neighbours(asking, got, inputs), broken)


def ruled(asking: Asking, got: Array, inputs: Inputs) -> Checked:
    """Hold what is planted to its rules, and all else to what it is without."""
    found = distance.verdict(asking, got.size, inputs, distance.unruly(asking, got, inputs))
    return worse(found, untouched(asking, got, inputs))


def refuse_where_fatal(asking: Asking) -> None:
    """Do not ask for a class that is not there on a GPU that dies of it. Raises NoAnswer there."""
    if asking.adapter.fatal_labels and asking.target.device != "cpu":
        raise NoAnswer(Unsupported("not asked: a bad class index is a device-side assert, which ends the process' GPU"))


def worse(first: Checked, second: Checked) -> Checked:
    """Return the worse of two findings about one answer."""
    return second if second.over > first.over else first


@SPECIAL.check(drawn(*ROW_OPS, *POINT_OPS))
def nan_logit(asking: Asking) -> Checked:
    """One nan logit makes every answer that depends on it nan, and leaves the rest of the batch exactly as it was."""
    inputs = planted(asking.inputs, ((PLANTED, 3), math.nan))
    return ruled(asking, asking.answer(inputs), inputs)


@SPECIAL.check(drawn(*ROW_OPS, *POINT_OPS))
def infinite_neighbour(asking: Asking) -> Checked:
    """A row with a logit of inf, or with nothing but -inf, leaves the other rows of the batch exactly as they were."""
    found = []
    for planting in (((PLANTED, 3), math.inf), (PLANTED, -math.inf)):
        inputs = planted(asking.inputs, planting)
        found.append(untouched(asking, asking.answer(inputs), inputs))
    return worse(*found)


@SPECIAL.check(drawn(*WITHOUT_LABELS, SPARSE, quantities=VALUE_AND_GRADIENT))
def masked_class(asking: Asking) -> Checked:
    """A logit of -inf is a class that is not there: softmax 0, log_softmax -inf, gradient 0, all else as without it."""
    others = [j for j in range(CLASSES) if j != LABEL]
    masks = ((0, 0), (1, -1), (2, [1, 3]), (3, others))
    inputs = planted(asking.inputs, *((mask, -math.inf) for mask in masks))
    if asking.case.op == SPARSE:
        inputs = replace(inputs, labels=np.full(ROWS, LABEL))
    if asking.case.op.name == "log_softmax":  # whose gradient passes on what comes in at a -inf
        inputs = replace(inputs, upstream=inputs.upstream * np.isfinite(inputs.logits))
    return distance.hold(asking, asking.answer(inputs), inputs)


@SPECIAL.check(drawn(SPARSE, quantities=VALUE_AND_GRADIENT), drawn(DENSE, quantities=VALUE_ONLY))
def masked_label(asking: Asking) -> Checked:
    """A label on a class whose logit is -inf costs inf; the gradient with respect to the logits stays finite."""
    inputs = planted(asking.inputs, (np.s_[1:, LABEL], -math.inf))
    if asking.case.op == SPARSE:
        inputs = replace(inputs, labels=np.full(ROWS, LABEL))
    else:
        labels = np.where(np.arange(CLASSES) == LABEL, 0.375, 0.125) * np.ones((ROWS, 1))
        labels[1] = np.arange(CLASSES) == LABEL
        inputs = replace(inputs, labels=to_dtype(labels, asking.case.dtype))
    return distance.hold(asking, asking.answer(inputs), inputs)


@SPECIAL.check(drawn(*SIGMOIDS, quantities=VALUE_AND_GRADIENT))
def saturated(asking: Asking) -> Checked:
    """Of a logit of inf or -inf sigmoid is 1 or 0, log_sigmoid 0 or -inf, and the gradients are their limits."""
    inputs = planted(asking.inputs, ((0, 0), math.inf), ((0, 1), -math.inf), ((1, 4), math.inf), (2, -math.inf))
    return ruled(asking, asking.answer(inputs), inputs)


@SPECIAL.check(drawn(*ROW_OPS, *POINT_OPS))
def signed_zeros(asking: Asking) -> Checked:
    """A logit of -0 is a logit of 0: the same answers, as numbers, and the exact ones."""
    zeros = (0, np.s_[1, ::2], (2, 3))
    inputs = planted(asking.inputs, *((zero, -0.0) for zero in zeros))
    got = asking.answer(inputs)
    as_plus = asking.answer(planted(asking.inputs, *((zero, 0.0) for zero in zeros)))
    found = distance.exactly(got.astype(np.float64), as_plus.astype(np.float64))
    alike = distance.verdict(asking, got.size, inputs, found, "0 and -0 differ")
    return worse(distance.hold(asking, got, inputs), alike)


@SPECIAL.check(drawn(*ROW_OPS, *POINT_OPS))
def subnormal_logits(asking: Asking) -> Checked:
    """Subnormal logits among themselves and beside ordinary ones count as what they are, or as 0."""
    form = FORMATS[asking.case.dtype]
    smallest, largest = 2.0 ** (form.emin - form.precision + 1), 2.0**form.emin * (1 - 2.0 ** (1 - form.precision))
    tiny = np.array([smallest, -smallest, largest, -largest, 0.0, 3 * smallest])
    inputs = planted(asking.inputs, (0, tiny), (np.s_[1, :3], tiny[:3]), ((2, 4), smallest))
    return distance.hold(asking, asking.answer(inputs), inputs)


@SPECIAL.check(drawn(*ROW_OPS, rows=33, classes=1, dtypes=QUICK))  # more rows than a vector has lanes
def one_class(asking: Asking) -> Checked:
    """One class is certain: softmax is 1, log_softmax, losses and gradients are 0, but for rounding."""
    got = asking.answer()
    return distance.verdict(asking, got.size, asking.inputs, distance.measured(asking, got, asking.inputs))


@SPECIAL.check(drawn(*ROW_OPS, *POINT_OPS, rows=0, dtypes=QUICK))
def empty_batch(asking: Asking) -> Checked:
    """No rows give no answers: an empty array of the shape and dtype that the answer has, value and gradient."""
    asking.answer()  # checks both
    return Checked(0, 0.0)


@SPECIAL.check(drawn(*ROW_OPS, *POINT_OPS))
def largest_magnitudes(asking: Asking) -> Checked:
    """Equal logits at the largest finite number, either sign, or one of it among zeros: no step needs to overflow."""
    form = FORMATS[asking.case.dtype]
    largest = (2 - 2.0 ** (1 - form.precision)) * 2.0**form.emax
    logits = np.zeros((ROWS, CLASSES))
    logits[0], logits[1], logits[2, 1], logits[3, 3] = largest, -largest, largest, -largest
    halved = (asking.inputs.upstream.astype(np.float64) / 2).astype(asking.inputs.upstream.dtype)  # at most 1
    inputs = with_logits(replace(asking.inputs, upstream=halved), logits)
    return distance.hold(asking, asking.answer(inputs), inputs)


@SPECIAL.check(drawn(DENSE, quantities=VALUE_AND_GRADIENT))
def labels_not_summing_to_one(asking: Asking) -> Checked:
    """Labels that do not sum to one weigh the loss: -sum y log p, and p sum y - y, or the documented p - y."""
    labels = np.array([[0.5, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0.5, 0], [0, 0, 0, 0, 0, 0], [2, 0.25, 0.25, 0, 1, 0]])
    return _weighed(asking, replace(asking.inputs, labels=to_dtype(labels, asking.case.dtype)))


@SPECIAL.check(drawn(DENSE, POINT_LOSS, quantities=VALUE_AND_GRADIENT))
def labels_outside_unit_interval(asking: Asking) -> Checked:
    """Labels below 0 or above 1 that sum to one go through the formula as any other number."""
    labels = np.array([[1.5, -0.5, 0, 0, 0, 0], [-1, 1, 1, 0, 0, 0], [2, -1, -1, 0.5, 0.5, 0], [0, 0, 0, 3, 0, -2]])
    return _weighed(asking, replace(asking.inputs, labels=to_dtype(labels, asking.case.dtype)))


def _weighed(asking: Asking, inputs: Inputs) -> Checked:
    got = asking.answer(inputs)
    found = distance.hold(asking, got, inputs)
    if found.over <= 1 or asking.case.op != DENSE or asking.case.quantity != "grad_logits":
        return found
    if not _as_if_summing_to_one(asking, got, inputs):
        return found
    documented = any(fnmatchcase(asking.target.implementation.name, name) for name in SUM_TO_ONE)
    return Checked(got.size, 0.0, policy="p - y") if documented else replace(found, policy="p - y")


def _as_if_summing_to_one(asking: Asking, got: Array, inputs: Inputs) -> bool:
    """Tell whether a gradient is g (p - y)."""
    weights = Op.of("logsumexp")  # whose gradient is g p
    golden = asking.golden(inputs, weights, "grad_logits")
    assert inputs.labels is not None
    expected = golden.hi - inputs.upstream.astype(np.float64)[:, None] * inputs.labels.astype(np.float64)
    allowed = asking.allowed(inputs) + asking.allowed(inputs, weights)
    return bool((np.abs(got.astype(np.float64) - expected) <= allowed).all())
