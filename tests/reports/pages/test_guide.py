"""The guide: the function it names is the best one asked, its numbers are the run's, and nothing is said of nothing."""

import dataclasses
import re

import pytest

from harness.model import Case, Checked, Failed, Implementation, Op, Result, Run, Score, Target, Timing, Worst
from reports.material import Material, place
from reports.pages import guide
from reports.pages.guide import checks, contender, questions

RUN = Run("20260101T000000-abc", "2026-01-01T00:00:00+00:00", None, "xentbench run", "quick", {})


def answer(name, ulp, *, op="dense_xent", kind="fused", family="normal", over=None, judgement="conforms", **fields):
    """Return a score of a function."""
    target = Target(Implementation(fields.pop("framework", "torch"), op, name, kind), fields.pop("mode", "eager"))
    case = Case(Op.of(op), fields.pop("quantity", "value"), family, fields.pop("dtype", "float32"), 8, 16)
    over = ulp / 4 if over is None else over
    score = Score(8, ulp, 0.5, 0.0, {"S": over}, "S" if over <= 1 else None)
    return Result(case, target, score, judgement)


def checked(check, outcome, framework="torch", op="sparse_xent"):
    """Return what a fused function did with labels it is not made for."""
    target = Target(Implementation(framework, op, f"{framework}.loss", "fused"), "eager")
    return Result(Case(Op.of(op), "value", "normal", "float32", 8, 16, check=check), target, outcome, "unjudged")


def material(*results):
    """Return what the page sees; families get harder as they are listed."""
    return Material(RUN, results, {}, (), dict.fromkeys(("normal", "confident", "extremes"), "words"))


def wrong(name, got, exact, **fields):
    """Return an answer outside every budget, with what came."""
    made = answer(name, float("inf"), judgement=fields.pop("judgement", "unjudged"), **fields)
    worst = Worst((0,), "0x1p+0", "0", "", exact, "0x1p+0", got, float("inf"))
    return dataclasses.replace(made, outcome=dataclasses.replace(made.outcome, worst=worst))


def timed(name, seconds, peak, op, mode="eager"):
    """Return a time of a tournament, with its peak of memory in sizes of the logits."""
    target = Target(Implementation("torch", op, name, "fused"), mode)
    timing = Timing((seconds,) * 9, 1, 1.0, workers=3, peak_bytes=int(100 * peak), peak_logits_bytes=100)
    return Result(Case(Op.of(op), "value", "speed", "float32", 64, 1000), target, timing, "unjudged")


def test_the_strongest_gets_furthest():
    """A function with more digits on ordinary inputs that fails elsewhere is not the one to call."""
    page = material(
        answer("torch.sharp", 0.5),
        wrong("torch.sharp", "inf", "122.87", family="extremes", judgement="known"),
        answer("torch.steady", 9.0),
        answer("torch.steady", 9.0, family="extremes"),
    )
    row = questions.choice(page).rows[0]

    assert [cell.text for cell in row[:4]] == ["torch.steady", "5.9 digits", "none asked", "2.25 S"]
    assert len(questions.choice(page).rows) == 1


def test_a_failure_is_told_with_its_numbers():
    """The first input on which something fails is named with what came instead of what is exact, and is a link."""
    late = wrong("-sum(labels * log(softmax))", "nan", "1.0", kind="naive", family="extremes")
    first = wrong("-sum(labels * log(softmax))", "inf", "122.8709", kind="naive", family="confident")
    fused = [answer("torch.fused", 1.0, family=family) for family in ("normal", "confident", "extremes")]
    found = questions.fused_or_composed(
        material(late, first, answer(first.target.implementation.name, 1.0, kind="naive"), *fused)
    )

    assert found.sentence == "By this run: fused."
    said = dict(found.details)
    assert said["fused"] == "6.9 digits right on ordinary inputs, it fails on none asked"
    naive = "6.9 digits right on ordinary inputs, it fails, first on confident (inf instead of 122.87)"
    assert said["softmax, then log, then sum"] == naive
    (cell,) = [row[2] for row in found.rows if row[0].text.startswith("-sum")]
    assert (cell.text, cell.note, cell.at) == ("confident", "inf instead of 122.87", place(first))


