"""Special values: planted wrong functions are caught, sound ones are not accused, and policies get their names."""

from types import SimpleNamespace

import numpy as np
import pytest

from harness.adapters import Catalogue, NotSupported, numpy
from harness.model import Case, Checked, Failed, Implementation, Inputs, Op, Target, Unsupported
from harness.ops import OPS
from reference.cache import Cache
from suites.checks import check as checks
from suites.checks.check import Asking
from suites.checks.special import SPECIAL, cost, distance, words
from suites.judging import judge
from suites.questions import cases
from suites.questions.presets import PRESETS
from tests.made import textbook

NAME = "library.planted"


class Adapter(numpy.Adapter):
    """Functions of (op, quantity, inputs) as a framework with two modes and a derivative."""

    modes = ("eager", "compiled")

    def forward(self, function, mode):
        """Call for the value; the function is told the mode."""
        return super().forward(lambda *arrays: function("value", mode, *arrays), mode)

    def backward(self, function, mode, argument):
        """Call for the gradient."""
        quantity = ("grad_logits", "grad_labels")[argument]
        return super().forward(lambda *arrays: (None, function(quantity, mode, *arrays)), mode)


def right(op, quantity, inputs):
    """Return the textbook's answer, 16-bit numbers computed in float32; the textbook itself takes no empty batch."""
    if "ignore_index" in op.options:
        return ignoring(op, quantity, inputs)
    if not len(inputs.logits):
        return np.zeros(
            inputs.logits.shape[: 1 if quantity == "value" and OPS[op.name].one_a_row else 2], "float32"
        ).astype(inputs.logits.dtype)
    return textbook.answer(op, quantity, inputs, textbook.widened(inputs.logits.dtype.name))


def ignoring(op, quantity, inputs):
    """Return the textbook's answer where rows with the ignored label do not count."""
    counts, plain = inputs.labels != op.options["ignore_index"], Op.of(op.name)
    reduction = op.options.get("reduction", "none")
    share = np.float32(1 / counts.sum() if reduction == "mean_valid" else 1)
    labels, nothing = np.where(counts, inputs.labels, 0), np.zeros((), inputs.logits.dtype)
    if quantity == "value":
        losses = np.where(counts, right(plain, quantity, Inputs(inputs.logits, labels, inputs.upstream)), nothing)
        return losses if reduction == "none" else (losses.sum(dtype="float32") * share).astype(losses.dtype)
    upstream = (np.broadcast_to(inputs.upstream, counts.shape) * share).astype(inputs.logits.dtype)
    return np.where(counts[:, None], right(plain, quantity, Inputs(inputs.logits, labels, upstream)), nothing)


