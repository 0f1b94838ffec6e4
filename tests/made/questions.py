"""Cases of every op and quantity at small shapes, each with its golden and budget, made once for all tests."""

from functools import cache

from harness.model import FORMATS, Case
from harness.ops import ASKED
from harness.scoring import metrics
from reference import bounds
from reference.arbiter import settle
from suites.questions import cases
from suites.questions.families import FAMILIES

EVERY = tuple((op, quantity) for op, quantities in ASKED.items() for quantity in quantities)
EVERY_IDS = tuple(f"{op}-{quantity}" for op, quantity in EVERY)
SHAPES = {"two_class_gap": (8, 2), "swamp": (2, 64)}
MEANS = ("normal", "offset", "confident")  # families whose mean the suites ask


def small(op, quantity, family, dtype, seed=0):
    """Return the case of a question at a small shape."""
    return Case(op, quantity, family, dtype, *SHAPES.get(family, (4, 12)), seed)


def families_of(op):
    """Return the families that an op is asked in, those of ops that are asked apart left out."""
    apart = {name for families in cases.APART_FAMILIES.values() for name in families}
    apart -= {*cases.ROW_FAMILIES, *cases.POINT_FAMILIES}
    return MEANS if op.options.get("reduction") == "mean" else tuple(name for name in FAMILIES if name not in apart)


@cache
def certified(case):
    """Return a case's golden and budget."""
    inputs = cases.inputs(case)
    truth = settle.certify(case.op, case.quantity, inputs)
    return truth, bounds.budget(case.op, case.quantity, inputs, truth)


def measure(case, got):
    """Measure an answer to a case."""
    truth, budget = certified(case)
    return metrics.measure(got, truth, FORMATS[case.dtype], budget.error, budget.flushed)
