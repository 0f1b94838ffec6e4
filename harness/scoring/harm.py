"""How much a deviation harms: its error over the quantity's usual size, times how ordinary the input is."""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.model import EIGHTS, FORMATS, Case, Checked, Crashed, Failed, Result, Score, TimedOut, Worst
from harness.ops import OPS

USUAL_LOGIT = 30.0  # Gemma 2 caps its final logits there (arXiv 2408.00118, section 2)
MASKED = 0.5  # how ordinary a row with a logit of -inf is: masks are common, and not everywhere
EXTREME = ("extremes", "subnormals")  # families of inputs that no sane network produces
STRANGE = 0.01  # how ordinary these are, and rows with nan, with inf or with subnormal numbers alone
LOST = 2.0  # the error of an answer that is nan or infinite where it must not be, or none at all
WORTH_A_LOOK = 0.1  # from which on an input is an ordinary one
DTYPES_BY_USE = ("float32", "bfloat16", "float16", "float64", *EIGHTS)  # what most people compute in comes first


def harm(result: Result) -> float:
    """Return error times ordinariness, 0 for an answer that is right; infinite where the process died or hung."""
    case, outcome = result.case, result.outcome
    match outcome:
        case Crashed() | TimedOut():
            return math.inf
        case Score(worst=Worst() as worst) | Checked(worst=Worst() as worst):
            return error(case, worst) * ordinary(case, worst.logits)
        case Checked(over=over):
            return min(1.0, over * FORMATS[case.dtype].unit) * ordinary(case)
        case Failed():
            return LOST * ordinary(case)
    return 0.0


def error(case: Case, worst: Worst) -> float:
    """Return the error of the worst element, over its exact value or the usual size where that is larger; at most 1.

    LOST where one of the two is nan or infinite and the other is not.
    """
    got, expected = _number(worst.got, float.fromhex), _number(worst.expected, float.fromhex)
    if got == expected or (math.isnan(got) and math.isnan(expected)):
        return 0.0
    if not (math.isfinite(got) and math.isfinite(expected)):
        return LOST
    exact = _number(worst.exact, float)
    exact = exact if math.isfinite(exact) else expected
    return min(1.0, abs(got - exact) / max(abs(exact), usual_size(case)))


def _number(text: str, read: Callable[[str], float]) -> float:
    """Read a stored number; nan for a text that is none, as a file from elsewhere may hold."""
    try:
        return read(text)
    except (ValueError, OverflowError):
        return math.nan


def usual_size(case: Case) -> float:
    """Return the size of a quantity in a row that is nearly flat: 1/n of what is shared among n classes, else 1."""
    record = OPS.get(case.op.name)  # another program's op has none
    by_row = record is not None and not record.elementwise
    shared = {"value": case.op.name == "softmax", "grad_logits": by_row, "grad_weight": True, "grad_bias": True}
    return 1 / max(case.classes, 1) if shared.get(case.quantity) else 1.0


def ordinary(case: Case, logits: str = "") -> float:
    """Return how ordinary a row of logits is, from 0 to 1: 1 up to the usual size, and less in proportion beyond it.

    logits: hex floats, as a worst row is stored; nothing, or the recipe of a long row, counts as ordinary.
    """
    if case.source.name in EXTREME:
        return STRANGE
    try:
        numbers = [float.fromhex(word) for word in logits.split()]
    except ValueError:
        return 1.0
    finite = [abs(number) for number in numbers if math.isfinite(number)]
    if any(math.isnan(number) or number == math.inf for number in numbers):
        return STRANGE
    largest = max(finite, default=0.0)
    if 0 < largest < 2.0 ** FORMATS[case.dtype].emin:
        return STRANGE
    size = min(1.0, USUAL_LOGIT / largest) if largest else 1.0
    return size * (MASKED if len(finite) < len(numbers) else 1.0)


def plain_first(result: Result) -> tuple[bool, int, float]:
    """Rank the examples of one cause: ordinary ones before others, then by the dtype most people use, then by harm."""
    worst = result.outcome.worst if isinstance(result.outcome, Score | Checked) else None
    is_ordinary = ordinary(result.case, worst.logits if worst else "") >= WORTH_A_LOOK
    return is_ordinary, len(DTYPES_BY_USE) - DTYPES_BY_USE.index(result.case.dtype), harm(result)


def rank(result: Result) -> tuple[float, int]:
    """Rank causes by their examples: by the decade of the harm, then by the dtype most people use."""
    size = harm(result)
    decade = math.floor(math.log10(size)) if 0 < size < math.inf else size or -math.inf
    return decade, len(DTYPES_BY_USE) - DTYPES_BY_USE.index(result.case.dtype)
