"""Laws of sums and means over many rows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from harness.model import FORMATS, Array, Checked, Inputs, Op
from harness.ops import OPS, VALUE_ONLY
from reference import bounds
from suites.checks.check import Asking, Spec
from suites.checks.laws.law import LAWS, exact, within
from suites.questions.families import to_dtype

MANY = 131_072
GAPS = (3.0, 0.5, 1.0, 3.0, 2.0, 1.5, 2.5, 4.0)  # of two logits; the losses of the larger add up below 65504
REDUCED = (
    *(Op.of("sparse_xent", reduction=reduction) for reduction in ("mean", "sum")),
    Op.of("dense_xent", reduction="mean"),
    Op.of("sigmoid_xent", reduction="mean"),
)


@LAWS.check(Spec(REDUCED, VALUE_ONLY, "normal", MANY, 2, dtypes=("bfloat16", "float16")))
def mean_of_many(asking: Asking) -> Checked:
    """The mean or sum of 131 072 losses is that of the exact ones: a running sum in 16 bits would stand still.

    Allowed is the mean of what each loss may be off, and h u times itself: in a wide format n - 1 roundings, in 16 bits
    8 + log2 n, as of a sum in pairs, and those of a running sum in float32.
    """
    case, form = asking.case, FORMATS[asking.case.dtype]
    few = _few(asking)
    plain = Op.of(case.op.name)
    losses, allowed = exact(asking, few, plain), asking.allowed(few, plain)
    terms = MANY * (2 if OPS[case.op.name].elementwise else 1)
    inner = bounds.INNER.unit
    h = terms - 1.0 if form.unit <= inner else 8 + math.log2(terms) + terms * inner / form.unit
    times = float(MANY) if case.op.options["reduction"] == "sum" else 1.0
    expected = times * math.fsum(losses.ravel()) / losses.size
    error = times * float(allowed.mean()) + h * form.unit * expected
    inputs = _repeated(few)
    checked = within(
        asking, asking.answer(inputs), np.array(expected), np.array(error), inputs, "the exact losses' own"
    )
    return (
        checked if checked.worst is None else replace(checked, worst=replace(checked.worst, logits=_drawn(), label=""))
    )


def _few(asking: Asking) -> Inputs:
    """Return the rows that are taken many times over, the label of each its larger logit."""
    record, dtype = OPS[asking.case.op.name], asking.case.dtype
    logits = np.array([[gap / 2, -gap / 2] for gap in GAPS])
    labels: Array = np.zeros(len(GAPS), np.int64)
    if record.labels == "row":
        labels = to_dtype(np.tile([1.0, 0.0], (len(GAPS), 1)), dtype)
    upstream = np.ones(logits.shape if record.elementwise else len(GAPS))
    return Inputs(to_dtype(logits, dtype), labels, to_dtype(upstream, dtype))


def _repeated(few: Inputs) -> Inputs:
    assert few.labels is not None
    times = MANY // len(GAPS)
    repeats = (times,) + (1,) * (few.labels.ndim - 1)
    return Inputs(np.tile(few.logits, (times, 1)), np.tile(few.labels, repeats), np.ones((), few.logits.dtype))


def _drawn() -> str:
    """Write the rows as code: there are too many for numbers, and they are no family's."""
    pairs = [[gap / 2, -gap / 2] for gap in GAPS]
    return f"# python\nimport numpy as np\n\nrow = np.tile(np.array({pairs}), ({MANY // len(GAPS)}, 1))\n"
