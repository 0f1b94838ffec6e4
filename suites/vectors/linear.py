"""The test vectors of linear ops: few rows, features and classes of each family; a bias, padding, one class."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from harness.model import DTYPES, Array, Op, Param, Quantity
from harness.ops import OPS
from reference.question import Numbers, Question
from suites.questions import linear

SHAPE = (3, 2, 4)  # rows, whose labels are the largest, the smallest and any class; features; classes
ONE_CLASS = (2, 2, 1)
SOFT = "linear_dense_xent"
FAMILIES = tuple(name for name in linear.QUICK if name != "wide_vocabulary")
BIASED = ("hidden_normal", "common_direction", "whole_numbers")
PADDING = -100  # a label that is ignored
IGNORED = ((True, False, True), (True, True, True))  # rows
QUANTITIES = OPS["linear_xent"].quantities
WITH_BIAS: tuple[Quantity, ...] = (*QUANTITIES, "grad_bias")


def questions() -> Iterator[tuple[Question, str]]:
    """Yield each question with its family."""
    for family, dtype in itertools.product(FAMILIES, DTYPES):
        for quantity in QUANTITIES:
            yield _question({}, quantity, family, dtype), family
        for quantity in WITH_BIAS if family in BIASED else ():
            yield _question({"bias": True}, quantity, family, dtype), family
    family = "hidden_normal"
    for dtype, ignored, quantity in itertools.product(DTYPES, IGNORED, QUANTITIES):
        asked = _question({"ignore_index": PADDING}, quantity, family, dtype)
        labels = tuple(float(PADDING) if out else z for z, out in zip(asked.labels, ignored, strict=True))
        yield replace(asked, labels=labels), family
    for dtype, quantity in itertools.product(DTYPES, QUANTITIES):
        yield _question({}, quantity, family, dtype, ONE_CLASS), family
    for family, dtype in itertools.product(linear.SOFT, DTYPES):
        for quantity in QUANTITIES:
            yield _question({}, quantity, family, dtype, name=SOFT), family
        if family in BIASED:
            for quantity in WITH_BIAS:
                yield _question({"bias": True}, quantity, family, dtype, name=SOFT), family


def _question(
    options: Mapping[str, Param],
    quantity: Quantity,
    family: str,
    dtype: str,
    shape: linear.Shape = SHAPE,
    name: str = "linear_xent",
) -> Question:
    """Return a plain case's arrays, asked with options."""
    bias = {"bias": True} if "bias" in options else {}
    drawn = linear.inputs(linear.case(Op.of(name, **bias), "value", family, dtype, shape))
    return Question(
        Op.of(name, **options),
        quantity,
        dtype,
        _flat(drawn.logits),
        _flat(drawn.labels),
        () if quantity == "value" else _flat(drawn.upstream),
        rows=shape[0],
        weight=_flat(drawn.weight),
        bias=_flat(drawn.bias),
    )


def _flat(array: Array | None) -> Numbers:
    return () if array is None else tuple(array.astype(np.float64).ravel().tolist())
