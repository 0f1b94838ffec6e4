"""Laws of rows: what shifts, permutations, repetitions and lengths do to softmax, logsumexp and the losses."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from harness.model import FORMATS, Array, Checked, Golden, Inputs
from harness.ops import OPS, VALUE_AND_GRADIENT, VALUE_ONLY
from reference import bounds
from suites.checks.check import Asking, Spec, compiled
from suites.checks.laws.law import (
    ANY_POINT,
    ANY_ROW,
    BY_ROW,
    CLASSES,
    GRADIENT,
    LAWS,
    LOG_SOFTMAX,
    LOGSUMEXP,
    LOSSES,
    ROWS,
    SOFTMAX,
    blockwise,
    changed,
    generator,
    height,
    hold,
    overflow,
    rows_of,
    softmax_of,
    together,
    within,
)
from suites.checks.sizes import each, in_part
from suites.questions.families import to_dtype

LONG = 32_768  # of the accuracy suite's long rows
LENGTHS = (*range(1, 34), 45, 63, 64, 65, 127, 129, 255, 257, 1025)
COMPILED_LENGTHS = (45,)  # full vectors of 4, 8, 16 or 32, and a tail
SHORT = 65  # an elementwise loop sees no more than how many elements there are
AT_ONCE = 2  # rows of a length
FAR = -30_000.0  # below all other logits: e**FAR is nothing beside them in any format


@LAWS.check(Spec(BY_ROW, VALUE_AND_GRADIENT, "normal", ROWS, CLASSES))
def shift(asking: Asking) -> Checked:
    """A constant added to all logits of a row changes nothing but logsumexp, which it is added to.

    Asked from a quarter of the logit where exp overflows to three times it, on either side of 0.
    """
    steps = overflow(asking) * 2.0 ** (np.arange(-8, ROWS // 2 - 8) / 4)
    constants = np.concatenate([steps, -steps])
    inputs = changed(asking, generator(asking).standard_normal((ROWS, CLASSES)) + constants[:, None])
    return hold(asking, asking.answer(inputs), inputs)


@LAWS.check(Spec(BY_ROW, VALUE_AND_GRADIENT, "normal", 3 * ROWS, CLASSES))
def permutation(asking: Asking) -> Checked:
    """The logits of a row in another order give the same answers in that order.

    Every class leads once, by more than exp can bear; then ascending, descending, interleaved and random orders.
    """
    rng = generator(asking)
    leading = rng.standard_normal(CLASSES) - 1.2 * overflow(asking) * (np.arange(CLASSES) > 0)
    spread = np.sort(5 * rng.standard_normal(CLASSES))
    woven = np.stack([spread[: CLASSES // 2], spread[CLASSES // 2 :]], axis=1).ravel()
    orders = [spread, spread[::-1], woven, woven[::-1]]
    orders += [rng.permutation(spread) for _ in range(3 * ROWS - CLASSES - len(orders))]
    inputs = changed(asking, np.stack([*(np.roll(leading, place) for place in range(CLASSES)), *orders]))
    return hold(asking, blockwise(asking, inputs), inputs)


@LAWS.check(Spec((SOFTMAX, LOG_SOFTMAX), VALUE_ONLY, "normal", 2, LONG, dtypes=("bfloat16",)))
def rows_sum_to_one(asking: Asking) -> Checked:
    """The softmax of a row, exp(log_softmax) likewise, adds up to 1: a running sum in 16 bits would stand still.

    Allowed, with W the mean gap of the row: the errors of terms and their sum, u (2 W + 4 KE + h + 4), and the rounding
    of log_softmax, u (2 W + 2 log S); h as `height` says.
    """
    inputs = repeated_rows(asking)
    got = asking.answer(inputs)
    terms = got.astype(np.float64) if asking.case.op == SOFTMAX else np.exp(got.astype(np.float64))
    sums = np.array([math.fsum(row) for row in terms])
    p = softmax_of(asking, inputs)
    form = FORMATS[asking.case.dtype]
    gaps = -np.log(p / p.max(axis=1, keepdims=True))
    size = 2 * (p * gaps).sum(axis=1) + 4 * bounds.KE + height(asking) + 4
    if asking.case.op == LOG_SOFTMAX:
        size += 2 * (p * gaps).sum(axis=1) - 2 * np.log(p.max(axis=1))
    small = np.where(p < 2.0**form.emin, 2.0 ** (form.emin - form.precision), 0.0).sum(axis=1)  # subnormal results
    checked = within(asking, sums, np.ones(2), form.unit * size + small, inputs, "a sum of 1")
    return _drawn_again(checked, inputs)


@LAWS.check(
    Spec((LOGSUMEXP, *LOSSES), VALUE_AND_GRADIENT, "normal", 2, LONG, dtypes=("bfloat16",)),
    Spec((SOFTMAX, LOG_SOFTMAX), GRADIENT, "normal", 2, LONG, dtypes=("bfloat16",)),
)
def repeated(asking: Asking) -> Checked:
    """A row k times over has its softmax divided by k, and log k more in logsumexp: k = 512 rows of 64.

    Allowed is the budget, but a native 16-bit sum is expected to be better than a running one; h as `height` says.
    """
    inputs = repeated_rows(asking)
    return _drawn_again(hold(asking, asking.answer(inputs), inputs, native_height=height(asking)), inputs)


def repeated_rows(asking: Asking) -> Inputs:
    """Draw two rows of 64 many times over; one of them nearly flat."""
    rows = np.array([[1.0], [0.1]]) * generator(asking).standard_normal((2, CLASSES))
    return changed(asking, np.tile(rows, LONG // CLASSES))


def _drawn_again(checked: Checked, inputs: Inputs) -> Checked:
    """Write the worst row as code: it is too long for numbers, and no family's."""
    if checked.worst is None:
        return checked
    once = " ".join(float(x).hex() for x in inputs.logits[checked.worst.index[0], :CLASSES])
    drawn = f'row = np.tile([float.fromhex(x) for x in "{once}".split()], {LONG // CLASSES})'
    code = f"# python\nimport numpy as np\n\n{drawn}\n"
    return replace(checked, worst=replace(checked.worst, logits=code))


