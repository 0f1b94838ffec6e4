"""Error budgets: a sound implementation keeps them, a row built for it nearly reaches them, and they scale."""

import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Golden, Inputs, Op
from harness.ops import OPS
from harness.scoring import metrics
from reference import bounds
from reference.arbiter import settle
from reference.options import meaning
from suites.questions import cases, presets
from tests.made import textbook
from tests.made.questions import EVERY, EVERY_IDS, certified, families_of, measure, small

each_question = pytest.mark.parametrize(("op", "quantity"), EVERY, ids=EVERY_IDS)
# With logits of both signs near the largest number x - m overflows: no shifted algorithm gives the finite loss there,
# nor its product with a small incoming gradient.
OVERFLOWS = {("dense_xent", "value", "extremes"), ("dense_xent", "grad_labels", "extremes")}


def worst(op, quantity, dtype, work, kind):
    """Return the largest error over bound of the textbook over all families, with its family."""
    found = []
    for family in families_of(op):
        if (op.name, quantity, family) in OVERFLOWS:
            continue
        case = small(op, quantity, family, dtype)
        got = textbook.answer(op, quantity, cases.inputs(case), work)
        found.append((measure(case, got).over_bound[kind], family))
    return max(found)


@each_question
@pytest.mark.parametrize("dtype", DTYPES)
def test_sound_implementation_is_class_s(op, quantity, dtype):
    """The shifted algorithm, computed in the format (16-bit ones in float32, rounded once), stays within class S."""
    over, family = worst(op, quantity, dtype, textbook.widened(dtype), "S")

    assert over <= 1, family


@each_question
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sound_implementation_in_16_bits_is_class_n(op, quantity, dtype):
    """The same algorithm with every intermediate rounded to the 16-bit format stays within class N."""
    over, family = worst(op, quantity, dtype, dtype, "N")

    assert over <= 1, family


# What the textbook's worst family reaches of class S in float32: sums of thousands of terms and worst-case rounding
# of every step at once are not in small shapes, so most are at 0.25 to 0.9. A mean of rows averages its errors away.
REACHED = {
    "softmax-value": 0.8,
    "softmax-grad_logits": 0.5,
    "log_softmax-value": 0.85,
    "log_softmax-grad_logits": 0.8,
    "logsumexp-value": 0.85,
    "logsumexp-grad_logits": 0.8,
    "sparse_xent-value": 0.85,
    "sparse_xent-grad_logits": 0.4,
    "dense_xent-value": 0.3,
    "dense_xent-grad_logits": 0.4,
    "dense_xent-grad_labels": 0.85,
    "dense_xent(reduction=mean)-value": 0.04,
    "dense_xent(reduction=mean)-grad_logits": 0.3,
    "sigmoid-value": 0.35,
    "sigmoid-grad_logits": 0.35,
    "log_sigmoid-value": 0.75,
    "log_sigmoid-grad_logits": 0.25,
    "sigmoid_xent-value": 0.45,
    "sigmoid_xent-grad_logits": 0.25,
    "sigmoid_xent-grad_labels": 0.3,
    "sigmoid_xent(pos_weight=3.0)-value": 0.35,
    "sigmoid_xent(pos_weight=3.0)-grad_logits": 0.25,
}


@each_question
def test_bound_is_not_loose_without_reason(op, quantity):
    """In float32 the textbook's worst family reaches a stated share of the class S bound of every question."""
    over, family = worst(op, quantity, "float32", "float32", "S")

    assert over >= REACHED[f"{op}-{quantity}"], family


def asked(op, quantity, logits, got, **given):
    """Measure an answer to rows of a test's own."""
    upstream = np.ones(len(logits) if OPS[op.name].one_a_row else logits.shape, logits.dtype)
    inputs = Inputs(logits, given.get("labels"), upstream)
    truth = settle.certify(op, quantity, inputs)
    budget = bounds.budget(op, quantity, inputs, truth)
    return metrics.measure(got(inputs), truth, FORMATS[logits.dtype.name], budget.error, budget.flushed)


def swamp(classes):
    """Return one 0 before many logits whose terms are each lost when added to 1."""
    logits = np.full((1, classes), -(24 * np.log(2) + 0.02), np.float32)
    logits[0, 0] = 0
    return logits


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_plain_sum_of_a_swamp_reaches_class_s(name):
    """A running float32 sum that loses all of 1999 terms reaches 0.95 of the bound, and does not exceed it."""
    op = Op.of(name)
    distance = asked(op, "value", swamp(2000), lambda inputs: textbook.answer(op, "value", inputs))

    assert 0.95 <= distance.over_bound["S"] <= 1


def unshifted(inputs):
    """Return x - logsumexp(x), as people write log_softmax."""
    lse = textbook.answer(Op.of("logsumexp"), "value", inputs)
    return inputs.logits - lse[:, None]


@pytest.mark.parametrize("offset", [2.0**20, 2.0**17], ids=["2**20", "2**17"])
def test_logits_less_logsumexp_at_an_offset_are_class_u(offset):
    """x - (m + log S) loses half an ulp of m: far beyond class S, and 0.3 of class U, whose log may cost more."""
    rng = np.random.default_rng(4)
    logits = (offset + rng.standard_normal((64, 12))).astype(np.float32)
    distance = asked(Op.of("log_softmax"), "value", logits, unshifted)

    assert distance.over_bound["S"] > 1000
    assert 0.25 <= distance.over_bound["U"] <= 1
    assert distance.budget_class == "U"


