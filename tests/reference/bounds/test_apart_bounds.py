"""Bounds of what is asked apart: the textbook keeps them, and they are narrow enough to find a mistake."""

import numpy as np
import pytest

from harness.adapters import frameworks
from harness.model import FORMATS, Case, Target
from harness.ops import APART
from harness.scoring import metrics
from reference import bounds
from reference.arbiter import settle
from reference.options import parts
from suites.questions import cases

NUMPY = frameworks.load("numpy")
CONTROLS = [
    (op, implementation)
    for op in APART
    for implementation in NUMPY.implementations()
    if implementation.op == op.name and NUMPY.takes(implementation, op)
]
QUESTIONS = [(op, implementation, family) for op, implementation in CONTROLS for family in cases.apart_families(op)]
ALLOWED = 2.0**9  # units of roundoff, of the value: what half of the elements are bounded by at most


@pytest.mark.parametrize(("op", "implementation", "family"), QUESTIONS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_textbook_keeps_class_s(op, implementation, family, dtype):
    """Every value of the textbook is within the bound of a sound algorithm."""
    case = Case(op, "value", family, dtype, *cases.apart_families(op)[family])
    inputs = cases.inputs(case)
    exact = settle.certify(op, "value", inputs)
    budget = bounds.budget(op, "value", inputs, exact)
    got = NUMPY.ask(op, "value", inputs, Target(implementation, "eager", "cpu"))

    assert metrics.measure(got, exact, FORMATS[dtype], budget.error, budget.flushed).budget_class == "S"


@pytest.mark.parametrize(("op", "quantity"), [(op, quantity) for op in APART for quantity in APART[op]], ids=str)
def test_bounds_are_narrow(op, quantity):
    """Half of the elements are bounded by some hundred roundings of their size, an error of all of it by none."""
    (family, shape), *_ = cases.apart_families(op).items()
    inputs = cases.inputs(Case(op, quantity, family, "float64", *shape))
    exact = settle.certify(op, quantity, inputs)
    size, error = parts.size(exact), bounds.budget(op, quantity, inputs, exact).error["S"]
    some = size > 0

    assert np.median(error[some] / size[some]) < ALLOWED * FORMATS["float64"].unit
