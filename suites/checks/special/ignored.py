"""Rows that do not count: a loss that is one number has gradient 0, and no other row sees what they hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from harness.model import Checked, Failed, Op
from harness.ops import VALUE_AND_GRADIENT
from suites.checks.check import Asking, Spec, answered
from suites.checks.special import distance
from suites.checks.special.claims import (
    CLASSES,
    NAN_GRADIENT,
    PLANTED,
    QUICK,
    SPARSE,
    SPECIAL,
    drawn,
    planted,
    refuse_where_fatal,
)

NO_CLASSES = (-100, -1, CLASSES)
IGNORE = Op.of("sparse_xent", ignore_index=-100)
REDUCED = tuple(Op.of("sparse_xent", ignore_index=-100, reduction=reduction) for reduction in ("sum", "mean_valid"))


@SPECIAL.check(drawn(SPARSE, quantities=("grad_logits",), dtypes=QUICK))
def ignored_row(asking: Asking) -> Checked:
    """Where a row's loss is one number whatever its logits, its gradient is 0: rows labelled -100, -1 or n."""
    refuse_where_fatal(asking)
    elements = 0
    for label in NO_CLASSES:
        labels = np.asarray(asking.inputs.labels).copy()
        labels[PLANTED] = label
        inputs = replace(asking.inputs, labels=labels)
        other = planted(inputs, (PLANTED, np.arange(CLASSES) - 2.0))
        losses = [asking.attempt(given, quantity="value", fits=False) for given in (inputs, other)]
        numbers = [float(loss[PLANTED]) for loss in losses if isinstance(loss, np.ndarray) and loss.ndim == 1]
        if len(numbers) < 2 or numbers[0] != numbers[1] or not math.isfinite(numbers[0]):
            continue  # refused, nan, or a function of the logits
        got = asking.attempt(inputs)
        if isinstance(got, Failed) and got.kind == "raised":
            continue  # such a label is refused in the backward pass
        got = answered(got)
        elements += got.size
        row = got[PLANTED].astype(np.float64)
        if row.any():
            at = int(np.argmax(row != 0))
            gap = distance.Gap(math.inf, (PLANTED, at), 0.0, float(row[at]))
            said = f"the loss of label {label} is {numbers[0]:g} at all logits, and its gradient"
            return distance.verdict(asking, elements, inputs, gap, said)
    return Checked(elements, 0.0)


@SPECIAL.check(Spec((IGNORE, *REDUCED), VALUE_AND_GRADIENT, "options/normal_large", 8, 16, dtypes=QUICK))
def ignored_row_not_finite(asking: Asking) -> Checked:
    """An ignored row may hold inf and nan: the losses and gradients of the others are exactly what they are without.

    Its own loss is 0. A nan in its own gradient, by 0 * nan, is recorded as a policy.
    """
    inputs = asking.inputs
    ignored = np.flatnonzero(inputs.labels == -100)
    for row, index, value in zip(
        ignored, (3, 0, 5, slice(None)), (math.nan, math.inf, -math.inf, -math.inf), strict=False
    ):
        inputs = planted(inputs, ((row, index), value))
    without, got = asking.answer().astype(np.float64), asking.answer(inputs).astype(np.float64)
    expected, policy = without, ""
    if got.ndim == 2:
        own = got[ignored]
        policy = NAN_GRADIENT if np.isnan(own).any() else ""
        expected = without.copy()
        expected[ignored] = np.where(np.isnan(own), own, 0.0)
    gap = distance.exactly(got, expected)
    if gap.over:
        return distance.verdict(asking, got.size, inputs, gap, "an ignored row is not finite")
    return Checked(got.size, 0.0, policy=policy)