@LAWS.check(Spec((SOFTMAX, LOG_SOFTMAX), VALUE_ONLY, "normal", 3 * ROWS, CLASSES))
def exp_of_log_softmax(asking: Asking) -> Checked:
    """softmax = exp(log_softmax), each held to the other's exact answer, on gaps to the maximum in every binade.

    From half an ulp of 1 to where the softmax underflows; in every other row numbers of three bits, as tables have.
    """
    form, rng = FORMATS[asking.case.dtype], generator(asking)
    deepest = math.log2(1.1 * (form.precision - form.emin) * math.log(2))
    gaps = 2.0 ** rng.uniform(-form.precision - 1, deepest, (3 * ROWS, CLASSES))
    whole, exponent = np.frexp(gaps[::2])
    gaps[::2] = np.ldexp(np.round(8 * whole) / 8, exponent)
    gaps[np.arange(3 * ROWS), rng.integers(0, CLASSES, 3 * ROWS)] = 0
    inputs = changed(asking, -gaps)
    return hold(asking, blockwise(asking, inputs), inputs)


@LAWS.check(
    Spec(ANY_ROW, VALUE_AND_GRADIENT, "normal", AT_ONCE * len(LENGTHS), max(LENGTHS)),
    Spec(ANY_POINT, VALUE_AND_GRADIENT, "normal", AT_ONCE * LENGTHS.index(SHORT), SHORT),
)
def lengths(asking: Asking) -> Checked:
    """Rows of every length up to 33, and around 64, 128, 256 and 1024, are answered alike: vector loops have tails.

    A row is the beginning of a longer one whose other logits are far below, and has its exact answer.
    """
    inputs = _padded(asking)
    golden = asking.golden(inputs)
    wanted = COMPILED_LENGTHS if compiled(asking) else LENGTHS
    asked = LENGTHS[: asking.case.rows // AT_ONCE]
    sizes = [n for n in asked if n in wanted]
    found, refused = each(partial(_of_length, asking, inputs, golden), sizes)
    return in_part(together(found), refused, len(sizes))


def _of_length(asking: Asking, inputs: Inputs, golden: Golden, n: int) -> Checked:
    start = AT_ONCE * LENGTHS.index(n)
    rows = slice(start, start + AT_ONCE)
    part = rows_of(inputs, rows, n)
    at = (rows, slice(n))[: golden.hi.ndim]
    exponent = None if golden.exponent is None else golden.exponent[at]
    truth = Golden(golden.hi[at], golden.lo[at], exponent, golden.radius)
    checked = hold(asking, asking.answer(part), part, golden=truth)
    return replace(checked, detail=f"of {n} classes, {checked.detail}" if checked.detail else "")


def _padded(asking: Asking) -> Inputs:
    """Draw rows of every length, padded to the longest; the label of every second row is its last class."""
    record, dtype, rng = OPS[asking.case.op.name], asking.case.dtype, generator(asking)
    shape = (asking.case.rows, asking.case.classes)
    n = np.repeat(LENGTHS, AT_ONCE)[: shape[0]]
    inside = np.arange(shape[1]) < n[:, None]
    logits = np.where(inside, 2 * rng.standard_normal(shape), 0.0 if record.elementwise else FAR)
    index = np.where(np.arange(len(n)) % AT_ONCE == 0, n - 1, rng.integers(0, n))
    labels: Array | None = asking.inputs.labels
    if record.labels != "none" and not record.elementwise:
        hot = np.arange(shape[1]) == index[:, None]
        last = np.arange(shape[1]) == n[:, None] - 1
        labels = index if record.labels == "index" else to_dtype(0.75 * hot + 0.25 * last, dtype)
    given = asking.inputs.upstream
    given = np.where(inside, given, 0).astype(given.dtype) if given.ndim == 2 else given
    return Inputs(to_dtype(logits, dtype), labels, given)
