"""Cases: ids that stay apart, inputs every dtype holds exactly, and a formula for every question."""

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest

from harness.model import DTYPES, KINDS, Op
from harness.ops import OPS, plain
from reference import bounds
from reference.arbiter import rows as exact
from suites.questions import cases
from suites.questions.presets import PRESETS
from tests.made.questions import EVERY, EVERY_IDS, small

each_question = pytest.mark.parametrize(("op", "quantity"), EVERY, ids=EVERY_IDS)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_ids_are_unique(preset):
    """No two cases of a preset share an id."""
    repeated = [name for name, count in Counter(map(str, cases.cases(preset))).items() if count > 1]

    assert repeated == []


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_question_is_asked_in_every_dtype(preset):
    """A preset asks each op and quantity in all four dtypes."""
    asked = {(case.op, case.quantity, case.dtype) for case in cases.cases(preset)}

    assert {(op, quantity, dtype) for op, quantity in EVERY for dtype in DTYPES} <= asked


def test_cases_that_share_logits_are_neighbours():
    """Cases of one draw come together, so that goldens share their sums."""
    every = [case for case in cases.cases(PRESETS["standard"]) if "/" not in case.family]
    keys = [(case.family, case.dtype, case.seed, case.rows, case.classes) for case in every]
    changes = sum(a != b for a, b in pairwise(keys)) + 1

    assert changes == len(set(keys))


@each_question
def test_question_has_a_formula_and_a_bound(op, quantity):
    """Every op and quantity of the table has a formula in the arbiter and one in the budgets, and none is left over."""
    assert (op.name, quantity) in exact.BY_ROW | exact.BY_POINT
    assert (op.name, quantity) in bounds.FORMULAS
    assert ((op.name, quantity) in exact.BY_POINT) == OPS[op.name].elementwise


@each_question
@each_dtype
@pytest.mark.parametrize("family", ["normal", "extremes"])
def test_inputs_have_their_shapes_and_dtypes(op, quantity, dtype, family):
    """Logits, labels and upstream come in the case's dtype, upstream in the shape of the value."""
    case = small(op, quantity, family, dtype)
    inputs = cases.inputs(case)
    rows, classes = case.rows, case.classes
    shape = (rows,) if OPS[op.name].one_a_row else (rows, classes)

    assert inputs.logits.shape == (rows, classes)
    assert inputs.logits.dtype.name == inputs.upstream.dtype.name == dtype
    assert inputs.upstream.shape == (() if op.options.get("reduction") == "mean" else shape)
    if op.name == "sparse_xent":
        assert (inputs.labels.dtype, inputs.labels.shape) == (np.int64, (rows,))
    elif inputs.labels is not None:
        assert (inputs.labels.dtype.name, inputs.labels.shape) == (dtype, (rows, classes))


@each_question
def test_labels_and_upstream_are_the_same_numbers_in_all_dtypes(op, quantity):
    """What is no logit is exact in every dtype, so that dtypes answer one question; upstream is never 0."""
    drawn = [cases.inputs(small(op, quantity, "lse_near_zero", dtype)) for dtype in DTYPES]
    upstreams = [inputs.upstream.astype(np.float64).tolist() for inputs in drawn]
    labels = [None if i.labels is None or i.labels.ndim == 1 else i.labels.astype(np.float64) for i in drawn]
    steps = np.array(upstreams[0]) * 32

    assert upstreams.count(upstreams[0]) == len(DTYPES)
    assert (np.abs(steps) >= 1).all()
    assert (np.abs(steps) <= 64).all()
    assert (steps == np.round(steps)).all()
    if labels[0] is not None and op.name == "sigmoid_xent":
        assert all((z == labels[0]).all() for z in labels)


@each_dtype
@pytest.mark.parametrize("classes", [2, 12, 64, 1000])
def test_dense_labels_sum_to_one(dtype, classes):
    """Dense labels are non-negative and sum to exactly 1, soft and one-hot rows in turn."""
    case = cases.Case(Op.of("dense_xent"), "value", "normal", dtype, 6, classes)
    labels = cases.inputs(case).labels.astype(np.float64)

    assert (labels >= 0).all()
    assert (labels.sum(axis=1) == 1).all()
    assert ((labels[1::2] == 1).sum(axis=1) == 1).all()
    assert ((labels[::2] > 0).sum(axis=1) > 1).all()


