"""Claims, policies, options and findings: counted right, told by their worst case, escaped, absent where not asked."""

import math
from dataclasses import replace

import pytest

from harness.model import (
    Case,
    Checked,
    Failed,
    Implementation,
    Op,
    Recorded,
    Result,
    Run,
    Score,
    Target,
    Unsupported,
    Worst,
)
from reports import layout, marks
from reports.material import Material, place, text
from reports.pages import findings, laws, options, overview, policies

RUN = Run("20260101T000000-abc", "2026-01-01T00:00:00+00:00", None, "xentbench run", "quick", {})
WORST = Worst((0,), "0x1p+0", "", "", "0.25", "0x1p-2", "0x0p+0", 3.0)
EVIL = "torch.<script>alert(1)</script>"


def target(name="torch.softmax", mode="eager", framework="torch"):
    """Return who answers."""
    return Target(Implementation(framework, "softmax", name, "fused"), mode)


def checked(check, outcome, judgement="conforms", at=None, reason="", dtype="float32"):
    """Return the result of a check."""
    case = Case(Op.of("softmax"), "value", "normal", dtype, 8, 16, check=check)
    return Result(case, at or target(), outcome, judgement, reason)


def option(outcome, judgement="conforms", name="torch.softmax", **options):
    """Return the result of an op with options."""
    case = Case(Op.of("softmax", **options), "value", "options/normal", "float32", 8, 16)
    return Result(case, target(name), outcome, judgement, "means otherwise" if judgement == "deviates" else "")


def score(over=0.5, ulp=1.0, worst=None, **verdicts):
    """Return a score."""
    return Score(8, ulp, 0.5, 0.0, {"S": over}, "S" if over <= 1 else None, verdicts, worst)


def material(*results, **descriptions):
    """Return what a page sees."""
    return Material(RUN, results, {}, (), descriptions)


HELD = checked("law.shift", Checked(8, 0.5))
BROKEN = checked("law.shift", Checked(8, 9.0, detail="row 3 is off"), "deviates", target(EVIL), "9 times")
WORSE = checked("law.shift", Checked(8, math.inf, detail="row 5 is nan"), "deviates", target(EVIL), "nan", "float64")


def test_cells_count_by_symbol_the_gravest_first():
    """A check has a line, a place has a cell, and a broken claim cannot hide among those that hold."""
    (claim,) = laws.claims("law", [("torch", "eager", "cpu"), ("jax", "jit", "cpu")], material(HELD, BROKEN, WORSE))

    assert claim.check == "law.shift"
    assert claim.tallies[0].symbol == "✗"
    assert claim.tallies[0].counts == (("✗", 2), ("✓", 1))
    assert claim.tallies[1] is None


def test_breach_is_told_by_its_worst_case():
    """Cases of one target and claim are one line: how many, in which dtypes, and the furthest off."""
    (breach,) = laws.breaches([BROKEN, WORSE])

    assert (breach.count, breach.detail) == (2, "row 5 is nan")
    assert breach.dtypes == ("float32", "float64")


def test_page_holds_the_claim_in_words_and_escapes_names():
    """The claim's own words stand beside its name; a hostile name stays text."""
    page = laws.render(material(HELD, BROKEN, **{"law.shift": "Adding a constant changes nothing."}))

    assert "Adding a constant changes nothing." in page
    assert 'id="law.shift"' in page
    assert "<script>" not in page


@pytest.mark.parametrize("page", [laws, policies, options, findings])
def test_page_without_anything_to_say_is_left_out(page):
    """Nothing asked, nothing shown."""
    plain = Result(Case(Op.of("softmax"), "value", "normal", "float32", 8, 16), target(), score(), "conforms")

    assert page.render(material(plain)) == ""


def test_broken_claims_count_in_the_verdict():
    """A page with a broken law does not open with good news, and links to the law."""
    page = material(HELD, BROKEN)

    assert overview.headline(page)[:2] == ("bad", "1 new deviation")
    assert overview.deviations([BROKEN])[0].at == place(BROKEN) == layout.link(text(BROKEN))


