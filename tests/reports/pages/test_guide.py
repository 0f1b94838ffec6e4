"""The guide: the function it names is the best one asked, its numbers are the run's, and nothing is said of nothing."""

import re

import pytest

from harness.model import Case, Checked, Failed, Implementation, Op, Result, Run, Score, Target
from reports.material import Material, place
from reports.pages import guide
from reports.pages.guide import questions

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
    """Return what the page sees."""
    return Material(RUN, results, {}, ())


def test_chooses_by_the_worst_answer():
    """A function that is best on normal logits and bad elsewhere is not the one to call."""
    worst = answer("torch.steady", 2.0, family="extremes")
    page = material(answer("torch.sharp", 0.5), answer("torch.sharp", 900.0, family="extremes"), worst)
    ((purpose, cell),) = questions.choice(page).rows

    assert purpose.text == "dense_xent"
    assert (cell.text, cell.at, cell.note) == ("torch.steady", place(worst), "2 ulp, extremes")


def test_a_gradient_counts_as_much_as_a_value():
    """A function whose gradient is far off is not chosen for its values."""
    page = material(
        answer("torch.sharp", 0.5), answer("torch.sharp", 900.0, quantity="grad_logits"), answer("torch.steady", 2.0)
    )

    assert questions.choice(page).rows[0][1].text == "torch.steady"


def test_composed_stands_beside_fused():
    """The same question has a line a kind, each with its number on normal logits and in its worst family."""
    page = material(
        answer("torch.fused", 1.0),
        answer("-sum(labels * log(softmax))", 3.0, kind="naive"),
        answer("-sum(labels * log(softmax))", float("inf"), kind="naive", family="confident"),
    )
    rows = questions.fused_or_composed(page).rows

    assert [[cell.text for cell in row] for row in rows] == [
        ["torch.fused", "1 ulp", "1 ulp"],
        ["-sum(labels * log(softmax))", "3 ulp", "∞ ulp"],
    ]
    assert rows[1][2].note == "confident"


def test_words_come_by_frequency_and_errors_are_told():
    """What functions did with a wrong label is told in the words stored, the most frequent first."""
    raised = [checked("special.label_too_large", Failed("raised", "16", "IndexError")) for _ in range(2)]
    page = material(answer("torch.f", 1.0), *raised, checked("special.label_too_large", Checked(8, 0.0, "nan")))
    (row,) = questions.wrong_labels(page).rows

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
    assert re.search(r'<a href="#case\?r=[^"]+">1<wbr> ulp|<a href="#case\?r=[^"]+">1 ulp', html)
