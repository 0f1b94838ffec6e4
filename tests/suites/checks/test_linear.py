"""Checks of a loss of hidden states: each catches the kernel that is planted for it, and correct ones keep them all."""

import warnings
from pathlib import Path

import pytest

from harness import adapters
from harness.adapters import judged
from harness.model import Case, Checked, Op, Target
from harness.ops import OPS
from reference.cache import Cache
from suites.checks import check as checks
from suites.checks.check import Asking
from suites.checks.invariance import INVARIANCE
from suites.checks.laws import LAWS
from suites.checks.special import SPECIAL
from suites.judging import ask, judge
from suites.questions import cases, linear
from suites.questions.presets import PRESETS

torch = pytest.importorskip("torch")

KERNELS = Path(__file__).parents[2] / "kernels"
SUITES = {"law": LAWS, "special": SPECIAL, "invariance": INVARIANCE}
OF_LINEAR = {
    name: check
    for suite in SUITES.values()
    for name, check in suite.checks.items()
    if any(OPS[op.name].linear for spec in check.specs for op in spec.ops)
}
# What catches each kernel: check, quantity, dtype.
CAUGHT = {
    "shifted_beyond_99": ("law.shared_direction", "value", "float32"),
    "maximum_without_last_vector": ("law.class_order", "value", "float32"),
    "without_tail_of_features": ("law.lengths_of_products", "grad_weight", "float32"),
    "padding_guessed": ("law.zero_features", "value", "float32"),
    "sum_stands_still": ("law.repeated_classes", "value", "bfloat16"),
    "gradient_row_by_row": ("law.repeated_rows", "grad_weight", "bfloat16"),
    "upstream_clamped": ("law.linear_in_loss_gradient", "grad_hidden", "float32"),
    "trained_in_bfloat16": ("law.loss_beside_gradient", "grad_weight", "float32"),
    "nan_replaced": ("special.nan_hidden", "value", "float32"),
    "one_maximum_for_all_rows": ("special.infinite_hidden", "value", "float32"),
    "by_one_hot": ("special.class_masked_by_bias", "value", "float32"),
    "no_zero": ("special.signed_zeros_in_product", "value", "float32"),
    "scaled_up": ("special.largest_equal_logits", "value", "float32"),
    "one_class_is_binary": ("special.one_class_of_a_weight", "value", "float32"),
    "at_least_one_row": ("special.empty_batch_of_hidden", "value", "float32"),
    "bad_labels_cost_nothing": ("special.ignored_row_of_hidden", "grad_weight", "float32"),
    "ignored_by_product": ("special.ignored_hidden_not_finite", "value", "float32"),
}
ALSO = {"special.nan_weight": "nan_replaced"}
RIGHT = ("with_every_option", "by_blocks")  # the first takes every option, the other is all its own


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return the goldens that all tests share."""
    return Cache(tmp_path_factory.mktemp("goldens"))


def of_file(name):
    """Return torch's adapter with the kernels of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        catalogue = judged.catalogues(KERNELS / name)["torch"]
        return adapters.load("torch").judging(catalogue, every_mode=False)


@pytest.fixture(scope="module")
def faults():
    """Return the wrong kernels."""
    return of_file("faults/linear_checks.py")


@pytest.fixture(scope="module")
def controls():
    """Return the correct kernels."""
    return of_file("controls/linear_xent.py")


def target(adapter, kernel):
    """Return a kernel of a file as a target."""
    named = (one for one in adapter.implementations() if one.name == f"linear_xent_{kernel}")
    return Target(next(named), "eager")


def cases_of(check, preset="quick"):
    """Return a check's questions of linear ops."""
    return [case for case in OF_LINEAR[check].cases(PRESETS[preset]) if OPS[case.op.name].linear]


def outcome(adapter, case, kernel, cache):
    """Make a check of a kernel."""
    return checks.outcome(SUITES[case.check.partition(".")[0]], Asking(adapter, case, kernel, cache.golden))