def adapter_of(answer, op, name=NAME):
    """Return an adapter that offers one function, `answer(op, quantity, inputs[, mode])`."""

    def function(quantity, mode, logits, *rest):
        rest = list(rest)
        upstream = np.ones(logits.shape, logits.dtype) if quantity == "value" else rest.pop()
        inputs = Inputs(logits, rest[0] if rest else None, upstream)
        told = (mode,) if answer.__code__.co_argcount > 3 else ()
        return answer(op, quantity, inputs, *told)

    catalogue = Catalogue("numpy")
    catalogue.form(op.name, name, "fused")(lambda **_: function)
    return Adapter().offering(catalogue)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return the goldens that all tests share."""
    return Cache(tmp_path_factory.mktemp("goldens"))


@pytest.fixture
def ask(cache):
    """Return how to make a check of a function."""

    def make(check, op, quantity, answer, dtype="float32", mode="eager", name=NAME, *, judged=False):
        op = Op.of(op) if isinstance(op, str) else op
        found = (case for case in SPECIAL.checks[f"special.{check}"].cases(PRESETS["full"]) if case.dtype == dtype)
        case = next(case for case in found if (case.op, case.quantity) == (op, quantity))
        adapter = adapter_of(answer, op, name)
        if judged:
            adapter = adapter.judging(adapter.catalogue, every_mode=True)
        return checks.outcome(SPECIAL, Asking(adapter, case, Target(adapter.implementations()[0], mode), cache.golden))

    return make


QUESTIONS = [
    pytest.param(case, id=str(case))
    for check in SPECIAL.checks.values()
    for case in check.cases(PRESETS["full"])
    if not OPS[case.op.name].linear  # whose tests are in test_linear.py
    if case.dtype == "float32" or (case.dtype == "float16" and check.judges)
]


@pytest.mark.parametrize("case", QUESTIONS)
def test_textbook_is_not_accused(case, cache):
    """A sound implementation keeps every claim, and a policy of its own is no deviation, whatever it is."""
    adapter = adapter_of(right, case.op)
    target = Target(adapter.implementations()[0], "compiled")

    outcome = checks.outcome(SPECIAL, Asking(adapter, case, target, cache.golden))

    assert isinstance(outcome, Checked)
    assert outcome.over <= 1
    assert bool(outcome.policy) != SPECIAL.checks[case.check].judges
    assert judge.judge(case, target, outcome, ())[1] == ""


# Wrong functions -----------------------------------------------------------------------------------------------------

WRONG = []


def wrong(check, op, quantity, dtype="float32"):
    """Register a wrong function with the claim that it breaks."""

    def register(answer):
        WRONG.append(pytest.param(check, op, quantity, dtype, answer, id=f"{answer.__name__}-{check}-{quantity}"))
        return answer

    return register


@wrong("nan_logit", "softmax", "value")
@wrong("nan_logit", "softmax", "grad_logits", "float16")
@wrong("nan_logit", "sparse_xent", "value")
@wrong("nan_logit", "sigmoid", "value")
@wrong("masked_class", "log_softmax", "value")
@wrong("masked_label", "sparse_xent", "value")
@wrong("masked_label", "dense_xent", "value", "float16")
@wrong("saturated", "log_sigmoid", "value")
def nan_swallowed(op, quantity, inputs):
    """nan_to_num of the answer: nan is 0, and an infinity the largest number."""
    return np.nan_to_num(right(op, quantity, inputs))


@wrong("nan_logit", "softmax", "value")
@wrong("nan_logit", "logsumexp", "value")
@wrong("nan_logit", "dense_xent", "grad_logits")
def nan_skipped(op, quantity, inputs):
    """A maximum and a sum that pass over nan, as fmax does."""
    logits = np.where(np.isnan(inputs.logits), -np.inf, inputs.logits).astype(inputs.logits.dtype)
    return right(op, quantity, Inputs(logits, inputs.labels, inputs.upstream))


@wrong("masked_class", "softmax", "value")
@wrong("masked_class", "softmax", "grad_logits")
@wrong("masked_class", "logsumexp", "grad_logits")
@wrong("masked_label", "sparse_xent", "grad_logits")
@wrong("saturated", "sigmoid", "grad_logits")
def nan_for_a_mask(op, quantity, inputs):
    """0 * inf on the way."""
    got = right(op, quantity, inputs)
    return np.where(np.isinf(inputs.logits), np.nan, got).astype(got.dtype)


@wrong("nan_logit", "softmax", "value")
@wrong("infinite_neighbour", "log_softmax", "value")
@wrong("infinite_neighbour", "sigmoid_xent", "grad_logits")
def shifted_by_the_batch(op, quantity, inputs):
    """The maximum of the whole batch in every row."""
    off = inputs.logits.max() - inputs.logits.max()
    got = right(op, quantity, inputs)
    return got + off


@wrong("infinite_neighbour", "softmax", "grad_logits")
@wrong("infinite_neighbour", "sigmoid_xent", "value")
def next_element_written(op, quantity, inputs):
    """What is infinite is written one element too far."""
    got = right(op, quantity, inputs)
    got.reshape(-1)[1:][np.isinf(inputs.logits).reshape(-1)[:-1]] = 0
    return got


@wrong("masked_class", "softmax", "value")
@wrong("masked_class", "sparse_xent", "value")
def mask_counted(op, quantity, inputs):
    """A masked class that still has a part in the sum: clipped 4 below 0."""
    logits = np.maximum(inputs.logits, np.float32(-4)).astype(inputs.logits.dtype)
    return right(op, quantity, Inputs(logits, inputs.labels, inputs.upstream))


@wrong("signed_zeros", "softmax", "value")
@wrong("signed_zeros", "log_sigmoid", "grad_logits")
def sign_bit_taken_for_negative(op, quantity, inputs):
    """Another branch for -0 than for 0."""
    got = right(op, quantity, inputs)
    negative = np.signbit(inputs.logits) & (inputs.logits == 0)
    return np.where(negative, got + np.float32(0.25), got).astype(got.dtype)


@wrong("signed_zeros", "sigmoid_xent", "grad_logits")
def derivative_of_abs_at_zero(op, quantity, inputs):
    """The derivative of |x| taken as 0 at 0: 1 - z, or -z, for 1/2 - z."""
    got = right(op, quantity, inputs)
    half = (inputs.upstream / 2).astype(got.dtype)
    return np.where(inputs.logits == 0, got + half, got)


@wrong("subnormal_logits", "softmax", "value")
@wrong("subnormal_logits", "sigmoid", "grad_logits")
def reciprocal_of_subnormals(op, quantity, inputs):
    """0 * (1 / x), where 1 / x overflows."""
    with np.errstate(all="ignore"):
        nothing = 0 * (1 / np.where(inputs.logits == 0, 1, inputs.logits))
    return (right(op, quantity, inputs) + nothing).astype(inputs.logits.dtype)


@wrong("one_class", "softmax", "value")
@wrong("one_class", "log_softmax", "value")
@wrong("one_class", "sparse_xent", "value")
def epsilon_for_safety(op, quantity, inputs):
    """1 / (S + 1e-6), and logarithms of that."""
    got = right(op, quantity, inputs)
    return got * (1 - np.float32(1e-6)) - np.float32(1e-6) * (op.name != "softmax")


@wrong("one_class", "softmax", "value")
@wrong("one_class", "dense_xent", "grad_logits")
def one_class_for_two(op, quantity, inputs):
    """A row of one logit taken for the logit of a binary choice."""
    twice = np.concatenate([inputs.logits, np.zeros_like(inputs.logits)], axis=1)
    labels, upstream = inputs.labels, inputs.upstream
    if op.name == "dense_xent":
        labels = np.concatenate([labels, 1 - labels], axis=1)
    return right(op, quantity, Inputs(twice, labels, np.ones_like(upstream)))[..., :1]


@wrong("empty_batch", "softmax", "value")
@wrong("empty_batch", "sparse_xent", "grad_logits")
def raises_on_nothing(op, quantity, inputs):
    """A reduction that no rows are too few for."""
    if not len(inputs.logits):
        raise ValueError("cannot launch a kernel over 0 blocks")
    return right(op, quantity, inputs)


@wrong("empty_batch", "logsumexp", "value")
@wrong("empty_batch", "dense_xent", "grad_logits")
def number_for_nothing(_op, _quantity, inputs):
    """A scalar where an empty array belongs."""
    return np.zeros((), inputs.logits.dtype)


@wrong("largest_magnitudes", "logsumexp", "value")
@wrong("largest_magnitudes", "softmax", "value", "float16")
@wrong("largest_magnitudes", "sparse_xent", "value", "float64")
def shifted_by_the_mean(op, quantity, inputs):
    """The row's mean in place of its maximum: its sum overflows."""
    with np.errstate(all="ignore"):
        mean = textbook.add_up(inputs.logits) / inputs.logits.dtype.type(inputs.logits.shape[-1])
        off = mean - mean
    got = right(op, quantity, inputs)
    return (got + (off if got.ndim > 1 else off[:, 0])).astype(got.dtype)


