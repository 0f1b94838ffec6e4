"""What is asked of options: all that there are, of all that there is, with inputs that tell meanings apart."""

from collections import Counter
from typing import ClassVar

import numpy as np
import pytest

from harness.adapters import Catalogue, judged, numpy
from harness.model import DTYPES, Op, Unsupported
from harness.ops import APART, OPS
from harness.options import OPTIONS, RARE, REDUCTIONS, repeated
from suites import test_options
from suites.questions import cases, families, linear, options, plan
from suites.questions.presets import PRESETS

EVERY = list(options.cases(DTYPES, DTYPES))
QUICK = plan.Wanted(PRESETS["quick"])

catalogue = Catalogue("jax")


@catalogue.form("sparse_xent", "weighing", "fused")
def weighing(*, class_weight="", reduction="none"):
    """Stand for a loss with one option."""
    raise AssertionError(class_weight, reduction)


@catalogue.form("sparse_xent", "turning", "composed")
def turning(*, axis=-1, reduction="none"):
    """Stand for a composition that takes an axis."""
    raise AssertionError(axis, reduction)


@catalogue.form("sparse_xent", "plain", "naive")
def plain():
    """Stand for a composition without options."""


class Fake(numpy.Adapter):
    """Another framework's name and modes; it is asked nothing."""

    catalogue = catalogue
    modes = ("jit", "eager")
    compiling: ClassVar = {"jit": "usual", "eager": "primitives"}


@pytest.fixture
def adapter():
    """Return the adapter."""
    return Fake()


def test_cases_are_asked_once():
    """No two cases have one id, and all are of the options' own families."""
    assert max(Counter(map(str, EVERY)).values()) == 1
    asked = (*options.FAMILIES, *options.SCALED_FAMILIES)
    assert {case.family for case in EVERY} == {f"options/{family}" for family in asked}
    assert set(options.FAMILIES) | set(options.LAYOUT_FAMILIES) <= families.FAMILIES.keys()


def test_every_option_and_reduction_is_asked():
    """What is described is asked, and the other way round."""
    asked = [op.options for op in (*(case.op for case in (*EVERY, *linear.option_cases(DTYPES))), *APART)]

    assert {name for each in asked for name in each} == OPTIONS.keys()
    assert {each.get("reduction", "none") for each in asked} == REDUCTIONS.keys()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "sparse_xent", "dense_xent"])
def test_every_axis_of_every_rank_is_asked(name):
    """Axes from either end, of one axis to five."""
    found = {(op.options["rank"], op.options["axis"]) for op in options.LAYOUTS if op.name == name}

    assert found == {(rank, axis) for rank in range(1, 6) for axis in range(-rank, rank)}


@pytest.mark.parametrize("op", [*options.OTHERS, *options.LAYOUTS], ids=str)
def test_inputs_have_the_shapes_of_the_option(op):
    """Labels come in their dtype; upstream is shaped like the value, all else like the logits."""
    for case in (case for case in EVERY if case.op == op and case.dtype in {"bfloat16", "float32"}):
        inputs = cases.inputs(case)
        rank = op.options.get("rank", 2)
        losses = tuple(np.delete(inputs.logits.shape, op.options.get("axis", -1)).tolist())

        assert inputs.logits.ndim == rank
        assert inputs.logits.size == case.rows * case.classes
        assert inputs.logits.dtype.name == inputs.upstream.dtype.name == case.dtype
        if op.options.get("reduction", "none") not in {"none", "mean_axis"}:
            assert inputs.upstream.shape == ()
        elif not OPS[op.name].one_a_row and "reduction" not in op.options:
            assert inputs.upstream.shape == inputs.logits.shape
        else:
            assert inputs.upstream.shape == losses
        if inputs.labels is not None:
            usual = "int64" if op.name == "sparse_xent" else case.dtype
            assert inputs.labels.dtype.name == op.options.get("label_dtype", usual)
            assert inputs.labels.shape == (losses if op.name == "sparse_xent" else inputs.logits.shape)


def drawn(op, quantity="value"):
    """Return an op's first inputs."""
    return cases.inputs(next(case for case in EVERY if case.op == op and case.quantity == quantity))


def test_half_of_the_rows_are_ignored():
    """Every other label is the ignored one, and no other label is."""
    for op in options.OTHERS:
        if "ignore_index" in op.options:
            ignored = drawn(op).labels.ravel() == op.options["ignore_index"]
            assert ignored.tolist() == [False, True] * 4


