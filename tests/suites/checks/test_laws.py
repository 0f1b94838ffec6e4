"""Laws: each catches a function that is right on usual rows, and sound functions keep every one."""

import itertools
import warnings

import ml_dtypes
import numpy as np
import pytest

from harness import adapters
from harness.adapters import Catalogue, judged
from harness.model import Case, Checked, Op, Target, Unsupported
from harness.ops import OPS
from harness.running.measured import NAME, Measured
from reference.cache import Cache
from suites.checks import check as checks
from suites.checks.check import Asking
from suites.checks.laws import LAWS, points
from suites.checks.laws.rows import LONG
from suites.judging import ask, judge
from suites.questions import cases
from suites.questions.presets import PRESETS

pytest.importorskip("torch", reason="torch is not installed")

from tests.kernels import lawful, lawless

# Those of linear ops alone have tests of their own, in test_linear.py.
NAMES = tuple(
    name.removeprefix("law.")
    for name, check in LAWS.checks.items()
    if not all(OPS[op.name].linear for spec in check.specs for op in spec.ops)
)


@pytest.fixture(scope="session")
def cache(folder):
    """Return the goldens of this session."""
    return Cache(folder / "goldens")


def offered(op, function):
    """Return torch's adapter with one function in its catalogue, and the target that asks it."""
    catalogue = Catalogue("torch")
    catalogue.form(op.name, "function", "fused")(judged.builder(op.name, function, "torch"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapter = adapters.load("torch").offering(catalogue)
    return adapter, Target(adapter.implementations()[0], "eager")


def of_law(name, op, quantity, dtype):
    """Return the case in which a law asks this question."""
    every = LAWS.checks[f"law.{name}"].cases(PRESETS["full"])
    return next(case for case in every if (case.op, case.quantity, case.dtype) == (op, quantity, dtype))


def check(case, function, cache):
    """Make a law of a function."""
    adapter, target = offered(case.op, function)
    return checks.outcome(LAWS, Asking(adapter, case, target, cache.golden)), target


def test_every_law_has_its_breaker():
    """A law that catches nothing by itself has no place here."""
    assert set(lawless.BREAKERS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_law_catches_its_breaker(name, cache):
    """Each law catches a function that it is there for, and shows where."""
    breaker = lawless.BREAKERS[name]
    case = of_law(name, breaker.op, breaker.quantity, breaker.dtype)
    outcome, target = check(case, breaker.function, cache)
    assert isinstance(outcome, Checked)
    assert outcome.over > 1
    assert judge.judge(case, target, outcome, ())[0] == "deviates"
    assert outcome.detail
    assert outcome.worst is not None
    assert outcome.worst.got != outcome.worst.expected


@pytest.mark.parametrize("name", NAMES)
def test_accuracy_does_not_see_the_breaker(name, cache):
    """On usual rows the same function conforms."""
    breaker = lawless.BREAKERS[name]
    case = Case(breaker.op, breaker.quantity, "normal", breaker.dtype, *cases.SQUARE)
    adapter, target = offered(breaker.op, breaker.function)
    outcome = ask.score(adapter, target, ask.asked(case, cache.golden))
    assert judge.judge(case, target, outcome, ()) == ("conforms", "")


@pytest.mark.parametrize("name", NAMES)
def test_sound_functions_keep_the_law(name, cache):
    """Plain formulas, computed in float32 or in the dtype itself, break no law."""
    asked = {}
    for case in LAWS.checks[f"law.{name}"].cases(PRESETS["quick"]):
        if not case.op.params or "reduction" in case.op.options:
            asked.setdefault((case.op, case.quantity), case)
    for case in asked.values():
        outcome, _ = check(case, lawful.SOUND[case.op.name], cache)
        assert isinstance(outcome, Checked), (str(case), outcome)
        assert outcome.over <= 1, (str(case), outcome.detail)
        assert outcome.worst is None


@pytest.mark.parametrize("name", ["repeated", "rows_sum_to_one", "gradient_rows_sum"])
def test_native_sums_in_pairs_keep_the_law(name, cache):
    """Arithmetic in bfloat16 throughout breaks no law, as long as its sum does not stand still."""
    sound = {"softmax": lawful.native_softmax, "logsumexp": lawful.native_logsumexp}
    for case in LAWS.checks[f"law.{name}"].cases(PRESETS["full"]):
        if case.dtype == "bfloat16" and case.op.name in sound:
            outcome, _ = check(case, sound[case.op.name], cache)
            assert outcome.over <= 1, (str(case), outcome.detail)


def test_sum_beyond_float16_is_recorded_of_somebody_s_own_function(cache):
    """What is built on a framework's float16 sum is not accused of it, unless the judge is strict."""
    breaker = lawless.BREAKERS["sum_beyond_float16"]
    case = of_law("sum_beyond_float16", breaker.op, breaker.quantity, breaker.dtype)
    adapter, target = offered(case.op, breaker.function)
    adapter.judged = True
    outcome = checks.outcome(LAWS, Asking(adapter, case, target, cache.golden))

    assert judge.judge(case, target, outcome, ())[0] == "unjudged"
    assert judge.judge(case, target, outcome, (), strict=True)[0] == "deviates"


def test_worst_long_row_can_be_drawn_again(cache):
    """A row that is too long for numbers is stored as code that makes it."""
    breaker = lawless.BREAKERS["rows_sum_to_one"]
    case = of_law("rows_sum_to_one", breaker.op, breaker.quantity, breaker.dtype)
    outcome, _ = check(case, breaker.function, cache)
    names: dict[str, np.ndarray] = {}
    exec(outcome.worst.logits, names)  # noqa: S102 - our own recipe
    assert names["row"].shape == (LONG,)


def test_kept_sum_is_no_second_derivative_and_no_error(cache):
    """A backward pass written for one derivative is shown as what it is."""
    case = of_law("second_derivative", Op.of("logsumexp"), "grad_logits", "float32")
    outcome, target = check(case, lambda x: lawless.SumKept.apply(x), cache)  # noqa: PLW0108 - a name to look up
    assert outcome.policy
    assert judge.judge(case, target, outcome, ())[0] == "unjudged"


@pytest.mark.parametrize("name", ["second_derivative", "jvp_is_vjp"])
def test_what_is_not_offered_is_unsupported(name, cache):
    """A function that raises where a derivative is asked has none, and is not accused."""
    case = of_law(name, Op.of("logsumexp"), "grad_logits", "float32")
    outcome, _ = check(case, lambda x: lawless.Once.apply(x), cache)  # noqa: PLW0108 - a name to look up
    assert isinstance(outcome, Unsupported)


def test_labels_that_are_refused_are_not_asked(cache):
    """A function that wants distributions and says so is not accused."""

    def strict(logits, labels):
        assert ((labels.sum(-1) - 1).abs() < 1e-3).all(), "each row of labels must add up to 1"
        return lawful.dense_xent(logits, labels)

    outcome, _ = check(of_law("linear_in_labels", Op.of("dense_xent"), "value", "float32"), strict, cache)
    assert isinstance(outcome, Unsupported)
    assert "add up to 1" in outcome.reason


def test_derivative_that_is_cut_off_is_unsupported(cache):
    """A value that forward mode takes for a constant has no forward-mode derivative; its gradient is another matter."""
    case = of_law("jvp_is_vjp", Op.of("sigmoid"), "grad_logits", "float32")
    outcome, _ = check(case, lambda x: lawful.sigmoid(x.detach()) + 0 * x, cache)
    assert isinstance(outcome, Unsupported)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sweep_holds_every_16_bit_number(dtype):
    """No number of a 16-bit format up to the largest of the sweep is left out."""
    kind = np.float16 if dtype == "float16" else ml_dtypes.bfloat16
    with np.errstate(invalid="ignore"):
        every = np.arange(1 << 16).astype(np.uint16).view(kind).astype(np.float64)
    every = every[np.abs(every) <= points.LARGEST]
    assert set(every.tolist()) == set(points.numbers(dtype).tolist())


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_sweep_ascends_and_fills_its_shape(dtype):
    """A sweep of any format has as many numbers as the law asks, in order."""
    numbers = points.numbers(dtype)
    assert numbers.size == points.SIDE**2
    assert (np.diff(numbers) >= 0).all()


@pytest.mark.parametrize("center", [17.3287, -17.3287, 2.0**-24])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_run_is_float_by_float(center, dtype):
    """A run ascends by one ulp at each step; at the smallest numbers it begins at 0."""
    run = points.run(center, dtype)
    bits = run.view(f"u{run.itemsize}").astype(object)
    assert run.dtype.name == dtype
    assert len(run) == points.RUN
    assert {abs(b - a) for a, b in itertools.pairwise(bits)} == {1}
    assert (np.diff(run.astype(np.float64)) > 0).all()


@pytest.mark.parametrize(
    ("name", "op"),
    [("exact_rows_masked", "softmax"), ("lengths", "logsumexp"), ("value_beside_gradient", "sparse_xent")],
)
def test_what_is_kept_is_what_would_be_found(name, op, cache, tmp_path):
    """A law says the same of kept answers as of new ones, of a right function and of a wrong one."""
    quantity = "grad_logits" if name == "value_beside_gradient" else "value"
    case = of_law(name, Op.of(op), quantity, "float32")
    offers = [implementation for implementation in adapters.load("torch").implementations() if implementation.op == op]
    targets = [Target(next(one for one in offers if one.kind == kind), "eager") for kind in ("fused", "naive")]

    def found(measured):
        askings = [Asking(adapters.load("torch"), case, target, cache.golden, measured) for target in targets]
        return [checks.outcome(LAWS, asking) for asking in askings]

    kept = Measured(tmp_path / NAME, "one")
    plain, first, asked = found(Measured()), found(kept), kept.asked
    again = found(kept)

    assert plain == first == again
    assert kept.taken >= asked > 0