@each_dtype
def test_sparse_labels_take_the_largest_and_the_smallest(dtype):
    """Labels point at the largest and the smallest logit in turn, so that both ends of the loss are asked."""
    case = cases.Case(Op.of("sparse_xent"), "value", "normal", dtype, 6, 12)
    inputs = cases.inputs(case)
    logits = inputs.logits.astype(np.float64)

    assert (inputs.labels[::3] == logits[::3].argmax(1)).all()
    assert (inputs.labels[1::3] == logits[1::3].argmin(1)).all()


@each_dtype
def test_sigmoid_labels_lie_between_zero_and_one(dtype):
    """Sigmoid labels are 0, 1 and sixteenths between."""
    case = cases.Case(Op.of("sigmoid_xent"), "value", "normal", dtype, 32, 64)
    labels = cases.inputs(case).labels.astype(np.float64)

    assert set((16 * labels).ravel().tolist()) == set(range(17))


@pytest.mark.parametrize("memory_gib", [1, 4, 64], ids=lambda gib: f"{gib} GiB")
def test_speed_cases_fit_the_memory(memory_gib):
    """What is timed takes no more memory than there is; every op that is not apart is timed, value and gradient."""
    timed = list(cases.speed_cases(PRESETS["full"], memory_gib * 2**30))

    assert all(case.rows * case.classes * cases.SPEED_BYTES <= memory_gib * 2**30 for case in timed)
    asked = {op.name: ("value", "grad_logits") for op in plain()}
    asked |= dict.fromkeys(("linear_xent", "linear_dense_xent"), ("value", "grad_hidden"))
    assert {(c.op.name, c.quantity) for c in timed} == {(op, q) for op, quantities in asked.items() for q in quantities}


@pytest.mark.parametrize(("preset", "dtypes"), [("quick", 1), ("standard", 3), ("full", 4)])
def test_sweep_asks_every_plain_op_at_every_size(preset, dtypes):
    """Values and gradients of every op without params are asked in one shape, seed by seed, at every size."""
    chosen = PRESETS[preset]
    swept = [case for case in cases.cases(chosen) if case.family in cases.SWEEP]
    asked = {(case.op, case.quantity, case.family) for case in swept}

    assert asked == set(product(plain(), ("value", "grad_logits"), cases.SWEEP))
    assert len(swept) == len(asked) * dtypes * len(chosen.seeds)
    assert {(case.rows, case.classes) for case in swept} == {cases.SQUARE}  # compiled for other families already


def test_sweep_is_asked_of_what_promises_and_of_the_textbook():
    """A sweep spares compositions and misuse, which other families ask, but for the full preset."""
    swept = cases.Case(Op.of("softmax"), "value", cases.SWEEP[0], "float32", *cases.SQUARE)
    plain = cases.Case(Op.of("softmax"), "value", "normal", "float32", *cases.SQUARE)

    for name, preset in PRESETS.items():
        asked = [kind for kind in KINDS if preset.asks(swept, "nothing", kind)]
        assert asked == (list(KINDS) if name == "full" else ["fused", "control"])
        assert all(preset.asks(plain, "nothing", kind) for kind in KINDS)


def test_sparing_holds_back_what_it_says():
    """The quick preset spares compiled modes long rows, and eager modes nothing."""
    quick = PRESETS["quick"]
    long = cases.Case(Op.of("softmax"), "value", "long_row", "float32", 1, 100_000)
    short = cases.Case(Op.of("softmax"), "value", "normal", "float64", 32, 64)

    assert quick.asks(long, "nothing", "naive")
    assert not quick.asks(long, "slowly", "fused")
    assert not quick.asks(short, "slowly", "fused")
    assert quick.asks(short, "nothing", "fused")
