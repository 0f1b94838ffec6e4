"""Invariance: what only these checks can see is caught, and what may differ is recorded and not accused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from harness import adapters
from harness.adapters import Catalogue, judged
from harness.adapters import numpy as in_numpy
from harness.model import Case, Checked, Failed, Op, Target, Unsupported
from reference.cache import Cache
from suites.checks import check as checks
from suites.checks.check import Asking
from suites.checks.invariance import INVARIANCE
from suites.checks.invariance.batches import DIFFERS, REFUSED, changed
from suites.judging import ask, judge
from suites.questions import plan
from suites.questions.presets import PRESETS

torch = pytest.importorskip("torch")

from tests.kernels.dependent import FAULTS, KEPT, SOUND, softmax_of_torch  # noqa: E402 - which need torch

TORCH = adapters.load("torch")


@pytest.fixture(autouse=True)
def nothing_kept():
    """Begin each test with nothing kept."""
    KEPT.clear()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return a cache of goldens that all tests share."""
    return Cache(tmp_path_factory.mktemp("goldens"))


def case_of(check, op, quantity, dtype="float32"):
    """Return the check's case of an op."""
    return next(
        case
        for case in INVARIANCE.checks[f"invariance.{check}"].cases(PRESETS["full"])
        if (case.op, case.quantity, case.dtype) == (Op.of(op), quantity, dtype)
    )


def asking(case, function, cache, adapter=TORCH, mode="eager"):
    """Return the question, put to a function of somebody's own."""
    catalogue = Catalogue(adapter.catalogue.framework)
    catalogue.form(case.op.name, function.__name__, "fused")(judged.builder(case.op.name, function, "torch"))
    own = adapter.offering(catalogue)
    return Asking(own, case, Target(own.implementations()[0], mode), cache.golden)


def outcome(check, op, quantity, function, cache, adapter=TORCH, mode="eager", dtype="float32"):
    """Make a check of a function."""
    return checks.outcome(INVARIANCE, asking(case_of(check, op, quantity, dtype), function, cache, adapter, mode))


def judgement(question, found):
    """Judge an outcome."""
    return judge.judge(question.case, question.target, found, ())


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_function_is_caught(name, cache):
    """The check that is there for it accuses each wrong function, and shows where."""
    check, op, quantity, function = FAULTS[name]
    question = asking(case_of(check, op, quantity), function, cache)

    found = checks.outcome(INVARIANCE, question)
    verdict, reason = judgement(question, found)

    assert verdict == "deviates"
    assert len(reason) > 20
    if isinstance(found, Checked):
        assert found.worst.logits.count("0x") == question.case.classes
        assert found.worst.expected != found.worst.got


@pytest.mark.parametrize("name", FAULTS)
def test_accuracy_alone_does_not_see_it(name, cache):
    """Asked once, by one thread, in an even batch of plain arrays, each of the wrong functions is right."""
    _, op, quantity, function = FAULTS[name]
    question = asking(Case(Op.of(op), quantity, "normal", "float32", 32, 64), function, cache)

    with TORCH.threads(1):
        score = ask.score(question.adapter, question.target, ask.asked(question.case, cache.golden))

    assert judgement(question, score)[0] == "conforms"


@pytest.mark.parametrize("check", [name.partition(".")[2] for name in INVARIANCE.checks])
@pytest.mark.parametrize("name", SOUND)
def test_a_correct_function_is_not_accused(name, check, cache):
    """No check accuses a correct function; where its bits differ, that is recorded."""
    op, quantity, function = SOUND[name]
    cases = INVARIANCE.checks[f"invariance.{check}"].cases(PRESETS["full"])
    asked = {(case.op, case.quantity) for case in cases}
    if check in {"compiled", "path"} or (Op.of(op), quantity) not in asked:
        pytest.skip(f"{check} is not asked of {op}, {quantity}, of eager torch")

    found = outcome(check, op, quantity, function, cache)

    assert isinstance(found, Checked)
    assert found.over <= 1
    assert found.policy in {"", DIFFERS, REFUSED}
    assert found.elements > 0 or found.policy == REFUSED
    assert found.detail


def turns_gradients_off(logits, axis):
    """Answer rightly, and change a switch of torch's."""
    torch.set_grad_enabled(False)
    return torch.softmax(logits, axis)


