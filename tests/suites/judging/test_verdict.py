"""Verdicts: what conforms, deviates, fails, and is not judged."""

import math

import pytest

from harness.model import Checked, Crashed, Failed, Op, TimedOut, Unsupported
from suites.judging import judge, lines, refusal, verdict
from suites.judging.verdict import verdicts
from tests.made.verdicts import result, score, target

GOOD = result(score(0.5), "conforms")
REFUSED = Unsupported(f"{refusal.NOT_JUDGED}{refusal.ALOUD}: NotImplementedError: the last axis only")

RECORDED = result(Checked(1, 0.0, "error ValueError"), "unjudged", check="special.infinite_logit")


@pytest.mark.parametrize(
    ("results", "word"),
    [
        pytest.param([GOOD], "conforms", id="within"),
        pytest.param([GOOD, result(score())], "deviates", id="beyond"),
        pytest.param([GOOD, result(score(), "known")], "conforms", id="accepted"),
        pytest.param([result(Failed("raised", "no"))], "failed", id="nothing answered"),
        pytest.param([GOOD, result(Crashed("SIGSEGV"))], "failed", id="died"),
        pytest.param([GOOD, result(TimedOut(60))], "failed", id="hung"),
        pytest.param([GOOD, result(REFUSED, "unjudged", family="offset")], "conforms", id="refused in part"),
        pytest.param([result(REFUSED, "unjudged")], "not judged", id="refused"),
        pytest.param([result(REFUSED, "unjudged"), RECORDED], "not judged", id="refused, and recorded that it was"),
        pytest.param([GOOD, RECORDED], "conforms", id="recorded beside answers"),
        pytest.param([result(Failed("shape", "returned a number"))], "not judged", id="another signature"),
        pytest.param([GOOD, result(Failed("raised", "no"))], "deviates", id="raises among answers"),
        pytest.param([GOOD, result(Failed("raised", "no"), dtype="float16")], "conforms", id="raises in a dtype"),
        pytest.param([GOOD, result(Failed("dtype", "no"), dtype="float16")], "deviates", id="answers in another dtype"),
    ],
)
def test_word(results, word):
    """The verdict is of all that a function was asked."""
    (one,) = verdicts(results)

    assert one.verdict == word


@pytest.mark.parametrize(
    ("results", "planned", "word", "said"),
    [
        pytest.param([GOOD], 1, "conforms", "conforms, 1 answer", id="all"),
        pytest.param([GOOD], 82, "incomplete", "incomplete, 1 of 82 questions answered", id="some"),
        pytest.param([], 82, "incomplete", "incomplete, 0 of 82 questions answered", id="none"),
        pytest.param([result(score())], 82, "deviates", "deviates, 1 of 82 questions answered", id="wrong"),
        pytest.param([GOOD, result(Crashed("SIGSEGV"))], 82, "failed", "failed, 1 of 82", id="died"),
        pytest.param([result(REFUSED, "unjudged")], 82, "incomplete", "incomplete, 1 of 82", id="refused"),
    ],
)
def test_verdict_is_of_the_questions(results, planned, word, said):
    """What has no outcome was not found to conform, whatever came of the other questions."""
    (one,) = verdicts(results, planned={target().implementation: planned})

    assert (one.verdict, one.planned) == (word, planned)
    assert said in next(lines.of(one))


def test_what_was_found_beside_an_answer_is_no_question():
    """A change of the process that was seen is a finding, and counts for no question."""
    beside = result(Checked(1, math.inf, detail="the call changes a timer"), check=judge.PROCESS)

    (one,) = verdicts([GOOD, beside], planned={target().implementation: 2})

    assert (one.verdict, one.answers, one.came, one.planned, len(one)) == ("deviates", 1, 1, 2, 1)
    assert one[0].mechanism == "`kernel` changes a timer"


def test_functions_are_judged_one_by_one():
    """A verdict a function, in the order in which they were asked."""
    found = verdicts([result(score(), who=target("bad")), result(score(0.5), "conforms", who=target("good"))])

    assert [(one.implementation, one.verdict) for one in found] == [("bad", "deviates"), ("good", "conforms")]


def test_verdict_is_a_sequence_of_its_findings():
    """Who calls `check` reads the findings from it; it is empty where all conform."""
    (bad,) = verdicts([GOOD, result(score())])
    (good,) = verdicts([GOOD])

    assert (len(bad), list(bad), bad[0], bad[:1]) == (1, list(bad.findings), bad.findings[0], bad.findings)
    assert not good


def test_what_is_refused_is_named_once():
    """Refusals of axes are one line, those of a dtype another, sizes a check left out a third."""
    axes = [
        result(REFUSED, "unjudged", op=Op.of("softmax", axis=axis, rank=3), family="options/normal_large")
        for axis in (0, 1, 2)
    ]
    part = Checked(9, 0.5, "sizes refused", "3 of 40: ValueError: even lengths only")
    (one,) = verdicts(
        [
            *(GOOD, *axes, result(part, "unjudged", check="law.lengths")),
            result(
                Failed("raised", "no half", "TypeError"), dtype="float16", reason="the call raised TypeError: no half"
            ),
        ]
    )

    assert [(entry.what, entry.reason, entry.questions) for entry in one.not_judged] == [
        ("axis, rank", "refused aloud: NotImplementedError: the last axis only", 3),
        ("law.lengths", "sizes refused, 3 of 40: ValueError: even lengths only", 1),
        ("float16", "the call raised TypeError: no half", 1),
    ]


def test_what_is_refused_for_several_reasons_is_named_once():
    """Labels of two dtypes, each refused with a reason of its own, are one line with both."""
    said = [
        result(
            Unsupported(f"{refusal.NOT_JUDGED}{refusal.ALOUD}: TypeError: labels are {dtype}"),
            "unjudged",
            op=Op.of("softmax", label_dtype=dtype),
            family=f"options/{family}",
        )
        for dtype in ("int32", "uint8")
        for family in ("normal", "normal_large")
    ]
    (one,) = verdicts([GOOD, *said])

    assert [(entry.what, entry.reason, entry.questions) for entry in one.not_judged] == [
        ("label_dtype", "refused aloud: TypeError: labels are int32; refused aloud: TypeError: labels are uint8", 4)
    ]


def test_parameter_that_is_no_option_is_named():
    """A parameter that nobody can judge is named, with the reason."""
    own = Unsupported("not judged: z_loss: no option has this name, so it stays at its default")
    (one,) = verdicts([GOOD, result(own, "unjudged", op=Op.of("softmax", z_loss="its own"), family="options/normal")])

    assert [(entry.what, entry.reason) for entry in one.not_judged] == [
        ("z_loss", "no option has this name, so it stays at its default")
    ]


def test_what_is_no_deviation_unless_strict_is_said():
    """Bits that depend on the batch are a line of the verdict."""
    (one,) = verdicts([GOOD, result(Checked(9, 0.0, "bits differ", "3 rows"), "unjudged", check="invariance.batch")])

    assert one.recorded == ("invariance.batch: bits differ: 3 rows",)
    assert math.isclose(one.answers, 2)


def test_notes_go_to_their_function():
    """A remark on a function is told with its verdict."""
    note = "`kernel` returned a tuple of 2; its first element is judged"

    (one,) = verdicts([GOOD], notes=[note, "`other` returned a tuple of 2; its first element is judged"])

    assert one.notes == (note,)


def test_not_asked_is_counted():
    """What was spared is part of the verdict."""
    (one,) = verdicts([result(score())], [(GOOD.case, GOOD.target)] * 3)

    assert (one.not_asked, verdict.Answers().results) == (3, [])
