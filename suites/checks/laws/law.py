"""What all laws share: their suite, inputs of their own, and how an answer is held to what it must be."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from harness.model import FORMATS, Array, Checked, Golden, Inputs, Op, Quantity, Worst
from harness.ops import ASKED, OPS, plain
from harness.scoring import metrics, ulp
from reference import bounds, rounding
from reference.golden import digits
from suites.checks.call import Call
from suites.checks.check import Asking, Suite, budget, tightest_excess
from suites.judging.judge import ACCEPTED
from suites.judging.worst import worst_element
from suites.questions import cases, families

LAWS = Suite("law")
ROWS, CLASSES = cases.SQUARE  # every shape is a compilation, and this one is asked by the accuracy suite already
SOFTMAX, LOG_SOFTMAX, LOGSUMEXP = Op.of("softmax"), Op.of("log_softmax"), Op.of("logsumexp")
SPARSE, DENSE = Op.of("sparse_xent"), Op.of("dense_xent")
SIGMOIDS = (Op.of("sigmoid"), Op.of("log_sigmoid"))
BINARY = (Op.of("sigmoid_xent"), Op.of("sigmoid_xent", pos_weight=3.0))
LOSSES = (SPARSE, DENSE)
BY_ROW = (SOFTMAX, LOG_SOFTMAX, LOGSUMEXP, *LOSSES)
BY_POINT = (*SIGMOIDS, *BINARY)
# Laws that hold for every op, whatever its formula.
ANY_ROW = plain("class", "row")
ANY_POINT = tuple(op for op in ASKED if OPS[op.name].elementwise)
GRADIENT: tuple[Quantity, ...] = ("grad_logits",)


def generator(asking: Asking) -> np.random.Generator:
    """Return a law's own source of chance, the same for every op and dtype."""
    case = asking.case
    return np.random.default_rng((zlib.crc32(case.check.encode()), case.rows, case.classes, case.seed))


def changed(asking: Asking, logits: Array) -> Inputs:
    """Return the inputs of the case with other logits, rounded to its dtype."""
    return replace(asking.inputs, logits=families.to_dtype(logits, asking.case.dtype))


def upstream(asking: Asking, given: Array) -> Array:
    """Round incoming gradients to the case's dtype, in the shape that its op takes: the first column of a row alone."""
    wanted = given[:, 0] if asking.inputs.upstream.ndim == 1 else given
    return families.to_dtype(np.ascontiguousarray(wanted), asking.case.dtype)


def blockwise(asking: Asking, inputs: Inputs) -> Array:
    """Ask so many rows at a time, in one shape."""
    parts = [rows_of(inputs, slice(start, start + ROWS)) for start in range(0, len(inputs.logits), ROWS)]
    return np.concatenate([asking.answer(part) for part in parts])


def rows_of(inputs: Inputs, rows: slice, classes: int | None = None) -> Inputs:
    """Return some rows of the inputs, and of those the first classes."""
    at = (rows, slice(classes))
    labels = inputs.labels
    return Inputs(
        logits=inputs.logits[at],
        labels=None if labels is None else labels[at[: labels.ndim]],
        upstream=inputs.upstream[at[: inputs.upstream.ndim]],
        direction=None if inputs.direction is None else inputs.direction[at],
    )


def with_gradient(asking: Asking, inputs: Inputs) -> tuple[Array, Array]:
    """Ask for the gradient, and return the value that comes with it as well."""
    call = Call.of(asking, inputs)
    native = call()
    return call.value(native), call.answer(native)


def exact(asking: Asking, inputs: Inputs, op: Op | None = None, quantity: Quantity | None = None) -> Array:
    """Return the exact answer, rounded to float64."""
    golden = asking.golden(inputs, op, quantity)
    return golden.hi if golden.exponent is None else ulp.scale(golden.hi, golden.exponent)


def softmax_of(asking: Asking, inputs: Inputs) -> Array:
    """Return the exact softmax of the logits, whatever the case's op."""
    return exact(asking, Inputs(inputs.logits, None, np.ones(inputs.logits.shape)), SOFTMAX, "value")


def overflow(asking: Asking) -> float:
    """Return the logit from which exp overflows."""
    return (FORMATS[asking.case.dtype].emax + 1) * math.log(2)