def test_rounded_differences_reach_class_s():
    """Over 4000 rows of two classes far apart the rounding of m - x alone reaches 0.6 of softmax's bound."""
    rng = np.random.default_rng(5)
    logits = np.stack([0.5 + rng.random(4000), -60 * rng.random(4000)], axis=1).astype(np.float32)
    op = Op.of("softmax")
    distance = asked(op, "value", logits, lambda inputs: textbook.answer(op, "value", inputs))

    assert 0.6 <= distance.over_bound["S"] <= 1


@each_question
@pytest.mark.parametrize("dtype", DTYPES)
def test_bounds_are_positive_numbers_in_the_shape_of_the_answer(op, quantity, dtype):
    """No budget is nan, none is 0, none of U, E and N lies below S, and each has the answer's shape."""
    for family in families_of(op):
        truth, budget = certified(small(op, quantity, family, dtype))
        assert list(budget.error) == (["S", "U", "E", "N"] if dtype in {"float16", "bfloat16"} else ["S", "U", "E"])
        for kind, error in budget.error.items():
            assert error.shape == truth.hi.shape
            assert (error > 0).all()
            # S counts its final rounding on top; where nothing but a rounding can go wrong N lies that hair below.
            assert (error >= budget.error["S"] * (0.99 if kind == "N" else 1)).all()
        assert (np.broadcast_to(budget.flushed, truth.hi.shape) >= 2.0 ** FORMATS[dtype].emin).all()


@each_question
def test_bounds_scale_with_the_unit_roundoff(op, quantity):
    """Beside float64's, float32's bounds of the same numbers are 2**29 times as wide."""
    wide = cases.inputs(small(op, quantity, "normal", "float32"))
    narrow = Inputs(
        wide.logits.astype(np.float64),
        wide.labels if op.name == "sparse_xent" or wide.labels is None else wide.labels.astype(np.float64),
        wide.upstream.astype(np.float64),
    )
    truth = settle.certify(op, quantity, narrow)
    ratio = [bounds.budget(op, quantity, inputs, truth).error["S"] for inputs in (wide, narrow)]

    assert np.allclose(ratio[0], 2.0**29 * ratio[1], rtol=1e-6, atol=2.0**-140)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "sparse_xent", "dense_xent"])
@pytest.mark.parametrize("power", [1, 3], ids=["doubled", "eightfold"])
def test_gradients_bounds_scale_with_upstream(name, power):
    """Twice the incoming gradient makes twice the bound."""
    op, factor = Op.of(name), np.float64(2.0**power)
    inputs = cases.inputs(small(op, "grad_logits", "normal", "float64"))
    larger = Inputs(inputs.logits, inputs.labels, inputs.upstream * factor)
    one, other = (
        bounds.budget(op, "grad_logits", given, settle.certify(op, "grad_logits", given)).error["S"]
        for given in (inputs, larger)
    )

    assert np.allclose(other, factor * one, rtol=1e-12, atol=0)


@pytest.mark.parametrize("family", ["confident", "normal", "two_class_gap"])
def test_softmax_inside_a_gradient_is_bounded_no_tighter_than_softmax(family):
    """The gradient of logsumexp may be a quotient or an exponential, so it is allowed what softmax itself is."""
    value = small(Op.of("softmax"), "value", family, "float32")
    slope = small(Op.of("logsumexp"), "grad_logits", family, "float32")
    g = np.abs(cases.inputs(slope).upstream)[:, None]

    assert (certified(slope)[1].error["S"] >= g * (certified(value)[1].error["S"] - 2.0**-140)).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_class_s_does_not_know_the_offset(name):
    """A common offset with exact differences changes no class S bound, and widens class U."""
    op = Op.of(name)
    logits = np.arange(-6.0, 6.0)[None] / 4
    near, far = (
        bounds.budget(op, "value", given, settle.certify(op, "value", given)).error
        for given in (Inputs(logits + c, None, np.ones_like(logits)) for c in (0.0, 4096.0))
    )

    assert np.allclose(near["S"], far["S"], rtol=1e-12, atol=0)
    assert (far["U"] > 100 * near["S"]).all()


def test_loss_beyond_float64_is_still_bounded():
    """Where m - x overflows float64, 0 for an infinite loss exceeds every class, and infinity meets class S."""
    big = np.finfo(np.float64).max
    case = {"labels": np.array([1])}
    op, logits = Op.of("sparse_xent"), np.array([[big, -big]])
    lost = asked(op, "value", logits, lambda _: np.zeros(1), **case)
    right = asked(op, "value", logits, lambda _: np.full(1, np.inf), **case)

    assert lost.budget_class is None
    assert right.budget_class == "S"
    assert right.max_ulp == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_case_of_the_quick_preset_has_a_nan_bound(dtype):
    """Every short case of the quick preset, at its own shape, has budgets that are numbers."""
    for case in cases.cases(presets.PRESETS["quick"]):
        if case.dtype != dtype or case.classes >= presets.LONG:
            continue
        inputs = cases.inputs(case)
        shape = inputs.like(case.quantity).shape
        blank = Golden(np.ones(shape), np.zeros(shape), None, 0.0)
        budget = meaning.budget(case.op, case.quantity, inputs, lambda *_: blank)  # noqa: B023 - asked at once
        assert all((error > 0).all() for error in budget.error.values()), case
