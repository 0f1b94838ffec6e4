"""What options mean: against their definitions written out in mpmath, and against answers that mean something else."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Case, Inputs, Op
from harness.ops import ASKED
from harness.scoring import metrics
from reference.arbiter import settle
from reference.cache import Cache
from reference.options import meaning
from suites.questions import cases, families, options
from tests.made import by_hand

ROWS, CLASSES = 8, 4
NEAR = 1e-25  # of central differences, relative to the largest element

LOGITS = np.array([[0.0, 1.0, -2.0, 0.5], [3.0, 0.25, 0.0, -1.0]])


def small(op, quantity, dtype="float32", family="normal_large"):
    """Return an option's case at a shape that mpmath is quick with."""
    rows = 1 if op.options.get("rank") == 1 else ROWS
    return Case(op, quantity, f"options/{family}", dtype, rows, CLASSES)


def exact(op, quantity, inputs):
    """Return the golden, each of its questions certified."""
    return meaning.golden(op, quantity, inputs, settle.certify)


def measured(case, got):
    """Measure an answer to an option."""
    inputs = cases.inputs(case)
    truth = exact(case.op, case.quantity, inputs)
    budget = meaning.budget(case.op, case.quantity, inputs, settle.certify)
    return metrics.measure(got, truth, FORMATS[case.dtype], budget.error, budget.flushed)


def numbers(truth):
    """Return a golden's values as mpmath numbers."""
    exponents = np.zeros(truth.hi.shape, int) if truth.exponent is None else truth.exponent
    with mpmath.workdps(by_hand.DIGITS):
        flat = [
            mpmath.ldexp(mpmath.mpf(float(hi)) + mpmath.mpf(float(lo)), int(e))
            for hi, lo, e in zip(truth.hi.ravel(), truth.lo.ravel(), exponents.ravel(), strict=True)
        ]
    return np.array([*flat, None], object)[:-1].reshape(truth.hi.shape)


OTHERS = [(op, quantity) for op, quantities in options.OTHERS.items() for quantity in quantities]
LAYOUTS = [(op, quantity) for op, quantities in options.LAYOUTS.items() for quantity in quantities]
SOME = [
    (op, quantity)
    for op, quantity in LAYOUTS
    if quantity == "value" or (op.options["rank"] == 3 and op.options["axis"] in {0, -2})
]


@pytest.mark.parametrize(("op", "quantity"), [*OTHERS, *SOME], ids=str)
def test_golden_is_what_the_definition_says(op, quantity):
    """Every option that is asked, value and gradients, as its definition reads."""
    inputs = cases.inputs(small(op, quantity))

    truth = exact(op, quantity, inputs)
    expected = by_hand.answer(op, quantity, inputs)

    assert truth.hi.shape == expected.shape
    assert truth.radius < 2.0**-60
    found = numbers(truth)
    if (op.name, quantity, "mask" in op.options) == ("log_softmax", "value", True):
        beyond = found < -(mpmath.mpf(2) ** 1100)  # what every format rounds to -inf
        assert beyond.sum() == len(found)
        found[beyond] = mpmath.mpf(0)  # as a sum over the classes that are kept has it
    with mpmath.workdps(by_hand.DIGITS):
        scale = max([abs(x) for x in expected.ravel()], default=1)
        for got, right in zip(found.ravel(), expected.ravel(), strict=True):
            assert abs(got - right) <= scale * NEAR


def test_values_worked_by_hand():
    """Two rows, on paper: labels 1 and 0, class weights 1 and 2, smoothing a quarter, every reduction."""
    with mpmath.workdps(40):
        negative = [[mpmath.log(mpmath.fsum(map(mpmath.exp, row))) - x for x in row] for row in LOGITS.tolist()]
        first = 2 * (mpmath.mpf(3) / 4) * negative[0][1]
        first += (negative[0][0] + 2 * negative[0][1] + negative[0][2] + 2 * negative[0][3]) / 16
        second = 1 * (mpmath.mpf(3) / 4) * negative[1][0]
        second += (negative[1][0] + 2 * negative[1][1] + negative[1][2] + 2 * negative[1][3]) / 16
        op = Op.of("sparse_xent", class_weight="1 2", label_smoothing=0.25, reduction="sum")
        inputs = Inputs(LOGITS, np.array([1, 0]), np.array(1.0))
        (got,) = numbers(exact(op, "value", inputs)).ravel()
        assert abs(got - (first + second)) < 1e-25

        ignoring = Op.of("sparse_xent", ignore_index=0, reduction="mean_valid")
        (got,) = numbers(exact(ignoring, "value", inputs)).ravel()
        assert abs(got - negative[0][1]) < 1e-25  # one row of two counts

        weighted = Op.of("sparse_xent", class_weight="1 3", reduction="mean_classweight")
        (got,) = numbers(exact(weighted, "value", inputs)).ravel()
        assert abs(got - (3 * negative[0][1] + negative[1][0]) / 4) < 1e-25  # 3 + 1, not 2


