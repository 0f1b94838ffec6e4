"""Laws of the elementwise functions and of two-class rows: symmetry on every number, and order, float by float."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np

from harness.model import FORMATS, Array, Checked, Inputs
from harness.ops import VALUE_ONLY
from suites.checks.check import Asking, Spec
from suites.checks.laws.law import (
    BINARY,
    BY_POINT,
    CLASSES,
    LAWS,
    LOG_SOFTMAX,
    LOGSUMEXP,
    ROWS,
    SIGMOIDS,
    SOFTMAX,
    SPARSE,
    blockwise,
    changed,
    generator,
    hold,
    within,
)
from suites.questions.families import to_dtype

SIDE = 256  # 256 x 256 logits hold every 16-bit number
LARGEST = 2.0**24  # of a sweep: beyond it all is 0, 1 or a line, and the accuracy suite asks the ends
BINADES = range(-40, 8)  # where the functions bend, in wide formats
RUN = 64  # floats in a row, one ulp apart
QUICK = ("float32", "bfloat16", "float16")
# Where exp, log1p, sigmoid and softplus change from one formula or table to the next: log 2, the logarithms of 2**-p
# and of the eps and digits of each format, the overflow and underflow of exp, and the thresholds people write.
BRANCHES = (
    *(2.0**-k for k in (24, 17, 16, 14, 12, 11, 10, 8, 6, 5, 4, 3, 2, 1)),
    *(0.34657, 0.693147, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.62, 8.0, 9.0, 9.704, 10.0, 12.0, 13.94, 15.0, 15.2492),
    *(
        15.9424,
        16.0,
        16.6355,
        17.3287,
        18.0,
        18.7,
        20.0,
        22.18,
        24.0,
        30.0,
        32.0,
        33.2711,
        34.0,
        36.0437,
        36.7368,
        37.43,
    ),
    *(40.0, 44.36, 50.0, 60.0, 64.0, 80.0, 87.3365, 88.0, 88.7228, 100.0, 103.2789, 103.972, 128.0),
    *(256.0, 500.0, 708.3964, 709.7827),
)
PAIRS = 1024
GAPS = (
    2.0**-17,
    2.0**-12,
    2.0**-5,
    0.693147,
    1.0,
    3.0,
    8.0,
    15.9424,
    16.6355,
    17.3287,
    36.7368,
    44.0,
    87.3365,
    88.7228,
)


def numbers(dtype: str) -> Array:
    """Return float64 numbers of a dtype in ascending order, SIDE * SIDE of them.

    All 16-bit numbers up to LARGEST. Of a wide format, in each of BINADES and for either sign, all 128 significands of
    eight bits, and four random ones beside each; the rest random in any binade up to LARGEST.
    """
    if FORMATS[dtype].precision <= 11:
        kind = np.float16 if dtype == "float16" else ml_dtypes.bfloat16
        with np.errstate(invalid="ignore"):  # of signalling nans
            every = np.arange(1 << 16).astype(np.uint16).view(kind).astype(np.float64)
        return np.sort(np.where(np.abs(every) <= LARGEST, every, 0.0))
    rng = np.random.default_rng(24)
    whole = np.ldexp(1 + np.arange(128) / 128, np.array(BINADES)[:, None]).ravel()
    near = whole * (1 + rng.random((4, whole.size)) / 128)
    wide = 2.0 ** rng.uniform(-126, 24, SIDE * SIDE // 2 - 5 * whole.size)
    positive = np.concatenate([whole, near.ravel(), wide])
    return np.sort(to_dtype(np.concatenate([-positive, positive]), dtype).astype(np.float64))


@LAWS.check(Spec(BY_POINT, ("value", "grad_logits", "grad_labels"), "normal", SIDE, SIDE, dtypes=QUICK))
def symmetric(asking: Asking) -> Checked:
    """sigmoid(-x) = 1 - sigmoid(x); log_sigmoid(x) - log_sigmoid(-x) = x; (x, z) has the loss of (-x, 1 - z).

    Both sides are held to the exact one, on every 16-bit number up to 2**24, and on 640 numbers of either sign in each
    binade of a wider format in which the functions bend.
    """
    inputs = changed(asking, numbers(asking.case.dtype).reshape(SIDE, SIDE))
    if inputs.labels is not None:  # soft ones near 0 would all cancel, and each take the arbiter
        hard = np.round(inputs.labels.astype(np.float32)).astype(inputs.labels.dtype)
        inputs = replace(inputs, labels=np.where(np.abs(inputs.logits) < 2**-10, hard, inputs.labels))
    return hold(asking, asking.answer(inputs), inputs)


def run(center: float, dtype: str, length: int = RUN) -> Array:
    """Return floats one ulp apart around a positive or negative one, ascending, in the dtype."""
    kind = to_dtype(np.array([abs(center)]), dtype)
    first = max(int(kind.view(f"u{kind.itemsize}")[0]) - length // 2, 0)
    bits = np.arange(first, first + length)
    found = bits.astype(f"u{kind.itemsize}").view(kind.dtype)
    return found if center > 0 else -found[::-1]


@LAWS.check(Spec((*SIGMOIDS, *BINARY), VALUE_ONLY, "normal", 6 * ROWS, CLASSES))
def monotone(asking: Asking) -> Checked:
    """From float to float, sigmoid and log_sigmoid rise, and the loss with the logit, unless its label is 1: it falls.

    In runs of 64 floats around the places where such functions change their formula, on either side of 0. A step the
    wrong way is allowed as far as the budgets of its two ends go.
    """
    rng, dtype, rows = generator(asking), asking.case.dtype, asking.case.rows
    centers = [*BRANCHES, *2.0 ** rng.uniform(-12, 7, rows // 2 - len(BRANCHES))]
    below = overflowing(dtype)
    runs = [run(sign * min(center, below), dtype) for center in centers for sign in (1, -1)]
    inputs = replace(asking.inputs, logits=np.stack(runs))
    falls = np.zeros(rows, bool)
    if asking.case.op in BINARY:
        falls = np.arange(rows) // 2 % 2 == 1
        labels = np.repeat(falls[:, None], CLASSES, axis=1).astype(float)
        inputs = replace(inputs, labels=to_dtype(labels, dtype))
    return ascending(asking, blockwise(asking, inputs), inputs, np.where(falls, -1.0, 1.0)[:, None], RUN)


def overflowing(dtype: str) -> float:
    """Return a number near the largest of a dtype, for runs to stay below."""
    return 2.0 ** (FORMATS[dtype].emax - 1)


@LAWS.check(Spec((SOFTMAX, LOG_SOFTMAX, LOGSUMEXP, SPARSE), VALUE_ONLY, "two_class_gap", PAIRS, 2))
def monotone_in_gap(asking: Asking) -> Checked:
    """As the second of two logits falls, float by float, the first class gains, and loss and logsumexp fall.

    In runs of 64 floats around the places where exp and log1p change their formula. A step the wrong way is allowed as
    far as the budgets of its two ends go.
    """
    rng, dtype = generator(asking), asking.case.dtype
    centers = [*GAPS, *2.0 ** rng.uniform(-12, 3, PAIRS // RUN - len(GAPS))]
    gaps = np.concatenate([run(center, dtype) for center in centers])
    inputs = replace(asking.inputs, logits=np.stack([np.zeros_like(gaps), -gaps], axis=1))
    if asking.case.op == SPARSE:
        inputs = replace(inputs, labels=np.zeros(PAIRS, np.int64))
    rises = np.array([1.0, -1.0]) if asking.case.op in {SOFTMAX, LOG_SOFTMAX} else np.array(-1.0)
    return ascending(asking, asking.answer(inputs), inputs, rises, RUN, axis=0)


def ascending(asking: Asking, got: Array, inputs: Inputs, rises: Array, length: int, axis: int = 1) -> Checked:
    """Hold every answer to the one before it in a run along an axis: no further below than both budgets allow."""
    level = np.moveaxis(rises * got.astype(np.float64), axis, 0)
    allowed = np.moveaxis(asking.allowed(inputs), axis, 0)
    before = np.concatenate([level[:1], level[:-1]])
    first = np.arange(len(level)) % length == 0  # of a run: nothing is before it
    floor = np.where(first.reshape(-1, *[1] * (level.ndim - 1)), level, before)
    room = allowed + np.concatenate([allowed[:1], allowed[:-1]])
    lower = np.where(level < floor, floor, level)  # what is above is as it should be
    turned, held_to, width = (np.moveaxis(a, 0, axis) for a in (level, lower, room))
    return within(
        asking, turned * rises, held_to * rises, width, inputs, "the one before, which it must not turn back from"
    )