def height(asking: Asking) -> float:
    """Return the roundings that a term of a reasonable sum goes through, in the format's u.

    In a wide format one a class, a running sum. In 16 bits 8 + log2 n, for a sum in pairs or one whose lanes are added
    up often enough; or a running sum in float32, n roundings of its own u.
    """
    form, n = FORMATS[asking.case.dtype], asking.case.classes
    inner = bounds.INNER.unit
    return n - 1.0 if form.unit <= inner else 8 + math.log2(n) + n * inner / form.unit


def hold(
    asking: Asking,
    got: Array,
    inputs: Inputs,
    *,
    quantity: Quantity | None = None,
    golden: Golden | None = None,
    native_height: float | None = None,
) -> Checked:
    """Hold an answer to the exact one, each element within the tightest budget that is accepted."""
    what = f"exact {quantity} {native_height} {_digest(golden) if golden else ''}"
    return asking.found(what, got, inputs, partial(_hold, asking, got, inputs, quantity, golden, native_height))


def _hold(
    asking: Asking,
    got: Array,
    inputs: Inputs,
    quantity: Quantity | None,
    golden: Golden | None,
    native_height: float | None,
) -> Checked:
    op, asked, form = asking.case.op, quantity or asking.case.quantity, FORMATS[asking.case.dtype]
    truth = asking.golden(inputs, op, asked) if golden is None else golden
    allowed = budget(op, asked, inputs, truth, native_height)
    distance = metrics.measure(got, truth, form, allowed.error, allowed.flushed)
    over = tightest_excess(distance)
    if over <= 1:
        return Checked(got.size, over)
    kind = min((k for k in ACCEPTED if k in allowed.error), key=lambda k: distance.over_bound[k])
    ulps = ulp.error(got.astype(np.float64), truth, form)
    with np.errstate(invalid="ignore", over="ignore"):
        ratios = np.abs(ulps) / ulp.scale(allowed.error[kind], -ulp.ulp_exponent(truth, form))
    size = np.abs(ulp.scale(truth.hi, 0 if truth.exponent is None else truth.exponent))
    index = furthest(np.where((got == 0) & (size < allowed.flushed), 0.0, ratios))
    expected = rounding.nearest_at(truth, form, index)
    worst = worst_element(
        asking.case, inputs, index, expected, float(got[index]), exact=digits(truth, index), ulp=float(ulps[index])
    )
    return Checked(got.size, over, detail=_detail(worst, "the exact answer"), worst=worst)


def _digest(golden: Golden) -> str:
    """Return the digest of exact answers that a check brings along."""
    parts = [part for part in (golden.hi, golden.lo, golden.exponent) if part is not None]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def within(asking: Asking, got: Array, expected: Array, allowed: Array, inputs: Inputs, what: str) -> Checked:
    """Hold an answer to what it must be by a law, `what` in words, each element within what is allowed."""
    numbers = got.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.abs(numbers - expected)
        ratios = np.where(difference == 0, 0.0, difference / allowed)
    index = furthest(ratios)
    over = float(np.nan_to_num(ratios[index], nan=np.inf, posinf=np.inf))
    if over <= 1:
        return Checked(got.size, over)
    expects = np.broadcast_to(expected, got.shape)[index]
    worst = worst_element(asking.case, inputs, index, float(expects), float(numbers[index]))
    return Checked(got.size, over, detail=_detail(worst, what), worst=worst)


def furthest(ratios: Array) -> tuple[int, ...]:
    """Return the index of the largest element; a nan is larger than all."""
    flat = int(np.where(np.isnan(ratios), np.inf, ratios).argmax())
    return tuple(int(i) for i in np.unravel_index(flat, ratios.shape))


def together(parts: Sequence[Checked]) -> Checked:
    """Return what is furthest off, for the elements of all."""
    return replace(max(parts, key=lambda part: part.over), elements=sum(part.elements for part in parts))


def _detail(worst: Worst, what: str) -> str:
    return f"element {worst.index} is {_shown(worst.got)}, held to {what}, {_shown(worst.expected)}"


def _shown(number: str) -> str:
    return f"{float.fromhex(number):.9g}"
