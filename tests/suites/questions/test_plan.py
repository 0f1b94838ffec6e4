"""Who is asked what: filters, presets and speed, on an adapter that is never called."""

from itertools import pairwise
from typing import ClassVar

import pytest

from harness.adapters import Catalogue, numpy
from harness.model import DTYPES, Op
from reference.bounds import heights
from suites import test_accuracy, test_gradients, test_published
from suites.checks.laws import LAWS
from suites.questions import cases, plan
from suites.questions.presets import PRESETS

catalogue = Catalogue("torch")
for framework_op in ("softmax", "log_softmax", "logsumexp"):
    for form in ("naive", "fused"):
        catalogue.form(framework_op, f"{form} {framework_op}", form)(lambda: None)


def twice(logits):
    """Stand for a function with two names."""
    return logits


catalogue.within.update(twice=twice, names=type("names", (), {"twice": twice}))
catalogue.public("sigmoid", "twice", "names.twice")(lambda function: function)


class Fake(numpy.Adapter):
    """Another framework's name, modes and devices; it is asked nothing."""

    catalogue = catalogue
    modes = ("eager", "compile")
    compiling: ClassVar = {"compile": "slowly"}
    with_cuda = "xentbench[torch-cuda]"

    def devices(self):
        """Return one processor and two accelerators."""
        return ("cpu", "cuda:0", "cuda:1")


@pytest.fixture
def adapter():
    """Return the adapter."""
    return Fake()


def wanted(preset="quick", **filters):
    """Make what a user asked for."""
    return plan.Wanted(PRESETS[preset], **filters)


def asked(adapter, want, asks=lambda _: True):
    """Return (case, target) of every question."""
    return [(case, target) for _, case, target in plan.questions([adapter], want, asks)]


@pytest.mark.parametrize(
    ("pairs", "modes"),
    [
        ((), ("eager", "compile")),
        ((("torch", ""),), ("eager", "compile")),
        ((("torch", "compile"),), ("compile",)),
        ((("torch", "compile"), ("torch", "eager")), ("eager", "compile")),
        ((("jax", "eager"), ("torch", "compile")), ("compile",)),
        ((("jax", ""),), ()),
    ],
)
def test_modes(adapter, pairs, modes):
    """A framework named without a mode is asked in all, with a mode in that one, not named in none."""
    assert wanted(pairs=pairs).modes(adapter) == modes


@pytest.mark.parametrize(
    ("device", "devices"),
    [
        ("", ("cpu", "cuda:0", "cuda:1")),
        ("cpu", ("cpu",)),
        ("cuda", ("cuda:0", "cuda:1")),
        ("cuda:1", ("cuda:1",)),
        ("cuda:7", ()),
    ],
)
def test_devices(adapter, device, devices):
    """A device is taken by its kind, or by its kind and number; nothing named takes all."""
    assert wanted(device=device).devices(adapter) == devices


@pytest.mark.parametrize("device", ["", "cpu", "cuda:1"])
def test_device_that_is_there_is_not_missing(adapter, device):
    """Nothing is missing where a device is found."""
    assert plan.missing_devices(adapter, wanted(device=device)) == []


def test_missing_device_says_what_there_is_and_what_to_try(adapter):
    """A device that a framework does not see is not run, with what it does see and how to install it."""
    (entry,) = plan.missing_devices(adapter, wanted(device="cuda:7"))

    assert (entry.framework, entry.device) == ("torch", "cuda:7")
    assert entry.reason == "torch sees cpu, cuda:0, cuda:1, expected cuda:7; try: pip install 'xentbench[torch-cuda]'"


def test_missing_device_without_a_build_for_it():
    """A framework that has no build for the device is given the cpu to try."""
    (entry,) = plan.missing_devices(numpy.Adapter(), wanted(device="cuda"))

    assert entry.reason == "numpy sees cpu, expected cuda; try: --device cpu"


def test_filters_hold_for_every_question(adapter):
    """With ops, dtypes, modes and a device named, nothing else is asked, and something is."""
    want = wanted("full", pairs=(("torch", "compile"),), ops=("softmax",), dtypes=("float16",), device="cuda:1")

    found = asked(adapter, want)

    assert found
    assert {(case.op.name, case.dtype, target.mode, target.device) for case, target in found} == {
        ("softmax", "float16", "compile", "cuda:1")
    }