@pytest.mark.parametrize(
    ("function", "over", "detail"),
    [(turns_gradients_off, math.inf, "the call changes torch's gradient mode"), (softmax_of_torch, 0.0, "")],
)
def test_a_call_leaves_its_process_as_it_was(function, over, detail, cache):
    """What a call changes is told, and is as it was behind it."""
    case = Case(Op.of("softmax"), "value", "normal", "float32", 32, 64, check="invariance.process")

    found = checks.outcome(INVARIANCE, asking(case, function, cache))

    assert (found.over, found.detail) == (over, detail)
    assert torch.is_grad_enabled()


def without_tails(logits, axis=-1):
    """Answer as softmax does, and with no less than a thousandth."""
    return torch.softmax(logits, axis).clamp_min(1e-3)


def through_float64(logits, axis=-1):
    """Answer as softmax does, rounded once."""
    return torch.softmax(logits.double(), axis).float()


@pytest.mark.parametrize(
    ("made", "verdict", "policy", "words"),
    [
        (without_tails, "deviates", "", "where its source answers"),
        (through_float64, "unjudged", DIFFERS, "furthest off"),
        (softmax_of_torch, "conforms", "", "the bits of its source"),
    ],
)
def test_what_is_exported_is_held_against_its_source(made, verdict, policy, words, cache):
    """A path that loses tails is told with both answers; other bits are recorded, and the same bits conform."""
    question = asking(case_of("path", "softmax", "value"), softmax_of_torch, cache)
    ((key, offer),) = question.adapter.catalogue.offers.items()
    exported = replace(offer, build=judged.builder("softmax", made, "torch"))
    path = TORCH.offering(Catalogue("torch", offers={key: exported}))
    path.source = question.adapter
    found = checks.outcome(INVARIANCE, replace(question, adapter=path))

    assert judgement(question, found)[0] == verdict
    assert found.policy == policy
    assert words in found.detail


def test_every_judging_check_has_a_fault_of_its_own():
    """A check that catches nothing has no place; modes only record, eager torch compiles nothing; others are above."""
    elsewhere = {"invariance.modes", "invariance.compiled", "invariance.process", "invariance.path"}

    assert {f"invariance.{check}" for check, *_ in FAULTS.values()} == set(INVARIANCE.checks) - elsewhere


@pytest.mark.parametrize(("open_rows", "verdict"), [(None, "conforms"), (8, "deviates")])
def test_a_number_of_rows_that_is_guessed_is_caught(open_rows, verdict, cache):
    """A function that takes an open number of rows for eight is right wherever the number is known."""
    tf = pytest.importorskip("tensorflow")

    def losses(logits, labels):
        """Return the losses, in as many rows as are believed in."""
        rows = logits.shape[0] or open_rows or tf.shape(logits)[0]
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.gather(each, tf.range(tf.shape(logits)[0]) % rows)

    adapter = adapters.load("tensorflow")
    question = asking(case_of("compiled", "sparse_xent", "grad_logits"), losses, cache, adapter, "function")

    assert judgement(question, checks.outcome(INVARIANCE, question))[0] == verdict


def test_bits_that_depend_on_the_batch_are_recorded(cache):
    """A last bit that depends on the batch is no deviation: where it differs first is told, and nothing is judged."""

    def rounded_otherwise_alone(logits):
        """Take another path for a single row."""
        p = torch.sigmoid(logits)
        return p if len(p) > 1 else torch.nextafter(p, p + 1)

    question = asking(case_of("batch", "sigmoid", "value"), rounded_otherwise_alone, cache)
    found = checks.outcome(INVARIANCE, question)

    assert found.over <= 1
    assert found.policy == DIFFERS
    assert found.detail.startswith(
        "in a batch of 1, 1 of 1 rows differ, by at most 1 ulp; the first at row 0, class 0: 0x"
    )
    assert judgement(question, found)[0] == "unjudged"


def test_a_view_that_is_refused_is_no_wrong_answer(cache):
    """A function that raises for what is not contiguous says so; that is recorded with its words."""

    def contiguous_only(logits):
        """Refuse views."""
        if not logits.is_contiguous():
            raise ValueError("logits must be contiguous")
        return torch.sigmoid(logits)

    found = outcome("layout", "sigmoid", "value", contiguous_only, cache)

    assert found.policy == REFUSED
    assert found.over <= 1
    assert found.detail == (
        "transposed: ValueError: logits must be contiguous; strided: ValueError: logits must be contiguous; "
        "wider: ValueError: logits must be contiguous"
    )


