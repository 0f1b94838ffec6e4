"""What was exported, held against its source: toy paths that lose an option or rewrite a formula are caught."""

import pytest

from harness import adapters
from harness.model import Case, Checked, Implementation, Op, Target
from reference.cache import Cache
from suites.checks import check as checks
from suites.checks.check import Asking
from suites.checks.invariance import INVARIANCE
from suites.checks.invariance.batches import DIFFERS
from suites.judging import judge
from suites.questions import plan, presets

torch = pytest.importorskip("torch")

from harness.engines.exported.paths import HELD, Path, exported  # noqa: E402 - as above

TORCH = adapters.load("torch")
SMOOTHED = Op.of("sparse_xent", label_smoothing=0.125)
NAMES = {
    "log_sigmoid": "torch.nn.functional.logsigmoid",
    "sparse_xent": "torch.nn.functional.cross_entropy",
    "sigmoid_xent": "torch.nn.functional.binary_cross_entropy_with_logits",
}


class Toy(Path):
    """A path whose exporter is a function of what is exported."""

    source = TORCH
    catalogue = exported(TORCH.catalogue, "toy", "toy")
    modes = ("plain",)

    def __init__(self, exporter):
        """Keep the exporter."""
        super().__init__()
        self.exporter = exporter

    def export(self, function, arrays, mode):  # noqa: ARG002 - as paths export
        """Export."""
        return self.exporter(function)


def asked(op, exporter, family, shape, tmp_path):
    """Return the question of a path, and what the check finds."""
    case = Case(op, "value", family, "float32", *shape, check=HELD)
    target = Target(Implementation("toy", op.name, f"toy({NAMES[op.name]})", "fused"), "plain")
    found = checks.outcome(INVARIANCE, Asking(Toy(exporter), case, target, Cache(tmp_path).golden))
    return case, target, found


def test_bits_of_the_source_are_told(tmp_path):
    """What keeps the bits of its source conforms, and says so; what is wrong with the source is none of it."""
    for op in ("log_sigmoid", "sigmoid_xent"):
        case, target, found = asked(Op(op), lambda function: function, "two_class_gap", (256, 2), tmp_path)

        assert found == Checked(512, 0.0, detail="the bits of its source")
        assert judge.judge(case, target, found, ())[0] == "conforms"


def test_other_bits_are_recorded(tmp_path):
    """An answer within its budget, of other bits, is no deviation."""

    def exporter(function):
        return lambda logits, labels: function(logits.double(), labels).float()

    _, _, found = asked(Op("sparse_xent"), exporter, "normal", (32, 64), tmp_path)

    assert found.policy == DIFFERS
    assert found.over == 0.0
    assert "where its source answers" in found.detail


@pytest.mark.parametrize(
    ("op", "exporter", "family", "shape"),
    [
        pytest.param(
            *(Op("log_sigmoid"), lambda _: lambda logits: torch.log(torch.sigmoid(logits)), "two_class_gap", (256, 2)),
            id="formula",
        ),
        pytest.param(
            *(SMOOTHED, lambda _: lambda x, y: torch.nn.functional.cross_entropy(x, y, reduction="none")),
            *("options/normal_large", (8, 16)),
            id="option",
        ),
    ],
)
def test_what_the_path_changes_is_a_deviation(op, exporter, family, shape, tmp_path):
    """A formula that is rewritten and an option that is dropped deviate; the finding names both answers."""
    case, target, found = asked(op, exporter, family, shape, tmp_path)

    verdict, reason = judge.judge(case, target, found, ())

    assert verdict == "deviates"
    assert "where its source answers" in reason
    assert "(exact: " in reason
    assert found.worst.got in reason or float.fromhex(found.worst.got) != float.fromhex(found.worst.expected)


def test_presets_hold_paths_against_their_source():
    """The check asks whole ops and options in every preset, of engines that have a source and of no other."""
    for preset in presets.PRESETS.values():
        wanted = plan.Wanted(preset)
        cases = {str(case) for _, case, _ in INVARIANCE.questions([Toy(None)], wanted) if case.check == HELD}
        assert f"{HELD}:{SMOOTHED}-value-options/normal_large-float32-8x16" in cases
        assert f"{HELD}:log_sigmoid-value-two_class_gap-float32-256x2" in cases
        assert HELD not in {case.check for _, case, _ in INVARIANCE.questions([TORCH], wanted)}