def test_denominators_differ():
    """Rows, rows that count, their class weights, sample weights, and those that are not 0: all are other numbers."""
    labels = drawn(Op.of("sparse_xent", class_weight=options.CLASS_WEIGHT)).labels
    weights = np.array(repeated(options.CLASS_WEIGHT, options.CLASSES))
    samples = np.array(repeated(options.SAMPLE_WEIGHT, options.ROWS))
    both = Op.of("sparse_xent", class_weight=options.CLASS_WEIGHT, ignore_index=-100, reduction="mean_classweight")
    valid = drawn(both).labels[::2]

    assert len({options.ROWS, weights[labels].sum()}) == 2
    assert len({options.ROWS, len(valid), weights[valid].sum()}) == 3
    assert len({options.ROWS, samples.sum(), np.count_nonzero(samples)}) == 3
    assert len(set(weights[labels])) > 2


def test_masked_classes_are_no_labels():
    """A label that is masked would have an infinite loss."""
    kept = np.array(repeated(options.MASK, options.CLASSES))

    assert kept[drawn(Op.of("sparse_xent", mask=options.MASK)).labels].all()
    assert not kept.all()


def test_labels_sum_to_what_is_asked():
    """Rows that sum to 1, less, more, and to nothing."""
    op = Op.of("dense_xent", label_sum="1 0.5 2 0")

    assert drawn(op).labels.astype(np.float64).sum(axis=1).tolist() == [1, 0.5, 2, 0] * 2


@pytest.mark.parametrize("kind", ["dense_xent", "sigmoid_xent"])
def test_integer_labels_are_zeros_and_ones(kind):
    """What an integer cannot hold is not drawn."""
    labels = drawn(Op.of(kind, label_dtype="int32")).labels

    assert set(labels.ravel().tolist()) == {0, 1}


@pytest.mark.parametrize("name", ["sparse_xent", "dense_xent", "softmax"])
def test_layouts_are_drawn_alike(name):
    """Two axes of one rank ask about the same rows."""
    one, other = (drawn(Op.of(name, axis=axis, rank=4)) for axis in (0, -2))

    assert (np.moveaxis(one.logits, 0, -1) == np.moveaxis(other.logits, -2, -1)).all()
    if name == "sparse_xent":
        assert (one.labels == other.labels).all()
        assert (one.upstream == other.upstream).all()


@pytest.mark.parametrize("preset", PRESETS)
def test_quick_options_are_part_of_the_others(adapter, preset):
    """What the quick preset asks, every larger one asks as well."""
    asked, more = (
        {(case, target) for _, case, target in plan.option_questions([adapter], plan.Wanted(PRESETS[name]))}
        for name in ("quick", preset)
    )

    assert asked
    assert asked <= more


def test_fused_functions_are_asked_all_options(adapter):
    """A fused function is asked what it does not take, too: that it is not offered is an answer.

    Not of what no framework offers: a cap of the logits and a square of the logsumexp are asked of whoever has them.
    """
    found = list(test_options.questions([adapter], plan.Wanted(PRESETS["full"])))
    fused = {case.op for _, case, target in found if target.implementation.name == "weighing"}
    composed = {case.op for _, case, target in found if target.implementation.name == "turning"}

    assert fused == {case.op for case in EVERY if case.op.name == "sparse_xent" and not case.op.options.keys() & RARE}
    assert composed == {op for op in options.LAYOUTS if op.name == "sparse_xent"}
    assert not any(target.implementation.name == "plain" for _, _, target in found)


def test_quick_preset_spares_what_compiles_for_each_layout(adapter):
    """In quick jax is asked in mode jit, and few of the layouts there."""
    found = list(plan.option_questions([adapter], QUICK))
    layouts = {case.op for _, case, _ in found if case.op in options.LAYOUTS}

    assert {target.mode for _, _, target in found} == {"jit"}
    assert layouts == {op for op in options.FEW_LAYOUTS if op.name == "sparse_xent"}
    assert {op.options["rank"] for op in layouts} == {1, 3, 5}


def test_filters_hold(adapter):
    """Ops and dtypes that are not wanted are not asked."""
    want = plan.Wanted(PRESETS["full"], ops=("softmax",), dtypes=("float16",))

    assert not list(plan.option_questions([adapter], want))
    assert {(case.op.name, case.dtype) for case in plan.option_cases(want)} == {("softmax", "float16")}


def test_parameter_that_is_no_option_is_said_to_be_not_judged():
    """Somebody's own function is asked once about it, in the plainest mode, and the answer is why not."""
    own = Catalogue("numpy")
    own.form("softmax", "cooled", "fused")(
        judged.builder("softmax", lambda x, axis, heat=1.0: x * heat + axis, "numpy")
    )
    asked = numpy.Adapter().offering(own)

    found = [one for one in plan.option_questions([asked], QUICK) if "heat" in one[1].op.options]

    assert [(str(case.op), target.mode) for _, case, target in found] == [("softmax(heat=its own)", "eager")]
    ((_, case, target),) = found
    answer = asked.ask(case.op, case.quantity, options.inputs(case), target)
    assert answer == Unsupported("not judged: heat: no option has this name, so it stays at its default")