def test_modes_of_one_policy_share_a_line():
    """Modes that answer alike are one line, another answer is another."""
    answers = [
        checked("special.label_out_of_range", Checked(8, 0.0, word), "unjudged", target("tf.xent", mode, "tensorflow"))
        for mode, word in (("eager", "error"), ("function", "error"), ("xla", "nan"))
    ]

    (table,) = policies.by_op(answers)

    assert [(name, modes, [word for word, _ in cells]) for _, name, modes, cells in table.rows] == [
        ("tf.xent", "eager, function", ["error"]),
        ("tf.xent", "xla", ["nan"]),
    ]


def test_policies_stand_in_one_table_by_framework():
    """Labels that are none come first; a cell counts the functions that give an answer, and opens theirs."""
    asked = [
        checked(check, Checked(8, 0.0, word), "unjudged", target(name, mode, framework))
        for check, name, mode, framework, word in (
            ("special.a_masked_row", "torch.a", "eager", "torch", "nan"),
            ("special.label_minus_100", "torch.a", "eager", "torch", "0"),
            ("special.label_negative", "torch.a", "eager", "torch", "error"),
            ("special.label_negative", "torch.a", "compile", "torch", "error"),
            ("special.label_negative", "torch.b", "eager", "torch", "nan"),
            ("special.label_negative", "jnp.a", "jit", "jax", "wrap"),
        )
    ]
    found = policies.questions(asked, ["torch", "jax"])
    torch, jax = found[0].cells

    assert [question.title for question in found] == ["label -1", "label -100", "a masked row"]
    assert [(one.word, one.functions) for one in torch] == [("error", 1), ("nan", 1)]
    assert torch[0].at.startswith("#explorer?check=special.label_negative&op=softmax&quantity=value&framework=torch")
    assert jax[0].at == place(asked[-1])
    assert found[1].cells[1] == ()


def test_cell_of_a_law_opens_its_answers():
    """Of one answer the sheet, of several the explorer with what the cell counts."""
    two = [HELD, checked("law.shift", Checked(8, 0.5), dtype="float64")]
    (tally,) = laws.claims("law", [("torch", "eager", "cpu")], material(*two))[0].tallies
    (alone,) = laws.claims("law", [("torch", "eager", "cpu")], material(two[1]))[0].tallies

    assert tally.at == "#explorer?check=law.shift&framework=torch&mode=eager&device=cpu&sort=-bound"
    assert alone.at == place(two[1])


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Checked(8, 0.0, "nan"), "nan"),
        (Checked(8, 0.0), "as claimed"),
        (Unsupported("no"), "unsupported"),
        (Failed("raised", "7", "IndexError"), "error: IndexError: 7"),
    ],
)
def test_policy_in_words(outcome, word):
    """Every outcome has a word."""
    assert marks.policy(checked("special.x", outcome)) == word


def test_options_table():
    """Options are lines, in natural order; functions that offer any are columns; axes of a rank are one line.

    What is offered comes first, what no function has is named apart, and a cell opens its answers.
    """
    results = [
        option(score(), axis=0, rank=10),
        option(score(), axis=0, rank=2),
        option(score(), axis=1, rank=2),
        option(score(9.0), "deviates", axis=0, rank=3),
        option(Unsupported("no mask"), "unjudged", mask="1 0"),
        option(Unsupported("nothing"), "unjudged", name="torch.other", axis=0, rank=2),
    ]

    (table,) = options.tables(results)

    assert table.functions == ((("torch", "torch.softmax"), ()),)
    assert table.refused == ("mask = 1 0",)
    assert table.rows[0][1][0].at == (
        "#explorer?op=softmax&q=rank%3D2&implementation=%22torch.softmax%22&framework=torch&sort=-bound"
    )
    assert table.rows[1][1][0].at == place(results[3])
    assert [(row, cells[0].symbol) for row, cells in table.rows] == [
        ("rank 2, every axis", "✓"),
        ("rank 3, every axis", "✗"),
        ("rank 10, every axis", "✓"),
    ]


