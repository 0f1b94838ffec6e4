"""Explanations: found by name, with all that a bug report needs, and the exact value to 30 digits."""

from dataclasses import replace

import pytest

from harness.model import Case, Checked, Failed, Implementation, Op, Result, Score, Target, Worst
from reference import bounds
from reference.cache import Cache
from suites import explain
from suites.questions import cases

CASE = Case(Op.of("softmax"), "value", "all_equal", "float32", 12, 3)
TARGET = Target(Implementation("torch", "softmax", "torch.softmax", "fused"), "eager")
WORST = Worst((2, 1), "-0x1p+0 -0x1p+0 -0x1p+0", "", "", "0.333", "0x1.555556p-2", "0x0.0p+0", 1.1e7)
SCORE = Score(36, 1.1e7, 3e5, 0.0, {"S": 4e6, "U": 3e6}, None, {"zero_for_nonzero": 1}, WORST)
RESULT = Result(CASE, TARGET, SCORE, "deviates", "the reason")
BROKEN = Result(
    Case(Op.of("softmax"), "value", "normal", "float32", 12, 3, check="law.planted"),
    TARGET,
    Checked(36, 40.0, detail="row 3 is off", worst=WORST),
    "deviates",
    "difference is 40 times what is allowed: row 3 is off",
)
VERSIONS = {"framework": "torch", "torch": "2.13.0", "threads": "1"}


@pytest.fixture
def told(tmp_path):
    """Return the explanation of a wrong third."""
    return explain.explain(RESULT, VERSIONS, Cache(tmp_path, "mpmath").golden, "print('again')")


def test_name_finds_the_answer():
    """CASE@TARGET names one answer; the check is part of the case."""
    assert explain.find([RESULT, BROKEN], "softmax-value-all_equal-float32-12x3@torch.softmax@eager") is RESULT
    assert explain.find([RESULT, BROKEN], "law.planted:softmax-value-normal-float32-12x3@torch.softmax@eager") is BROKEN


def test_name_that_is_not_there_suggests_others():
    """A misspelt name is answered with those like it."""
    with pytest.raises(ValueError, match=r"^answer is 'softmax-value-all_equl.*expected CASE@TARGET.*all_equal"):
        explain.find([RESULT], "softmax-value-all_equl-float32-12x3@torch.softmax@eager")


def test_facts(told):
    """The arbiter's 30 digits, what came back, each budget, the verdict and the reason are all there."""
    facts = dict(told.facts)

    assert facts["exact"] == "0.333333333333333333333333333333"
    assert facts["got"].startswith("0x0.0p+0 = 0")
    assert facts["logits"] == WORST.logits
    assert "stable" in facts["budget S"]
    assert facts["zero for nonzero"].startswith("1 elements: Zero, where the exact value")
    assert cases.descriptions()["all_equal"] in facts["inputs"]
    assert facts["versions"] == "torch 2.13.0, threads 1"


@pytest.mark.parametrize(
    ("case", "logits", "index", "exact"),
    [
        (Case(Op.of("sigmoid"), "value", "every", "float32", 510, 1 << 23), "0x0p+0", (0, 0), "0.5"),
        (Case(Op.of("softmax"), "value", "every_pair", "float16", 63_488**2, 2), "0x1p+0 0x1p+0", (0, 1), "0.5"),
        (Case(Op.of("sparse_xent"), "value", "gap_at_100", "float32", 510 << 23, 2), "0x1p+0 0x1p+0", (0,), "0.693147"),
    ],
    ids=lambda value: value.family if isinstance(value, Case) else "",
)
def test_sweep_is_explained_by_its_worst_row_alone(case, logits, index, exact, tmp_path, monkeypatch):
    """Of a sweep of more numbers than fit anywhere one row is drawn, and its exact value told."""
    monkeypatch.setattr(cases, "inputs", lambda case: pytest.fail(f"draws {case}"))
    label = "0" if case.op.name == "sparse_xent" else ""
    worst = replace(WORST, index=index, logits=logits, label=label, expected="0x1p-1", got="0x1.8p-1")
    outcome = replace(SCORE, worst=worst, swept="what a sweep came to")

    facts = dict(
        explain.explain(Result(case, TARGET, outcome, "conforms"), {}, Cache(tmp_path, "mpmath").golden, "").facts
    )

    assert facts["exact"].startswith(exact)
    assert facts["logits"] == logits
    assert "stable" in facts["budget S"]
    assert facts["inputs"].startswith(f"{case.family}: Every")


def test_text_and_issue_hold_the_script(told):
    """Both forms end with what runs; the report is Markdown with a headline."""
    assert explain.text(told).endswith("the reason\n\nprint('again')")
    report = explain.issue(told)
    assert report.startswith(
        "# torch.softmax (float32, eager): value of softmax is off by 1.1e+07 ulp (zero for nonzero)"
    )
    assert "```python\nprint('again')\n```" in report
    assert "| exact | 0.333333333333333333333333333333 |" in report


def test_law_in_decimals(tmp_path):
    """A broken law shows expected and got in decimals too, and whether upstream's tests would see it."""
    broken = replace(BROKEN, case=replace(BROKEN.case, check="law.shift"))
    facts = dict(explain.explain(broken, {}, Cache(tmp_path, "mpmath").golden, "").facts)

    assert facts["expected"] == "0x1.555556p-2 = 0.3333333432674408"
    assert facts["got"] == "0x0.0p+0 = 0"
    assert facts["noticed by"].endswith("tf.test.TestCase.assertAllClose, at their default tolerances")


def test_what_conforms_is_noticed_by_nobody(tmp_path):
    """Tolerances are told of what deviates alone."""
    right = replace(RESULT, judgement="conforms", reason="")

    assert "noticed by" not in dict(explain.explain(right, {}, Cache(tmp_path, "mpmath").golden, "").facts)


def test_outcome_without_numbers(tmp_path):
    """A raise is explained by its message."""
    result = Result(
        CASE, TARGET, Failed("raised", "no", "RuntimeError"), "deviates", "the call raised RuntimeError: no"
    )

    told = explain.explain(result, {}, Cache(tmp_path, "mpmath").golden, "")

    assert dict(told.facts)["outcome"] == "failed (RuntimeError: no)"
    assert "versions" not in dict(told.facts)
    assert explain.text(told).endswith("\n\nthe call raised RuntimeError: no")
    assert "## To reproduce" not in explain.issue(told)


def test_every_check_has_a_claim():
    """Whatever check is asked, its claim can be shown."""
    assert all(check.claim for check in explain.every_check().values())


@pytest.mark.parametrize(("op", "quantity"), bounds.FORMULAS)
def test_every_formula_is_shown(op, quantity):
    """Of every op and quantity the explanation says what the budget is the bound of."""
    assert explain.formula(Case(Op.of(op), quantity, "normal", "float32", 4, 5))
