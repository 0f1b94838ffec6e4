"""Special values whose answers nothing fixes: each is recorded as a policy, in a few words, to be shown side by side.

A stable textbook implementation gives nan for many of them, by inf - inf or 0 * inf, where the limit is another. What
deviates is a policy that is another one in another mode or on another device of the framework, or that the framework's
documentation denies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np

from harness.model import FORMATS, QUANTITIES, Array, Checked, Inputs, Op, Quantity, Worst
from harness.ops import OPS, VALUE_AND_GRADIENT, VALUE_ONLY
from reference import golden
from suites.checks.check import Asking, Spec
from suites.checks.special import distance
from suites.checks.special import words as special_words
from suites.checks.special.claims import (
    CLASSES,
    DENSE,
    LABEL,
    PLANTED,
    POINT_LOSS,
    QUICK,
    ROW_OPS,
    ROWS,
    SPARSE,
    SPECIAL,
    drawn,
    planted,
    refuse_where_fatal,
)
from suites.checks.special.words import Like, phrase, policy
from suites.questions import cases
from suites.questions.families import to_dtype

AT = slice(PLANTED, PLANTED + 1)


def asked(*ops: Op, quantities: tuple[Quantity, ...] = QUANTITIES, rows: int = ROWS, classes: int = CLASSES) -> Spec:
    """Return what a policy is asked of: one dtype in the quick preset, as none is known that depends on it."""
    return drawn(*ops, quantities=quantities, rows=rows, classes=classes, dtypes=QUICK)


def row_policy(
    asking: Asking,
    inputs: Inputs,
    likes: Mapping[str, Like],
    neighbours: Inputs | None = None,
    *,
    promised: bool = True,
) -> Checked:
    """Record what the planted row gets, and whether the other rows get something else than beside an ordinary one."""

    def word(mode: str, device: str) -> str:
        got = _asked(asking, inputs, mode, device)
        if isinstance(got, str):
            return got
        plain = asking.answer(neighbours, mode=mode, device=device)
        same = np.array_equal(_others(got), _others(plain), equal_nan=True)
        return special_words.named(asking, got[AT], likes) + ("" if same else ", other rows change")

    return policy(asking, word, promised=promised)


def _asked(asking: Asking, inputs: Inputs, mode: str, device: str) -> str | Array:
    got = asking.attempt(inputs, mode=mode, device=device, fits=False)
    return special_words.of(got, golden.shape(asking.case.quantity, inputs))


def _others(answer: Array) -> Array:
    return np.delete(answer.astype(np.float64), PLANTED, axis=0)


def planted_row(inputs: Inputs) -> Inputs:
    """Return the planted row alone."""
    return special_words.rows(inputs, AT)


@SPECIAL.check(asked(*ROW_OPS), judges=False)
def infinite_logit(asking: Asking) -> Checked:
    """One logit is inf: the limit, as the softmax is 1 there, or nan by inf - inf."""
    ordinary = _labelled(asking)
    inputs = planted(ordinary, ((PLANTED, 3), math.inf))
    return row_policy(asking, inputs, {"limit": Like(planted_row(inputs))}, ordinary)


@SPECIAL.check(asked(SPARSE, quantities=VALUE_AND_GRADIENT), judges=False)
def infinite_label(asking: Asking) -> Checked:
    """The label's logit is inf: the limit, a loss of 0, or nan by inf - inf."""
    ordinary = _labelled(asking)
    inputs = planted(ordinary, ((PLANTED, LABEL), math.inf))
    return row_policy(asking, inputs, {"limit": Like(planted_row(inputs))}, ordinary)


@SPECIAL.check(asked(*ROW_OPS), judges=False)
def infinite_logits(asking: Asking) -> Checked:
    """Two logits are inf: there is no limit, and nan is what inf - inf gives."""
    ordinary = _labelled(asking)
    return row_policy(asking, planted(ordinary, ((PLANTED, [0, 3]), math.inf)), {}, ordinary)


@SPECIAL.check(asked(*ROW_OPS), judges=False)
def every_class_masked(asking: Asking) -> Checked:
    """Every logit of a row is -inf, as where all is masked: nan by inf - inf, or 0, 1/n, or the limit -inf."""
    return row_policy(asking, planted(asking.inputs, (PLANTED, -math.inf)), {})