@wrong("labels_not_summing_to_one", "dense_xent", "value")
def labels_normalised(op, quantity, inputs):
    """Labels divided by their sum."""
    sums = np.maximum(inputs.labels.sum(-1, keepdims=True), np.float32(1e-9))
    return right(op, quantity, Inputs(inputs.logits, inputs.labels / sums, inputs.upstream))


@wrong("labels_outside_unit_interval", "dense_xent", "value")
@wrong("labels_outside_unit_interval", "sigmoid_xent", "value")
@wrong("labels_outside_unit_interval", "sigmoid_xent", "grad_logits")
def labels_clipped(op, quantity, inputs):
    """Labels clipped to [0, 1]."""
    return right(op, quantity, Inputs(inputs.logits, inputs.labels.clip(0, 1), inputs.upstream))


@wrong("labels_not_summing_to_one", "dense_xent", "grad_logits")
def gradient_for_a_distribution(op, quantity, inputs):
    """p - y, whatever the labels sum to."""
    if quantity != "grad_logits":
        return right(op, quantity, inputs)
    p = textbook.answer(Op.of("softmax"), "value", inputs)
    return inputs.upstream[:, None] * (p - inputs.labels)


IGNORING = Op.of("sparse_xent", ignore_index=-100)


@wrong("ignored_row_not_finite", IGNORING, "value")
@wrong("ignored_row_not_finite", Op.of("sparse_xent", ignore_index=-100, reduction="mean_valid"), "value")
@wrong("ignored_row_not_finite", IGNORING, "grad_logits")
def batch_given_up(op, quantity, inputs):
    """Whatever is not finite in a batch is in every answer."""
    return right(op, quantity, inputs) + inputs.logits.sum() * 0


