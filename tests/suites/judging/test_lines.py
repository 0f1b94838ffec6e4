"""A verdict in lines: readable, and no longer than it must be."""

from dataclasses import replace

from harness.scoring import tolerances
from suites.judging import lines
from suites.judging.verdict import Judged, NotJudged, verdicts
from tests.made.verdicts import result, score

GOOD = result(score(0.5), "conforms")


def test_finding_is_told_in_decimals():
    """Mechanism, got, expected, input, reason and the command stand a line each."""
    (judged,) = verdicts([GOOD, result(score())])
    judged = replace(judged, findings=(replace(judged[0], explain="xentbench explain x"),))

    assert list(lines.of(judged)) == [
        "kernel (softmax, torch): deviates, 2 answers",
        "  1. value of softmax is 4.17% off (normal, float32, eager)",
        "     got         0.78125",
        "     expected    0.75",
        "     input       logits [1, 2]",
        "     why         the reason",
        "     seen in     1 answer; normal; float32; eager",
        f"     noticed by  each of {', '.join(tolerances.COMPARISONS)}",
        "     more        xentbench explain x",
    ]


def test_more_than_a_few_are_counted():
    """Of many findings the first are shown."""
    (judged,) = verdicts([GOOD, result(score())])
    many = replace(judged, findings=judged.findings * 7)

    assert list(lines.of(many))[-1] == "  and 2 more findings; --json has them all"


def test_what_is_left_out_is_said():
    """Notes, what was not asked, not judged or only recorded has a line each."""
    judged = Judged(
        *("kernel", "softmax", "torch", "conforms", 3),
        not_judged=(NotJudged("axis", "refused aloud: no", 2),),
        recorded=("invariance.batch: bits differ",),
        notes=("`kernel` returned a tuple of 2; its first element is judged",),
        not_asked=4,
    )

    assert list(lines.of(judged))[1:] == [
        "  note: `kernel` returned a tuple of 2; its first element is judged",
        "  4 questions not asked",
        "  not judged: axis: refused aloud: no (2 questions)",
        "  recorded, and no deviation unless strict: invariance.batch: bits differ",
    ]
