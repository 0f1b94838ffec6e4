"""Probabilities of 0 for what is true: the loss is infinite, and what a function gives instead is its policy."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from harness.model import Array, Checked, Inputs
from harness.ops import APART, OPS, VALUE_AND_GRADIENT
from suites.checks.check import Asking, Spec
from suites.checks.special.claims import PLANTED, QUICK, SPECIAL
from suites.checks.special.words import ERROR, phrase, policy
from suites.questions.cases import FEW

OF_PROBABILITIES = tuple(op for op in APART if OPS[op.name].takes == "probabilities")


@SPECIAL.check(Spec(OF_PROBABILITIES, VALUE_AND_GRADIENT, "shares", *FEW, dtypes=QUICK), judges=False)
def impossible_class(asking: Asking) -> Checked:
    """The true class has a probability of 0: the loss is inf, or held at a ceiling of the function's choosing."""
    inputs, columns = impossible(asking)
    index = OPS[asking.case.op.name].one_a_row and asking.case.quantity == "value"

    def word(mode: str, device: str) -> str:
        got = asking.attempt(inputs, mode=mode, device=device)
        if not isinstance(got, np.ndarray):
            return f"{ERROR} {getattr(got, 'error', '') or got.reason}"
        row = got[PLANTED].astype(np.float64)
        return phrase({name: named(row if index else row[column], asking) for name, column in columns.items()})

    return policy(asking, word)


def named(value: Array | float, asking: Asking) -> str:
    """Name a loss, or its gradient over the incoming one."""
    if asking.case.quantity != "value":
        value = float(value) / abs(float(asking.inputs.upstream[PLANTED].ravel()[0]))
    number = float(value)
    return f"{number:g}" if math.isinf(number) or math.isnan(number) or not number else f"held at {number:.3g}"


def impossible(asking: Asking) -> tuple[Inputs, dict[str, int]]:
    """Return inputs whose planted row gives 0 to what its label says, and where that is, by what it shows."""
    inputs, record = asking.inputs, OPS[asking.case.op.name]
    probabilities, upstream = inputs.logits.copy(), inputs.upstream.copy()
    upstream[PLANTED] = upstream[PLANTED].ravel()[0]
    assert inputs.labels is not None
    labels = inputs.labels.copy()
    probabilities[PLANTED, 0] = 0
    columns = {"0 for what is true": 0}
    if record.labels == "index":
        labels[PLANTED] = 0
    else:
        labels[PLANTED] = np.eye(1, labels.shape[1])[0]
    if record.elementwise:
        probabilities[PLANTED, 1] = 1
        columns["1 for what is not"] = 1
    return replace(inputs, logits=probabilities, labels=labels, upstream=upstream), columns