def test_ignored_rows_have_no_loss_and_no_gradient():
    """Both are exactly 0, whatever the row."""
    case = small(Op.of("sparse_xent", ignore_index=-100), "value")
    inputs = cases.inputs(case)
    ignored = inputs.labels == -100

    for quantity in ("value", "grad_logits"):
        truth = exact(case.op, quantity, inputs)
        assert (truth.hi[ignored] == 0).all()
        assert (truth.lo[ignored] == 0).all()
        assert (truth.hi[~ignored] != 0).all()


def test_smoothed_labels_that_sum_to_one_still_do():
    """The gradient of a smoothed row sums to 0, as any softmax cross-entropy's."""
    case = small(Op.of("dense_xent", label_smoothing=0.125), "grad_logits")
    inputs = cases.inputs(case)

    found = numbers(exact(case.op, case.quantity, inputs))

    with mpmath.workdps(by_hand.DIGITS):
        assert all(abs(mpmath.fsum(row)) < 1e-25 for row in found)


def test_a_layout_asks_the_question_of_its_rows(tmp_path):
    """All axes of a rank share one golden: the rows are the same, wherever the classes lie."""
    cache = Cache(tmp_path, "mpmath")
    for axis in range(-3, 3):
        case = small(Op.of("softmax", axis=axis, rank=3), "value")
        meaning.golden(case.op, case.quantity, cases.inputs(case), cache.golden)

    assert cache.computed == 1


@pytest.mark.parametrize("op", ASKED, ids=str)
def test_ops_without_options_are_asked_as_they_are(op):
    """What the reference knows goes to it unchanged, so that its goldens keep their keys."""
    given = object()

    def certify(*asked):
        assert asked == (op, "value", given)
        return "golden"

    assert meaning.golden(op, "value", given, certify) == "golden"


MEANS = [op for op in options.OTHERS if str(op.options.get("reduction", "")).startswith("mean")]


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("op", MEANS, ids=str)
def test_a_wrong_denominator_is_caught(op, dtype):
    """The right sum over any other denominator that a mean may have lies outside every budget."""
    (case,) = (
        case
        for case in options.cases([dtype], [])
        if (case.op, case.quantity, case.family) == (op, "value", "options/normal_large")
    )
    truth = exact(op, "value", cases.inputs(case))
    own = float(denominator(case, op.options["reduction"]))

    others = {2.0**power for power in range(7)} - {own}
    assert len(others) == 6
    for below in others:
        got = families.to_dtype(truth.hi * own / below, dtype)
        assert measured(case, got).budget_class not in {"S", "N"}, below
    assert measured(case, families.to_dtype(truth.hi, dtype)).budget_class == "S"


def denominator(case, reduction):
    """Work out the denominator of a drawn case, from the labels and the patterns."""
    asked, labels = case.op.options, cases.inputs(case).labels
    elements = case.rows * (case.classes if case.op.name == "sigmoid_xent" else 1)
    samples = [Fraction(x) for x in str(asked.get("sample_weight", "1")).split()]
    valid = [int(k) for k in labels.ravel() if k != asked.get("ignore_index")] if case.op.name == "sparse_xent" else []
    weights = [Fraction(x) for x in str(asked.get("class_weight", "1")).split()]
    return {
        "mean": elements,
        "mean_axis": case.classes,
        "mean_valid": len(valid),
        "mean_classweight": sum(weights[k % len(weights)] for k in valid),
        "mean_sampleweight": sum(samples) * elements / len(samples),
        "mean_nonzero": sum(map(bool, samples)) * elements // len(samples),
    }[reduction]


MISREAD = {
    "class weight of the label for all its smoothed terms": (
        Op.of("sparse_xent", class_weight=options.CLASS_WEIGHT, label_smoothing=0.125),
        lambda loss, weight, uniform: weight * (0.875 * loss + 0.125 * uniform),
    ),
    "smoothing over the other classes alone": (
        Op.of("sparse_xent", label_smoothing=0.125),
        lambda loss, _weight, uniform: 0.875 * loss + 0.125 * (16 * uniform - loss) / 15,
    ),
    "smoothing left out": (
        Op.of("sparse_xent", label_smoothing=0.125),
        lambda loss, _weight, _uniform: loss,
    ),
}