def test_full_preset_asks_everything(adapter):
    """The full preset asks every implementation of an op, in every mode, on every device, each of its cases, once."""
    want = wanted("full", ops=("logsumexp",))

    found = asked(adapter, want)

    every = [case for case in cases.cases(PRESETS["full"]) if case.dtype in DTYPES]  # nobody here takes 8 bits
    count = sum(case.op.name == "logsumexp" for case in every)
    assert len(found) == len(set(found)) == count * 2 * 2 * 3
    assert {case.dtype for case, _ in found} == set(DTYPES)


@pytest.mark.parametrize(("less", "more"), [("smoke", "quick"), ("quick", "standard"), ("quick", "full")])
def test_smaller_preset_is_part_of_the_larger(adapter, less, more):
    """What a preset asks, every larger one asks as well."""
    want = {"ops": ("log_softmax", "sigmoid")}

    assert set(asked(adapter, wanted(less, **want))) <= set(asked(adapter, wanted(more, **want)))


def test_smoke_preset_asks_other_dtypes_less_unless_they_are_named(adapter):
    """Beside float32 a few families are asked; of a dtype that is named, all."""
    families = {
        case.family
        for case, _ in asked(adapter, plan.Wanted.of(preset="smoke", op="sigmoid"))
        if case.dtype != "float32"
    }
    named = {case.family for case, _ in asked(adapter, plan.Wanted.of(preset="smoke", op="sigmoid", dtype="float64"))}

    assert families == {"normal", "offset"}
    assert {"subnormals", "extremes"} <= named


def test_quick_preset_spares_compilations(adapter):
    """In quick, what compiles for every shape is asked fused functions of two dtypes and no long row."""
    found = asked(adapter, wanted("quick", pairs=(("torch", "compile"),)))

    assert {target.implementation.kind for _, target in found} == {"fused"}
    assert {case.dtype for case, _ in found} == {"float32", "bfloat16"}
    assert max(case.classes for case, _ in found) < heights.LONG


def test_a_third_partys_compiling_mode_is_spared_as_any_other(adapter):
    """Presets know what a mode compiles, and neither its name nor its framework's."""
    catalogue = Catalogue("mystery")
    catalogue.form("softmax", "fused softmax", "fused")(lambda: None)
    catalogue.form("softmax", "naive softmax", "naive")(lambda: None)

    class Mystery(numpy.Adapter):
        """Another package's framework, with modes in its own words."""

        modes = ("spelled", "brewed", "sealed")
        compiling: ClassVar = {"brewed": "slowly", "sealed": "graph"}

    mystery = Mystery().offering(catalogue)
    want = wanted("quick", ops=("softmax",), device="cpu")
    asked_of = {
        mode: {(case, target.implementation.kind) for case, target in asked(mystery, want) if target.mode == mode}
        for mode in mystery.modes
    }
    of_torch = {(case, target.implementation.kind) for case, target in asked(adapter, want) if target.mode == "compile"}

    assert asked_of["brewed"] == of_torch
    assert asked_of["brewed"] < asked_of["sealed"] < asked_of["spelled"]


def test_targets_of_a_case_come_together(adapter):
    """All that is asked of a case is asked in one go, so that its golden is made and read once."""
    order = [case for case, _ in asked(adapter, wanted("standard", ops=("softmax", "logsumexp")))]

    assert sum(one != other for one, other in pairwise(order)) + 1 == len(set(order))


def test_claims_share_all_questions(adapter):
    """The three accuracy claims ask every question of the plan, each once."""
    want = wanted("quick", ops=("softmax", "sigmoid"))
    shared = [
        (case, target)
        for claim in (test_accuracy, test_gradients, test_published)
        for _, case, target in claim.questions([adapter], want)
    ]

    assert len(shared) == len(set(shared))
    assert set(shared) == set(asked(adapter, want))