@wrong("ignored_row", "sparse_xent", "grad_logits")
def ignored_row_learns(op, quantity, inputs):
    """A row without a label has loss 0, and g p for its gradient."""
    got = right(op, quantity, inputs)
    if quantity == "value":
        return got
    bad = (inputs.labels < 0) | (inputs.labels >= inputs.logits.shape[1])
    return np.where(bad[:, None], right(Op.of("logsumexp"), quantity, inputs), got)


@wrong("masked_blocks", "softmax", "value")
@wrong("masked_blocks", "logsumexp", "grad_logits", "float16")
@wrong("masked_blocks", "sparse_xent", "value")
@wrong("masked_blocks", "log_softmax", "grad_logits")
def first_block_masked(op, quantity, inputs):
    """A maximum of the first 64 classes, from which -inf - -inf is nan; short rows are answered at once."""
    got = right(op, quantity, inputs)
    first = inputs.logits[:, :64].max(-1, initial=-np.inf)
    off = np.where((inputs.logits.shape[1] > 64) & np.isinf(first), np.nan, 0).astype(got.dtype)
    return got + (off if got.ndim == 1 else off[:, None])


@wrong("masked_blocks", "softmax", "value")
@wrong("masked_blocks", "log_softmax", "value")
def mask_given_a_part(op, quantity, inputs):
    """The remainder of a row behind its last block of 64 has never heard of masks."""
    got = right(op, quantity, inputs)
    behind = np.arange(inputs.logits.shape[1]) >= (inputs.logits.shape[1] - 1) // 64 * 64
    return np.where(behind & np.isneginf(inputs.logits), np.float32(0.25), got).astype(got.dtype)