@pytest.mark.parametrize("name", MISREAD)
def test_an_option_misread_is_caught(name):
    """An answer to another meaning of the same words meets no budget."""
    op, misread = MISREAD[name]
    case = Case(op, "value", "options/normal_large", "float32", options.ROWS, options.CLASSES)
    inputs = cases.inputs(case)
    x = inputs.logits.astype(np.float64)
    negative = np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)) + x.max(1, keepdims=True) - x
    loss = negative[np.arange(case.rows), inputs.labels]
    weight = np.resize([float(w) for w in options.CLASS_WEIGHT.split()], case.classes)[inputs.labels]

    found = measured(case, misread(loss, weight, negative.mean(1)).astype(np.float32))

    assert found.budget_class is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("op", "quantity"), [*OTHERS, *SOME[::7]], ids=str)
def test_the_correctly_rounded_answer_meets_class_s(op, quantity, dtype):
    """Nothing that is asked has a budget below half an ulp's rounding, and no shape is off."""
    case = small(op, quantity, dtype)
    truth = exact(op, quantity, cases.inputs(case))
    exponent = 0 if truth.exponent is None else truth.exponent
    with np.errstate(over="ignore", under="ignore"):
        got = families.to_dtype(np.ldexp(truth.hi, exponent), dtype)

    assert measured(case, got).budget_class == "S"


@pytest.mark.parametrize(
    ("op", "labels", "match"),
    [
        (Op.of("sparse_xent", ignore_index=2, reduction="mean_valid"), [0, 1, 3, 2], "denominator of mean_valid is 3"),
        (Op.of("sparse_xent", reduction="median"), [0, 1, 2, 3], "reduction is 'median', expected one of none, sum"),
        (Op.of("logsumexp", term_weight="1 0"), None, "term_weight is 1 0, expected numbers above 0"),
    ],
)
def test_what_has_no_exact_meaning_is_refused(op, labels, match):
    """A quotient that would round, an unknown reduction, a term of nothing: each is an error that says what to do."""
    given = None if labels is None else np.array(labels)
    inputs = Inputs(np.zeros((4, 4), np.float32), given, np.ones((4, 4) if labels is None else ()))

    with pytest.raises(ValueError, match=match):
        exact(op, "value", inputs)


def test_a_class_weight_that_would_round_a_golden_is_refused():
    """A gradient with respect to labels is a golden times class weights, exact for powers of two alone."""
    inputs = Inputs(np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32), np.ones(2))

    with pytest.raises(ValueError, match="expected powers of two"):
        exact(Op.of("dense_xent", class_weight="1 3"), "grad_labels", inputs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [op for op in options.SPARSE if "class_weight" in op.options], ids=str)
def test_a_loss_of_zero_is_not_taken_for_a_flushed_one(op, dtype):
    """Losses near 1 are no subnormal numbers, whatever factors they have."""
    case = small(op, "value", dtype)
    truth = exact(op, "value", cases.inputs(case))

    assert measured(case, families.to_dtype(np.zeros(truth.hi.shape), dtype)).budget_class is None


def test_capped_logits_are_worked_by_hand():
    """Of logits 0 and 8 with a cap of 8 the loss is log(1 + e**(8 tanh 1)), and the gradient ends in 1 - tanh(1)**2."""
    inputs = Inputs(np.array([[0.0, 8.0]]), np.array([0]), np.ones(1))
    op = Op.of("sparse_xent", softcap=8.0)
    gap = 8 * np.tanh(1)

    assert exact(op, "value", inputs).hi == pytest.approx([np.log1p(np.exp(gap))], rel=1e-15)
    p = 1 / (1 + np.exp(-gap))
    assert exact(op, "grad_logits", inputs).hi == pytest.approx(np.array([[-p, p * (1 - np.tanh(1) ** 2)]]), rel=1e-14)


def test_a_cap_that_rounds_is_refused():
    """x / c is exact of powers of two alone."""
    inputs = Inputs(np.zeros((1, 2)), np.array([0]), np.ones(1))
    with pytest.raises(ValueError, match="softcap is 30, expected a power of two"):
        exact(Op.of("sparse_xent", softcap=30.0), "value", inputs)
    with pytest.raises(ValueError, match="asked with other factors of a class"):
        exact(Op.of("sparse_xent", z_loss=0.5, label_smoothing=0.5), "value", inputs)