def test_speed_times_fused_functions_only(adapter):
    """Only fused functions are timed: how fast a naive form is, nobody asks."""
    found = list(plan.speed_questions([adapter], wanted("standard")))

    assert {target.implementation.kind for _, _, target in found} == {"fused"}
    assert {case.family for _, case, _ in found} == {cases.SPEED}


@pytest.mark.parametrize("preset", PRESETS)
def test_speed_times_a_function_once(adapter, preset):
    """A function with two names is timed under the first alone."""
    found = [(case, target) for _, case, target in plan.speed_questions([adapter], wanted(preset, ops=("sigmoid",)))]

    assert {target.implementation.name for _, target in found} == {"twice"}
    assert len(found) == len(set(found))


def test_speed_keeps_to_the_filters(adapter):
    """Modes, devices, ops and dtypes that are not wanted are not timed."""
    want = wanted(pairs=(("torch", "eager"),), ops=("softmax",), device="cpu")
    found = [(case.op.name, target.mode, target.device) for _, case, target in plan.speed_questions([adapter], want)]

    assert set(found) == {("softmax", "eager", "cpu")}
    assert not list(plan.speed_questions([adapter], wanted(dtypes=("float16",))))


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_shards_are_all_of_it(parts):
    """Every case falls into one shard, and no shard is left with far less than its part."""
    whole = plan.wanted_cases(wanted("standard"))
    shards = [plan.wanted_cases(wanted("standard", shard=(part, parts))) for part in range(1, parts + 1)]

    assert sorted(map(str, whole)) == sorted(str(case) for shard in shards for case in shard)
    assert min(map(len, shards)) > 0.7 * len(whole) / parts


def test_shard_is_the_same_everywhere():
    """The part of a case depends on its id alone: this one has been in the second of two since the first version."""
    case = cases.Case(Op("softmax"), "value", "normal", "float32", 32, 64)

    assert [part for part in (1, 2) if plan.in_shard(case, part, 2)] == [2]


def test_targets_of_a_case_share_its_shard(adapter):
    """All targets of a case are asked by one shard, because they share its inputs and its golden."""
    asked = [
        {str(case) for _, case, _ in plan.questions([adapter], wanted(shard=(part, 2)), lambda _: True)}
        for part in (1, 2)
    ]

    assert all(asked)
    assert asked[0].isdisjoint(asked[1])


def test_speed_is_sharded_too(adapter):
    """Two shards time what one run times, each once."""
    whole, *halves = (
        [(str(case), str(target)) for _, case, target in plan.speed_questions([adapter], wanted(shard=shard))]
        for shard in ((1, 1), (1, 2), (2, 2))
    )

    assert sorted(whole) == sorted(halves[0] + halves[1])


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"preset": "full", "on": "all", "op": "all", "dtype": "all", "device": "all"},
        {"on": "torch,jax:jit", "op": "softmax,sigmoid", "dtype": "float32", "device": "cuda:1", "shard": "2/3"},
    ],
)
def test_what_is_wanted_is_read_and_written(written):
    """What a user wrote, read and written as a command line, reads the same again."""
    wanted = plan.Wanted.of(**written)
    words = wanted.arguments

    again = plan.Wanted.of(**dict(zip((word.removeprefix("--") for word in words[::2]), words[1::2], strict=True)))

    assert again == wanted
    assert bool(wanted.pairs) is ("torch" in wanted.frameworks and "numpy" not in wanted.frameworks)


def masked(function, *, mask=""):
    """Build a function that has one option."""
    return function if mask else None


def test_function_of_few_questions_is_asked_these_alone():
    """One that is another row in most questions is asked in its families and options, in no check, and not timed."""
    few = Catalogue("torch", {"few": type("few", (), {"softmax": twice})})
    few.public("softmax", "few.softmax", only=("normal", "mask"))(masked)
    own = Fake().offering(few)
    want = wanted(ops=("softmax",))
    families = {case.source.name for _, case, _ in plan.questions([own], want, lambda _: True)}
    options = [set(case.op.options) for _, case, _ in plan.option_questions([own], want)]

    assert families == {"normal"}
    assert options
    assert all("mask" in names for names in options)
    assert list(LAWS.questions([own], want)) == []
    assert list(plan.speed_questions([own], want)) == []