@SPECIAL.check(asked(DENSE), judges=False)
def zero_label_on_masked_class(asking: Asking) -> Checked:
    """A label of 0 on a class whose logit is -inf: the limit, as 0 log 0 is 0, or nan by 0 * inf."""
    labels = asking.inputs.labels
    assert labels is not None
    weights = labels.copy()
    weights[PLANTED] = np.array([0.25, 0.25, 0.25, 0, 0.125, 0.125])
    ordinary = replace(asking.inputs, labels=weights)
    inputs = planted(ordinary, ((PLANTED, 3), -math.inf))
    return row_policy(asking, inputs, {"limit": Like(planted_row(inputs))}, ordinary)


@SPECIAL.check(asked(POINT_LOSS), judges=False)
def infinite_logit_of_sigmoid_xent(asking: Asking) -> Checked:
    """A logit of inf or -inf under a label of 0, 1/2 or 1: the limit, or nan by inf - inf or 0 * inf."""
    points = list(product((math.inf, -math.inf), (0.0, 0.5, 1.0)))
    logits, weights = np.array(points).T
    assert asking.inputs.labels is not None
    labels = asking.inputs.labels.copy()
    labels[PLANTED] = weights
    inputs = replace(planted(asking.inputs, (PLANTED, logits)), labels=labels)
    row = planted_row(inputs)

    def word(mode: str, device: str) -> str:
        got = _asked(asking, inputs, mode, device)
        if isinstance(got, str):
            return got
        words = {}
        for j, (x, z) in enumerate(points):
            point = Inputs(row.logits[:, [j]], labels[AT, [j]], row.upstream[:, [j]])
            words[f"{x:g} under {z:g}"] = special_words.named(asking, got[AT, [j]], {"limit": Like(point)})
        return phrase(words)

    return policy(asking, word)


@SPECIAL.check(asked(*ROW_OPS, rows=2, classes=0), judges=False)
def zero_classes(asking: Asking) -> Checked:
    """Rows without classes: an empty answer, or for what is one number a row -inf, 0 or nan, or an error."""
    refuse_where_fatal(asking)
    one = cases.inputs(replace(asking.case, classes=1))
    labels = one.labels if one.labels is None or one.labels.ndim == 1 else one.labels[:, :0]
    inputs = Inputs(one.logits[:, :0], labels, one.upstream[:, :0] if one.upstream.ndim > 1 else one.upstream)

    def word(mode: str, device: str) -> str:
        got = _asked(asking, inputs, mode, device)
        return got if isinstance(got, str) else special_words.kinds(got)

    return policy(asking, word)


@SPECIAL.check(asked(Op.of("dense_xent", reduction="mean"), rows=0), judges=False)
def mean_of_nothing(asking: Asking) -> Checked:
    """The mean loss of an empty batch: nan, as 0 / 0, or 0; its gradient is empty."""

    def word(mode: str, device: str) -> str:
        got = _asked(asking, asking.inputs, mode, device)
        return got if isinstance(got, str) else special_words.kinds(got)

    return policy(asking, word)


def _labelled(asking: Asking) -> Inputs:
    """Return the inputs, class indices replaced by one of our own choosing."""
    chosen = OPS[asking.case.op.name].labels == "index"
    return replace(asking.inputs, labels=np.full(ROWS, LABEL)) if chosen else asking.inputs


@SPECIAL.check(asked(SPARSE, quantities=VALUE_AND_GRADIENT), judges=False)
def label_too_large(asking: Asking) -> Checked:
    """A class index of n, one past the last: an error, nan, ignored with loss and gradient 0, wrapped or clipped."""
    return _bad_label(asking, CLASSES)


@SPECIAL.check(asked(SPARSE, quantities=VALUE_AND_GRADIENT), judges=False)
def label_negative(asking: Asking) -> Checked:
    """A class index of -1: an error, nan, ignored with loss and gradient 0, wrapped to the last class or clipped."""
    return _bad_label(asking, -1)


@SPECIAL.check(asked(SPARSE, quantities=VALUE_AND_GRADIENT), judges=False)
def label_minus_100(asking: Asking) -> Checked:
    """A class index of -100: ignored, as PyTorch documents, loss and gradient 0; elsewhere as any bad index."""
    return _bad_label(asking, -100)