@pytest.mark.parametrize(
    ("kernel", "check", "quantity", "dtype"),
    [
        *((kernel, *caught) for kernel, caught in CAUGHT.items()),
        *((kernel, check, "value", "float32") for check, kernel in ALSO.items()),
    ],
)
def test_check_catches_its_kernel(kernel, check, quantity, dtype, faults, cache):
    """Each check catches the kernel that it is there for, and shows where."""
    case = next(case for case in cases_of(check) if (case.quantity, case.dtype) == (quantity, dtype))
    found = outcome(faults, case, target(faults, kernel), cache)

    assert judge.judge(case, target(faults, kernel), found, ())[0] == "deviates"
    if isinstance(found, Checked):
        assert found.over > 1
        assert found.worst.expected != found.worst.got
        assert found.detail


def test_every_law_and_claim_has_its_kernel():
    """A check of linear ops alone that catches nothing planted has no place here."""
    own = {
        name
        for name, check in OF_LINEAR.items()
        if check.judges and all(OPS[op.name].linear for spec in check.specs for op in spec.ops)
    }
    assert own == {check for check, _, _ in CAUGHT.values()} | set(ALSO)


@pytest.mark.parametrize("kernel", CAUGHT)
def test_accuracy_alone_does_not_see_it(kernel, faults, cache):
    """On ordinary rows the same kernel conforms."""
    _, quantity, dtype = CAUGHT[kernel]
    case = linear.case(Op.of("linear_xent"), quantity, "hidden_normal", dtype, linear.CHECKED)
    score = ask.score(faults, target(faults, kernel), ask.asked(case, cache.golden))
    assert judge.judge(case, target(faults, kernel), score, ()) == ("conforms", "")


@pytest.mark.parametrize("check", OF_LINEAR)
def test_correct_kernels_keep_every_check(check, controls, cache):
    """No check accuses a correct kernel, in 16 bits where it is asked there."""
    every = cases_of(check)
    for case in [case for case in every if case.dtype == "bfloat16"] or every:
        for one in (target(controls, kernel) for kernel in RIGHT):
            if OF_LINEAR[check].asks(controls, one):
                found = outcome(controls, case, one, cache)
                assert judge.judge(case, one, found, ())[0] != "deviates", (str(case), str(one), found)


def test_batch_of_padding_is_caught(faults, cache):
    """A kernel that ignores nothing where all is to be ignored is caught by the family that is padding alone."""
    caught = {}
    for case in linear.option_cases(("float32",)):
        if case.source.name == "only_padding":
            kernel = target(faults, "batch_of_padding")
            score = ask.score(faults, kernel, ask.asked(case, cache.golden))
            caught[case.op.options.get("reduction", "none"), case.quantity] = judge.judge(case, kernel, score, ())[0]
    assert set(caught.values()) == {"deviates"}


def test_worst_element_is_drawn_as_it_was_asked(faults, cache):
    """What a check changes is written out with its worst element, and makes the same arrays again."""
    case = next(case for case in cases_of("law.zero_features") if case.quantity == "value")
    found = outcome(faults, case, target(faults, "padding_guessed"), cache)
    names = {}
    exec(found.worst.logits, names)  # noqa: S102 - what is printed is our own

    assert names["hidden"].shape == (linear.CHECKED[0], linear.CHECKED[1])
    assert names["weight"].shape == (linear.CHECKED[2], linear.CHECKED[1])
    assert not names["hidden"][:, 0].any()
    assert names["bias"] is None or names["bias"].shape == (linear.CHECKED[2],)


def test_plain_cases_draw_what_is_asked():
    """The source of most checks is that of the plain questions."""
    source, rows, classes = linear.CHECK
    case = Case(Op.of("linear_xent"), "value", source, "float32", rows, classes)
    assert case == linear.case(Op.of("linear_xent"), "value", "hidden_normal", "float32", linear.CHECKED)
    assert cases.inputs(case).weight.shape == (classes, linear.CHECKED[1])
