"""Scaled logits: what a rounded product may cost, and that a contracted one is found."""

import mpmath
import numpy as np
import pytest

from harness.model import FORMATS, Case, Inputs, Op
from harness.scoring import metrics
from reference.arbiter import settle
from reference.options import meaning
from suites.questions import cases, options

NAMES = ("softmax", "log_softmax", "logsumexp", "sparse_xent")


def measured(case, got):
    """Measure an answer to a case."""
    inputs = cases.inputs(case)
    truth = meaning.golden(case.op, case.quantity, inputs, settle.certify)
    budget = meaning.budget(case.op, case.quantity, inputs, settle.certify)
    return metrics.measure(got, truth, FORMATS[case.dtype], budget.error, budget.flushed)


def answered(name, x, labels, less):
    """Answer in float32 from logits and their differences to a maximum."""
    e = np.exp(less)
    log = np.log(e.sum(axis=1, keepdims=True))
    match name:
        case "softmax":
            return e / e.sum(axis=1, keepdims=True)
        case "log_softmax":
            return less - log
        case "logsumexp":
            return (x.max(axis=1, keepdims=True) + log)[:, 0]
    return -np.take_along_axis(less - log, labels[:, None], 1)[:, 0]


@pytest.mark.parametrize("family", options.SCALED_FAMILIES)
@pytest.mark.parametrize("name", NAMES)
def test_rounded_product_is_within_the_budget(name, family):
    """A product rounded to the format, then the shifted textbook."""
    case = Case(Op.of(name, **options.SCALE), "value", f"options/{family}", "float32", options.ROWS, options.CLASSES)
    inputs = cases.inputs(case)
    x = inputs.logits * np.float32(options.SCALE["scale"])
    got = answered(name, x, inputs.labels, x - x.max(axis=1, keepdims=True))

    assert got.dtype == np.float32
    assert measured(case, got).over_bound["S"] <= 1


@pytest.mark.parametrize("name", NAMES)
def test_contracted_product_is_found(name):
    """The exact product less a maximum of rounded ones, as a fused multiply-add has it: exp of hundreds overflows."""
    case = Case(Op.of(name, **options.SCALE), "value", "options/coarse", "float32", options.ROWS, options.CLASSES)
    inputs = cases.inputs(case)
    scale = options.SCALE["scale"]
    x = inputs.logits * np.float32(scale)
    less = (inputs.logits.astype(np.float64) * scale - x.max(axis=1, keepdims=True)).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        got = answered(name, x, inputs.labels, less)

    assert measured(case, got).over_bound["S"] == np.inf


def test_forgotten_factor_of_the_gradient_is_found():
    """The gradient of the products for that of the logits."""
    case = Case(
        Op.of("softmax", **options.SCALE),
        "grad_logits",
        "options/normal_large",
        "float32",
        options.ROWS,
        options.CLASSES,
    )
    inputs = cases.inputs(case)
    x = inputs.logits.astype(np.float64) * options.SCALE["scale"]
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    g = inputs.upstream.astype(np.float64)
    right = options.SCALE["scale"] * p * (g - (g * p).sum(axis=1, keepdims=True))

    assert measured(case, right.astype(np.float32)).over_bound["S"] <= 1
    assert measured(case, (right / options.SCALE["scale"]).astype(np.float32)).over_bound["S"] > 1


def test_values_worked_by_hand():
    """Three times log 2, log 4 left out: log(2**3 + 1), and a third class that is not there."""
    with mpmath.workdps(40):
        x = float(mpmath.log(2))
        op = Op.of("logsumexp", scale=3.0, added_mask="0 0 -inf")
        truth = meaning.golden(op, "value", Inputs(np.array([[x, 0.0, 2 * x]]), None, np.ones(1)), settle.certify)
        exact = mpmath.log(mpmath.exp(3 * mpmath.mpf(x)) + 1)
        assert abs(mpmath.mpf(float(truth.hi[0])) + mpmath.mpf(float(truth.lo[0])) - exact) < 1e-30


@pytest.mark.parametrize(("scale", "added"), [(-1.0, "0"), (0.0, "0"), (1.5, "0 1")])
def test_other_factors_and_masks_are_refused(scale, added):
    """A factor that turns the order round, and an added number that is no mask."""
    op, inputs = Op.of("softmax", scale=scale, added_mask=added), Inputs(np.ones((1, 2)), None, np.ones((1, 2)))
    with pytest.raises(ValueError, match="expected more than 0, and 0 or -inf"):
        meaning.golden(op, "value", inputs, settle.certify)