@wrong("not_finite_in_long_rows", "softmax", "value")
@wrong("not_finite_in_long_rows", "logsumexp", "value", "float16")
@wrong("not_finite_in_long_rows", "sparse_xent", "grad_logits")
def nan_skipped_in_vectors(op, quantity, inputs):
    """A vector's maximum passes over nan, where there are vectors of 64."""
    n = inputs.logits.shape[1]
    lost = np.isnan(inputs.logits) & (np.arange(n) < n // 64 * 64)
    logits = np.where(lost, -np.inf, inputs.logits).astype(inputs.logits.dtype)
    return right(op, quantity, Inputs(logits, inputs.labels, inputs.upstream))


@wrong("not_finite_in_long_rows", "sigmoid", "value")
@wrong("not_finite_in_long_rows", "sigmoid_xent", "grad_labels")
def vector_of_sixteen_spoilt(op, quantity, inputs):
    """What is not finite spoils the vector that it is in."""
    got = right(op, quantity, inputs)
    n = inputs.logits.shape[1] // 16 * 16
    spoilt = (~np.isfinite(inputs.logits[:, :n])).reshape(len(got), -1, 16).any(-1).repeat(16, axis=1)
    got[:, :n][spoilt] = np.nan
    return got


@pytest.mark.parametrize(("check", "op", "quantity", "dtype", "answer"), WRONG)
def test_wrong_function_is_caught(ask, check, op, quantity, dtype, answer):
    """Each mistake breaks the claim that is about it, and the finding says where."""
    outcome = ask(check, op, quantity, answer, dtype)

    if isinstance(outcome, Failed):
        assert check == "empty_batch"
        return
    assert outcome.over > 1
    assert "expected" in outcome.detail
    assert outcome.worst is not None
    assert outcome.worst.logits
    assert outcome.worst.expected != outcome.worst.got


def test_worst_element_is_the_one_named(ask):
    """The worst element of a claim carries its row as it was asked, nan and all."""
    worst = ask("nan_logit", "softmax", "value", nan_swallowed).worst

    assert worst.index == (1, 0)
    assert (worst.expected, worst.got) == ("nan", "0x0.0p+0")
    assert [j for j, word in enumerate(worst.logits.split()) if word == "nan"] == [3]


def test_documented_gradient_is_a_policy(ask):
    """p - y is wrong of a function that says nothing, and a policy of one that documents it."""
    asked = ("labels_not_summing_to_one", "dense_xent", "grad_logits", gradient_for_a_distribution)

    silent, says_so = ask(*asked), ask(*asked, name="tf.nn.softmax_cross_entropy_with_logits")

    assert (silent.policy, silent.over) == ("p - y", np.inf) or silent.over > 1
    assert (says_so.policy, says_so.over) == ("p - y", 0)


# Policies ------------------------------------------------------------------------------------------------------------


def with_bad_labels(change):
    """Return an implementation that does something about labels out of range."""

    def answer(op, quantity, inputs):
        classes = inputs.logits.shape[1]
        bad = (inputs.labels < 0) | (inputs.labels >= classes)
        labels, rows = change(inputs.labels, classes, bad)
        got = right(op, quantity, Inputs(inputs.logits, labels, inputs.upstream))
        got[bad] = got[bad] if rows is None else rows
        return got

    return answer


BAD_LABELS = {
    "wrap": with_bad_labels(lambda labels, classes, _: (labels % classes, None)),
    "clip": with_bad_labels(lambda labels, classes, _: (labels.clip(0, classes - 1), None)),
    "nan": with_bad_labels(lambda labels, classes, _: (labels % classes, np.nan)),
    "0": with_bad_labels(lambda labels, classes, _: (labels % classes, 0)),
    "numbers": with_bad_labels(lambda labels, classes, _: (labels % classes, 1.2345)),
}


@pytest.mark.parametrize("quantity", ["value", "grad_logits"])
@pytest.mark.parametrize("check", ["label_too_large", "label_negative", "label_minus_100"])
@pytest.mark.parametrize("word", BAD_LABELS)
def test_bad_labels_are_told_apart(ask, word, check, quantity):
    """Wrapped, clipped, ignored, nan and garbage each have a name, and none is a deviation."""
    outcome = ask(check, "sparse_xent", quantity, BAD_LABELS[word])

    assert (outcome.policy, outcome.over) == (word, 0)


def refusing(_op, _quantity, inputs):
    """Raise for a label out of range."""
    if inputs.labels.min() < 0 or inputs.labels.max() >= inputs.logits.shape[1]:
        raise IndexError("Target 6 is out of bounds.")
    return np.zeros(inputs.logits.shape, inputs.logits.dtype)


def test_error_is_a_policy(ask):
    """What raises is recorded with the exception's type."""
    assert ask("label_too_large", "sparse_xent", "grad_logits", refusing).policy == "error IndexError"


def test_no_label_is_a_policy(ask):
    """A one-hot row without a 1 leaves 0 for the loss, and where the gradient has it too, g p."""
    assert ask("label_too_large", "sparse_xent", "grad_logits", ignored_row_learns).policy == "no label"
    assert ask("label_too_large", "sparse_xent", "value", right).policy == "0"


def test_write_into_the_next_row_is_told(ask):
    """A gradient that subtracts 1 at a class past the last hits the row below."""

    def spilling(op, quantity, inputs):
        got = right(op, quantity, inputs)
        for row in np.flatnonzero(inputs.labels >= inputs.logits.shape[1]):
            got[row + 1, 0] -= 1
        return got

    assert ask("label_too_large", "sparse_xent", "grad_logits", spilling).policy == "0, other rows change"


def by_mode(eager, compiled):
    """Return an implementation whose modes differ."""
    return lambda op, quantity, inputs, mode: {"eager": eager, "compiled": compiled}[mode](op, quantity, inputs)


def other_error(_op, _quantity, _inputs):
    """Raise another type."""
    raise RuntimeError("index out of bounds")


def unsupported(_op, _quantity, _inputs):
    """Refuse."""
    raise NotSupported("not in this mode")


@pytest.mark.parametrize(
    ("eager", "compiled", "deviates"),
    [
        pytest.param(BAD_LABELS["wrap"], BAD_LABELS["wrap"], False, id="same"),
        pytest.param(BAD_LABELS["wrap"], BAD_LABELS["clip"], True, id="wrap, clip"),
        pytest.param(refusing, BAD_LABELS["nan"], True, id="error, nan"),
        pytest.param(refusing, other_error, False, id="errors of two types"),
        pytest.param(unsupported, BAD_LABELS["nan"], False, id="plain mode offers nothing"),
    ],
)
def test_policy_that_differs_between_modes_is_a_deviation(ask, eager, compiled, deviates):
    """A mode is held against the plainest one; the finding names both policies."""
    answer = by_mode(eager, compiled)

    plain = ask("label_too_large", "sparse_xent", "value", answer)
    outcome = ask("label_too_large", "sparse_xent", "value", answer, mode="compiled")

    assert np.isinf(outcome.over) == deviates
    assert not deviates or (plain.policy in outcome.detail and outcome.policy in outcome.detail)
    assert not isinstance(plain, Checked) or plain.over == 0


def limit(op, quantity, inputs):
    """Return the limit at a logit of inf: probability 1."""
    top = np.isposinf(inputs.logits)
    return np.where(top.any(-1, keepdims=True), top, right(op, quantity, inputs)).astype(inputs.logits.dtype)


def test_bad_labels_of_a_users_function_may_do_anything(ask):
    """A function of one's own promises nothing for bad labels; what it does is recorded."""
    answer = by_mode(refusing, BAD_LABELS["nan"])

    outcome = ask("label_too_large", "sparse_xent", "value", answer, mode="compiled", judged=True)

    assert (outcome.policy, outcome.over) == ("nan", 0)
    assert "error IndexError" in outcome.detail


def test_policy_that_the_documentation_denies_is_a_deviation(ask):
    """jax.nn.softmax documents nan for a logit of inf."""
    asked = ("infinite_logit", "softmax", "value")

    kept, silent, denied = (
        ask(*asked, right, name="jax.nn.softmax"),
        ask(*asked, limit),
        ask(*asked, limit, name="jax.nn.softmax"),
    )

    assert (kept.policy, kept.over) == ("nan", 0)
    assert (silent.policy, silent.over) == ("limit", 0)
    assert (denied.policy, denied.over) == ("limit", np.inf)
    assert "jax.nn.softmax" in denied.detail


def test_bad_labels_are_not_asked_of_a_gpu_that_dies_of_them(cache):
    """A device-side assert would end the process' GPU: the question is not put."""
    case = Case(Op.of("sparse_xent"), "value", "normal", "float32", 4, 6, check="special.label_too_large")
    target = Target(Implementation("torch", "sparse_xent", NAME, "fused"), "eager", "cuda:0")

    adapter = adapter_of(right, case.op)
    adapter.fatal_labels = True

    assert isinstance(checks.outcome(SPECIAL, Asking(adapter, case, target, cache.golden)), Unsupported)


def test_nan_in_the_gradient_of_an_ignored_row_is_a_policy(ask):
    """0 times a softmax of nan is nan: it is shown, and no row that counts has it."""

    def by_zero(op, quantity, inputs):
        bad = ~np.isfinite(inputs.logits).all(axis=1, keepdims=True)
        return np.where(bad, np.float32(np.nan), right(op, quantity, inputs))

    outcome = ask("ignored_row_not_finite", IGNORING, "grad_logits", by_zero)

    assert outcome.over == 0
    assert "nan in the gradient" in outcome.policy


def test_labels_that_are_misread_deviate(ask):
    """An answer to labels of another dtype is that to the usual ones, or none."""

    def misread(op, quantity, inputs):
        labels = inputs.labels[::-1] if inputs.labels.dtype == np.int64 else inputs.labels
        return right(op, quantity, Inputs(inputs.logits, labels, inputs.upstream))

    outcome = ask("labels_of_another_dtype", "dense_xent", "value", misread)

    assert np.isinf(outcome.over)
    assert "labels in int64" in outcome.detail
    assert outcome.worst.got != outcome.worst.expected


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        pytest.param([np.nan, np.nan], "nan", id="nan"),
        pytest.param([0.0, -0.0], "0", id="signed zeros"),
        pytest.param([np.inf, -np.inf], "inf and -inf", id="infinities"),
        pytest.param([0.25] * 4, "1/n", id="uniform"),
        pytest.param([0.25, 0.75], "numbers", id="numbers"),
        pytest.param([], "empty", id="empty"),
    ],
)
def test_kinds(answer, word):
    """An answer without a name is called by what it consists of."""
    assert words.kinds(np.array(answer, np.float32)) == word