def test_a_function_that_is_plainly_off_is_not_accused_again(cache):
    """What is off in the plain question is judged there, and not once more in every surrounding."""

    def rough(logits):
        """Answer with three digits."""
        return torch.sigmoid(logits).half().float()

    for check in ("batch", "layout", "threads", "renewed"):
        assert outcome(check, "sigmoid", "value", rough, cache).over <= 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.double(), "dtype is float64, expected float32"),
        (lambda p: p[:, :1], "shape is"),
        (lambda p: p.reshape(-1), "shape is"),
    ],
)
@pytest.mark.parametrize("check", ["batch", "layout", "again", "kept", "renewed"])
def test_dtype_and_shape_are_those_of_the_logits(check, change, words, cache):
    """An answer of another dtype or shape is none."""

    def unlike(logits):
        """Answer in another dtype or shape."""
        return change(torch.sigmoid(logits))

    found = outcome(check, "sigmoid", "value", unlike, cache)

    assert isinstance(found, Failed)
    assert words in found.reason


class TwoModes(in_numpy.Adapter):
    """Numpy, with a mode in which every answer is the next number above."""

    modes = ("eager", "nudged")

    def forward(self, function, mode):
        """Nudge an answer in mode nudged."""
        plain = super().forward(function, mode)
        return plain if mode == "eager" else lambda *arrays: np.nextafter(plain(*arrays), np.float32(np.inf))


def softmax_of_numpy(logits, axis):
    """Return the textbook softmax."""
    e = np.exp(logits - logits.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def test_modes_are_compared_bit_by_bit(cache):
    """Another mode's bits are told apart from the plainest mode's, and the first row that differs is shown."""
    found = outcome("modes", "softmax", "value", softmax_of_numpy, cache, TwoModes(), "nudged")

    assert found.policy == DIFFERS
    assert found.over == 0
    assert found.detail.startswith(
        "against mode eager on cpu, 32 of 32 rows differ, by at most 1 ulp; the first at row 0,"
    )
    assert outcome("modes", "softmax", "value", softmax_of_numpy, cache, TwoModes()).policy == ""


def test_modes_are_asked_of_all_but_the_plainest():
    """The plainest mode on the cpu has nothing to be held against."""
    wanted = plan.Wanted(PRESETS["full"], ops=("softmax",))
    adapter = TwoModes()
    catalogue = Catalogue("numpy")
    catalogue.form("softmax", "own", "fused")(lambda: softmax_of_numpy)

    asked = {
        (case.check, target.mode) for _, case, target in INVARIANCE.questions([adapter.offering(catalogue)], wanted)
    }

    assert {mode for check, mode in asked if check == "invariance.modes"} == {"nudged"}
    assert {mode for check, mode in asked if check == "invariance.batch"} == {"eager", "nudged"}


def test_the_quick_preset_asks_compiling_modes_for_their_bits_alone():
    """In few shapes a compilation costs little, in those of the other checks much."""
    quick = PRESETS["quick"]
    modes, batch = (case_of(check, "softmax", "value") for check in ("modes", "batch"))

    assert quick.checks("invariance", modes, "slowly")
    assert not quick.checks("invariance", batch, "slowly")
    assert quick.checks("invariance", batch, "nothing")


def test_what_a_framework_lacks_is_unsupported(cache):
    """Numpy has no threads to choose."""
    found = outcome("threads", "softmax", "value", softmax_of_numpy, cache, in_numpy.Adapter())

    assert isinstance(found, Unsupported)
    assert "threads" in found.reason


@pytest.mark.parametrize(
    ("now", "was", "expected"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0]], None),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0 + 2.0**-21]], ((1, 1), 1.0)),
        ([0.0], [-0.0], ((0,), 0.0)),
        ([math.nan, 1.0], [1.0, 1.0], ((0,), math.inf)),
        (2.0, 2.0 + 2.0**-21, ((), 2.0)),
    ],
)
def test_changes_are_counted_in_bits_and_ulps(now, was, expected):
    """Zeros of either sign are two numbers here, and a nan is infinitely far from any number."""
    change = changed(np.array(now, np.float32), np.array(was, np.float32))

    assert (change and (change.index, change.ulp)) == expected


def test_changes_of_labels_are_counted_as_they_are():
    """Class indices have no ulps: their difference is taken."""
    change = changed(np.array([3, 5]), np.array([3, 2]))

    assert (change.index, change.was, change.now, change.ulp) == ((1,), 2, 5, 3)
    assert change.words.startswith("1 of 2 rows differ, by at most 3 ulp; the first at row 1")