def test_only_what_all_were_asked_decides():
    """What the fused function alone was asked is no point against it."""
    fused = [answer("torch.fused", 1.0), wrong("torch.fused", "0", "1e-7", family="extremes", judgement="known")]
    found = questions.fused_or_composed(material(*fused, answer("by hand", 1.0, kind="composed")))

    assert found.sentence == "By what fails in this run none is ahead."


def test_numbers_that_are_close_are_told_apart():
    """Digits are printed until what came and what is exact differ."""
    close = wrong("torch.f", (1 + 2.0**-20).hex(), "1.0000000000", family="confident", judgement="known")

    assert contender.said(close) == "1.000001 instead of 1"


@pytest.mark.parametrize(
    ("ulp", "dtype", "said"),
    [
        *((0.0, "float32", "7.2 digits"), (1.0, "float32", "6.9 digits"), (1000.0, "float32", "3.9 digits")),
        *((1e9, "float32", "no digit"), (float("inf"), "float64", "no digit"), (0.5, "bfloat16", "2.4 digits")),
    ],
)
def test_digits(ulp, dtype, said):
    """An ulp of float32 is 2**-23 of a number at most: 6.9 digits are right; of bfloat16 half a one leaves 2.4."""
    assert contender.in_digits(contender.digits(answer("torch.f", ulp, dtype=dtype))) == said


def test_sparse_and_dense_stand_beside_each_other_in_time_and_memory():
    """The fastest of each, in the largest size that was timed, gives the ratio; untimed, it is said what to run."""
    answers = [answer("torch.sparse", 1.0, op="sparse_xent"), answer("torch.dense", 1.0)]
    times = [timed("torch.sparse", 1e-3, 1, "sparse_xent"), timed("torch.dense", 2e-3, 3, "dense_xent")]

    found = questions.sparse_or_dense(material(*answers, *times))

    assert "The fastest dense one takes 2 times the time and 3 times the memory" in found.sentence
    figures = [[cell.text for cell in row[4:]] for row in found.rows]
    assert figures == [["1 ms", "1 times the logits"], ["2 ms", "3 times the logits"]]
    assert "try: xentbench tournament --op sparse_xent" in questions.sparse_or_dense(material(*answers)).sentence


def test_what_is_asked_of_one_group_alone_is_not_answered():
    """Where there is nothing to hold a function against, the run is told what to ask."""
    page = material(answer("torch.fused", 1.0))
    html = guide.render(page)

    assert not questions.fused_or_composed(page).rows
    assert "xentbench run --op dense_xent,sparse_xent" in html


def test_words_come_by_frequency_and_errors_are_told():
    """What functions did with a wrong label is told in the words stored, the most frequent first."""
    raised = [checked("special.label_too_large", Failed("raised", "16", "IndexError")) for _ in range(2)]
    page = material(answer("torch.f", 1.0), *raised, checked("special.label_too_large", Checked(8, 0.0, "nan")))
    (row,) = checks.wrong_labels(page).rows

    assert row[1].text == "an error, nan"


@pytest.mark.parametrize("ask", questions.QUESTIONS, ids=lambda ask: ask.__name__)
def test_every_question_has_words_and_says_nothing_of_nothing(ask):
    """A docstring is a question and its answer; a run that asked nothing has no line."""
    question, words = (ask.__doc__ or "").strip().split("\n\n")

    assert question.endswith("?")
    assert words.strip().endswith(".")
    assert guide.render(material()) == ""
    assert not ask(material()).rows


def test_names_are_escaped_and_every_number_has_its_place():
    """A hostile name stays text; a number is a link to the answer that gave it."""
    html = guide.render(material(answer("torch.<script>alert(1)</script>", 1.0)))

    assert "<script>" not in html
    assert re.search(r'<a href="#case\?r=[^"]+">6.9 digits', html)