def test_parts_that_differ_are_named():
    """The word of most parts stands alone, the others with their parts."""
    assert words.phrase({"int32": "taken", "bool": "taken"}) == "taken"
    assert words.phrase({"a": "nan", "b": "limit", "c": "limit"}) == "limit, but nan for a"


def test_rules_are_held_element_by_element(cache):
    """The element furthest from its rule is found in whichever row it is, masked or not."""
    case = Case(Op.of("softmax"), "value", "normal", "float32", 4, 6)
    adapter = adapter_of(right, case.op)
    asking = Asking(adapter, case, Target(adapter.implementations()[0], "eager"), cache.golden)
    inputs = cases.inputs(case)
    inputs.logits[2, 4] = -np.inf
    got = right(case.op, "value", inputs)

    assert distance.furthest(asking, got, inputs).over <= 1
    for index in ((0, 5), (2, 4), (2, 5)):
        off = got.copy()
        off[index] += np.float32(1e-3)
        assert distance.furthest(asking, off, inputs).index == index


@pytest.fixture
def costs(ask, monkeypatch):
    """Ask what a row of a function costs against its width, by a clock that goes on by a power of the classes.

    busy: of how many calls the wide ones take ten times as long, as on a busy machine.
    """
    clock, calls = 0.0, 0

    def asked(power, busy=0):
        def function(op, quantity, inputs):
            nonlocal clock, calls
            calls += 1
            wide = inputs.logits.shape[-1] == cost.WIDE
            clock += 1e-6 * inputs.logits.shape[-1] ** power * (10 if wide and calls <= busy else 1)
            return right(op, quantity, inputs)

        return ask("cost_by_width", "logsumexp", "value", function)

    monkeypatch.setattr(cost, "time", SimpleNamespace(process_time=lambda: clock))
    return asked


def test_a_cost_that_grows_as_a_square_is_recorded(costs):
    """All classes gone through for each class: recorded, with how much longer it took; strict, it is a deviation."""
    outcome = costs(2)

    assert outcome.policy == "faster than the classes"
    assert outcome.detail == "8 times the classes take 64 times as long"
    case = next(case for case in SPECIAL.checks["special.cost_by_width"].cases(PRESETS["quick"]))
    assert judge.lenient(case, outcome)


def test_a_cost_that_grows_with_the_classes_is_no_square(costs):
    """Between the two lies the bound, at eight times the classes."""
    assert costs(1).policy == "as the classes"
    assert costs(1, busy=2 * cost.ROUNDS + 2).policy == "as the classes"
    assert cost.LINEAR < cost.FASTER < cost.LINEAR**2