def test_function_that_takes_some_axes_says_so():
    """Of a rank's axes some may be refused: the mark tells."""
    results = [option(score(), axis=1, rank=2), option(Unsupported("axis is 0"), "unjudged", axis=0, rank=2)]

    ((_, (cell,)),) = options.tables(results)[0].rows

    assert cell.symbol == "✓ some"
    assert cell.why == "axis is 0"


def known(reason, family="normal", dtype="float32", **scored):
    """Return a known deviation."""
    case = Case(Op.of("softmax"), "value", family, dtype, 8, 16)
    return Result(case, target(), score(worst=WORST, **scored), "known", reason)


def test_findings_are_mechanisms_and_ordinary_inputs_come_first():
    """One reason is one finding; what ordinary inputs show is stronger than what extremes do, however far off."""
    found = findings.findings(
        material(
            known("overflows", "extremes", over=math.inf, ulp=math.inf, nan=3),
            known("cancels (https://example.org/issues/1)", over=50.0, ulp=5e4),
            known("cancels (https://example.org/issues/1)", dtype="float64", over=40.0, ulp=5e4),
            known("a few ulp", over=2.0, ulp=7.0),
        )
    )

    assert [finding.reason for finding in found] == ["cancels", "a few ulp", "overflows"]
    assert (found[0].count, found[0].link) == (2, "https://example.org/issues/1")
    assert found[0].command == "xentbench explain 'softmax-value-normal-float32-8x16@torch.softmax@eager' --issue"
    assert (found[0].got, found[0].expected) == (0.0, 0.25)
    assert found[0].noticed.startswith("each of torch.testing.assert_close, ")


def test_findings_are_ranked_by_harm():
    """A loss of 0 for log n goes before a label gradient of 0 for 1e-16, however many ulps that is."""

    def off(reason, op, quantity, expected, ulp):
        worst = Worst((0,), "0x1p+0 0x1p+0", "0", "", "", expected.hex(), "0x0p+0", ulp)
        case = Case(Op.of(op), quantity, "all_equal", "float32", 8, 16)
        return Result(case, target(), score(over=ulp, ulp=ulp, worst=worst), "known", reason)

    gradient = off("label gradient", "dense_xent", "grad_labels", 1e-16, 1e30)
    loss = off("loss", "sparse_xent", "value", 2.77, 1e7)

    assert [finding.reason for finding in findings.findings(material(gradient, loss))] == ["loss", "label gradient"]


def test_findings_page_shows_ten():
    """The page holds the ten strongest and counts the rest."""
    page = findings.render(material(*(known(f"reason {i:02}", over=50.0 - i, ulp=5e4) for i in range(12))))

    assert page.count("<li>") == findings.SHOWN
    assert "reason 00" in page
    assert "reason 11" not in page
    assert "2 findings more" in page


def test_findings_say_what_earlier_versions_did():
    """A finding names the version it is seen in and what earlier ones did; what conforms since is told as fixed."""

    def run(uid, torch, *results):
        return Recorded(
            replace(RUN, uid=uid), {"e": {"torch": torch}}, [], [replace(one, environment="e") for one in results]
        )

    here, gone = known("cancels"), known("overflows", "wide")
    right = [replace(one, judgement="conforms", reason="") for one in (here, gone)]
    before = [run("a", "2.10.0", here, gone), run("b", "2.11.0", right[0], right[1])]
    now = run("c", "2.12.0", here, right[1])
    page = Material(now.run, now.results, now.environments, [], before=before)

    (finding,), (fixed,) = findings.findings(page), findings.fixed(page)

    assert finding.version == "torch 2.12.0"
    assert finding.before == ("known in torch 2.10.0", "conforms in torch 2.11.0")
    assert (fixed.reason, fixed.was, fixed.since) == ("overflows", "torch 2.10.0", "torch 2.11.0")
    assert fixed.at == place(now.results[1])
    assert "Fixed in" in findings.render(page)
