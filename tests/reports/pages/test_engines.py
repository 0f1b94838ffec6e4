"""Engines: one line for modes that answer alike, whose answers are those of which framework, and where they are not."""

import math

import pytest

from harness.model import Case, Checked, Implementation, NotRun, Op, Result, Run, Score, Target, Unsupported
from reports.material import Material
from reports.pages import engines
from reports.pages.guide import checks

RUN = Run("20260101T000000-abc", "2026-01-01T00:00:00+00:00", None, "xentbench run", "quick", {})


def result(framework, outcome, *, mode="eager", op="softmax", judgement="conforms", **fields):
    """Return the answer of a framework or an engine."""
    options = fields.pop("options", {})
    name, kind = fields.pop("name", f"{framework}.{op}"), fields.pop("kind", "fused")
    quantity, family = fields.pop("quantity", "value"), fields.pop("family", "normal")
    case = Case(Op.of(op, **options), quantity, family, "float32", 8, 16, **fields)
    return Result(case, Target(Implementation(framework, op, name, kind), mode), outcome, judgement)


def score(ulp, budget="S"):
    """Return a distance."""
    return Score(8, ulp, 0.5, 0.0, {"S": ulp / 4}, budget)


def masked(framework, policy, **fields):
    """Return what is made of a row without a class."""
    outcome = Checked(1, 0.0, policy)
    return result(framework, outcome, check="special.every_class_masked", judgement="unjudged", **fields)


def page(*results, not_run=()):
    """Return the page of a run."""
    return engines.render(Material(RUN, results, {}, not_run))


def test_page_stays_out_of_reports_without_engines():
    """Frameworks alone, and an engine that was not run, are no page."""
    alone = (result("torch", score(1.0)), result("numpy", score(1.0), kind="control"))

    assert page(*alone) == ""
    assert page(*alone, not_run=[NotRun("mlx", "", "cpu", "no mlx")]) == ""


def test_modes_that_answer_alike_share_a_line():
    """A mode with another answer has its own line; the worst of several functions is shown, each quantity by itself."""
    html = page(
        *(result("onnx", score(2.5), mode=mode) for mode in ("opset11", "opset13")),
        result("onnx", score(7.25), mode="opset18"),
        result("onnx", score(3.5), mode="opset18", name="onnx.other"),
        result("onnx", score(9.5), mode="opset18", quantity="grad_logits"),
    )

    assert html.count('<th scope="row">') == 4  # two lines in each of two tables
    assert "opset11, opset13" in html
    assert ">7.25</a>" in html
    assert ">3.5</a>" not in html
    assert 'title="grad logits, normal">9.5</a>' in html


@pytest.mark.parametrize(
    ("torch", "tensorflow", "engine", "says"),
    [
        ("nan", "0", "nan", ">as torch</a>"),
        ("nan", "0", "0", ">as TensorFlow</a>"),
        ("nan", "0", "1/n", ">softmax: 1/n</a>"),
    ],
)
def test_special_values_are_told_beside_the_frameworks(torch, tensorflow, engine, says):
    """An answer is torch's, else TensorFlow's, else told."""
    html = page(masked("torch", torch), masked("tensorflow", tensorflow), masked("mlx", engine, mode="cpu"))

    assert says in html
    assert html.count(">as ") == (says.startswith(">as"))


def test_what_an_engine_breaks_is_no_answer_as_torchs():
    """A broken claim is told with its mark, though torch kept it; without torch in the run, too."""
    kept = result("torch", Checked(1, 0.0), check="special.nan_logit")
    broken = result("mlx", Checked(1, math.inf, detail="hidden"), check="special.nan_logit", judgement="deviates")

    for results in ((kept, broken), (broken,)):
        html = page(*results)
        assert ">softmax: not as claimed</a>" in html
        assert '<span class="mark deviates">✗</span>' in html
    assert "ask torch and TensorFlow in the same run" in page(broken)


def test_options_that_mean_otherwise_are_named():
    """Options are told where they deviate, and counted where they are as asked; what is not offered is left out."""
    off = result("mlx", score(99.0, None), judgement="deviates", family="options/normal", options={"axis": 0})
    fine = result("mlx", score(1.0), family="options/normal", options={"axis": 0})
    refused = result("mlx", Unsupported("no"), judgement="unjudged", family="options/normal", options={"axis": 1})

    assert ">softmax: axis = 0</a>" in page(off, fine, refused)
    assert 'title="1 questions">as asked</a>' in page(fine, refused)


def test_guide_tells_of_losses_elsewhere():
    """The worst loss of each engine is led to, and those outside every budget are counted; frameworks are not told."""
    results = [
        result("torch", score(1.0), op="sparse_xent"),
        result("mlx", score(2.5), op="sparse_xent"),
        result("mlx", score(70.0, None), op="sparse_xent", family="confident", judgement="deviates"),
    ]
    told = checks.exported(Material(RUN, results, {}, ()))

    assert told.sentence == "Answers to losses outside every budget: mlx 1 of 2."
    assert [[cell.text for cell in row] for row in told.rows] == [["mlx", "2.5 ulp", "70 ulp"]]
    assert checks.exported(Material(RUN, results[:1], {}, ())).rows == []