def _bad_label(asking: Asking, label: int) -> Checked:
    refuse_where_fatal(asking)

    def with_label(index: int) -> Inputs:
        labels = np.asarray(asking.inputs.labels).copy()
        labels[PLANTED] = index
        return replace(asking.inputs, labels=labels)

    none = Like(replace(planted_row(asking.inputs), labels=None), Op.of("logsumexp"))
    wrapped, clipped = (
        Like(planted_row(with_label(index))) for index in (label % CLASSES, min(max(label, 0), CLASSES - 1))
    )
    likes = {"wrap": wrapped, "clip": clipped, "no label": none}
    return row_policy(asking, with_label(label), likes, promised=not asking.adapter.judged)


TAKEN = "taken"
ROUNDINGS = 16  # of two sums of eight terms
OTHER_DTYPES: Mapping[str, tuple[str, ...]] = {  # by what the labels are
    "index": ("int32", "int16", "uint8", "float32"),
    "row": ("int64", "bool", "float64", "float32"),
}


@SPECIAL.check(asked(SPARSE, DENSE, POINT_LOSS, quantities=VALUE_ONLY), judges=False)
def labels_of_another_dtype(asking: Asking) -> Checked:
    """Labels of 0 and 1, or class indices, in another dtype: taken, taken and the result widened, or an error.

    An answer that is another than that to the same labels in their usual dtype is a deviation; of class indices,
    `invariance.label_dtype` says so.
    """
    given = asking.inputs.labels
    assert given is not None
    usual = given if given.ndim == 1 else to_dtype(np.eye(ROWS, CLASSES), asking.case.dtype)
    inputs = replace(asking.inputs, labels=usual)
    dtypes = [dtype for dtype in OTHER_DTYPES[OPS[asking.case.op.name].labels] if dtype != usual.dtype.name]

    def words(mode: str, device: str) -> dict[str, str]:
        given = {dtype: replace(inputs, labels=usual.astype(dtype)) for dtype in dtypes}
        plain = asking.answer(inputs, mode=mode, device=device)
        answers = {dtype: _asked(asking, other, mode, device) for dtype, other in given.items()}
        return {dtype: got if isinstance(got, str) else _taken(got, plain, inputs) for dtype, got in answers.items()}

    target = asking.target
    own = words(target.mode, target.device)
    for dtype, word in own.items():
        if usual.ndim > 1 and not word.startswith((TAKEN, special_words.ERROR)):
            detail = f"labels in {dtype} get {word!r}, expected the answer to those in {usual.dtype.name}, or an error"
            return Checked(1, math.inf, phrase(own), detail, _misread(asking, inputs, dtype))

    def word_of(mode: str, device: str) -> str:
        return phrase(own if (mode, device) == (target.mode, target.device) else words(mode, device))

    return policy(asking, word_of, promised=not asking.adapter.judged)


def _misread(asking: Asking, inputs: Inputs, dtype: str) -> Worst | None:
    """Describe the first element that labels in another dtype change; none where the answer has another shape."""
    assert inputs.labels is not None
    usual, got = asking.answer(inputs), asking.attempt(replace(inputs, labels=inputs.labels.astype(dtype)), fits=False)
    if not isinstance(got, np.ndarray) or got.shape != usual.shape:
        return None
    gap = distance.exactly(got.astype(np.float64), usual.astype(np.float64))
    return asking.worst(inputs, gap.index, gap.expected, gap.got) if gap.over else None


def _taken(got: Array, plain: Array, inputs: Inputs) -> str:
    """Name an answer beside that to the usual labels, from which it may be ROUNDINGS of its terms away.

    Labels in another dtype may have the whole computed in that dtype, or the usual answer in a coarser one.
    """
    unit = max(FORMATS[name].unit for name in (got.dtype.name, plain.dtype.name) if name in FORMATS)
    x = np.abs(inputs.logits.astype(np.float64))
    terms = np.abs(plain.astype(np.float64)) + (x.max(axis=1) if plain.ndim == 1 else x)
    near = np.abs(got.astype(np.float64) - plain.astype(np.float64)) <= ROUNDINGS * unit * terms
    name = TAKEN if near.all() else special_words.kinds(got)
    return name if got.dtype == plain.dtype else f"{name}, {got.dtype.name} out"
