"""The explorer's grid on synthetic answers: every outcome, odd names, choices by hand, the keyboard, both schemes."""

import csv

import pytest

from harness.model import Score
from reports import numbers
from tests.browser.test_explorer import column
from tests.reports.conftest import EVIL
from tests.reports.test_site import material

TALL = {"width": 1500, "height": 1400}  # the grid draws the lines in sight alone


@pytest.fixture
def answers(small_report):
    """Return the answers of the synthetic report."""
    return material(small_report.parent / "results.sqlite").told


def shown(tab):
    """Return what the page says it shows."""
    return tab.page.locator("#explorer output").inner_text().replace("\u202f", "")


def ulp(answer):
    """Return the worst ulp as it is printed, or None."""
    return numbers.rounded(answer.outcome.max_ulp) if isinstance(answer.outcome, Score) else None


@pytest.mark.parametrize(
    ("fragment", "fits"),
    [
        ("?mode=compile&dtype=float32", lambda a: (a.target.mode, a.case.dtype) == ("compile", "float32")),
        ("?state=known", lambda a: a.judgement == "known"),
        ("?implementation=SCRIPT", lambda a: a.target.implementation.name == EVIL),
        ("?q=signal+11", lambda a: "signal 11" in getattr(a.outcome, "reason", "")),
        ("?op=nonsense", lambda _: True),
    ],
)
def test_link_filters(opened, small_report, answers, fragment, fits):
    """A link shows the answers that fit all it names, of whatever outcome; a choice that is not offered is left out."""
    tab = opened(small_report, "#explorer" + fragment)
    count = sum(map(fits, answers))

    assert count > 0
    assert shown(tab) == f"{count} of {len(answers)} answers"


def test_link_sorts_by_several_columns(opened, small_report, answers):
    """A link sorts as it says; what has no number comes last, whether numbers rise or fall."""
    chosen = [answer for answer in answers if (answer.case.family, answer.case.dtype) == ("uniform", "float64")]
    scored = [answer for answer in chosen if ulp(answer) is not None]
    tab = opened(small_report, "#explorer?family=uniform&dtype=float64&sort=-quantity,-ulp", viewport=TALL)
    lines = list(zip(column(tab, "quantity"), column(tab, "ulp"), strict=True))
    expected = sorted(chosen, key=lambda a: (a.case.quantity != "value", ulp(a) is None, -(ulp(a) or 0)))

    assert 0 < len(scored) < len(chosen)
    assert lines == [(answer.case.quantity, numbers.short(ulp(answer))) for answer in expected]
    tab.go("#explorer?family=uniform&dtype=float64&sort=ulp")
    rising = [numbers.short(each) for each in sorted(map(ulp, scored))]
    assert column(tab, "ulp") == rising + [""] * (len(chosen) - len(scored))


def test_choices_go_into_the_fragment(opened, small_report, answers):
    """What is chosen, searched and sorted by hand is in the address together, and a reset empties it."""
    tab = opened(small_report, "#explorer")
    tab.page.select_option("#explorer [name=op]", "softmax")
    tab.page.wait_for_url("**/*#explorer?op=softmax")
    tab.page.fill("#explorer [name=q]", "eager")
    tab.page.wait_for_url("**/*#explorer?q=eager&op=softmax")
    tab.page.click(".ag-header-cell[col-id=ulp]")
    tab.page.wait_for_url("**/*&sort=ulp")
    count = sum(answer.case.op.name == "softmax" and answer.target.mode == "eager" for answer in answers)

    assert shown(tab.settle()) == f"{count} of {len(answers)} answers"
    assert tab.page.locator(".ag-header-cell[col-id=ulp]").get_attribute("aria-sort") == "ascending"
    assert shown(tab.click("#explorer [type=reset]")) == f"{len(answers)} of {len(answers)} answers"
    assert tab.fragment == "#explorer"
    assert tab.page.locator(".ag-header-cell[col-id=ulp]").get_attribute("aria-sort") == "none"


def test_keyboard_alone(opened, small_report):
    """From the last button the keyboard reaches the grid: Enter sorts at a column's head, and opens an answer below."""
    tab = opened(small_report, "#explorer?op=softmax&dtype=float32")
    tab.page.focus("#explorer .csv")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/*&sort=state")
    tab.settle().page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/*#case?r=softmax-*")

    assert tab.settle().press("Escape").fragment == "#explorer?op=softmax&dtype=float32&sort=state"


def test_names_stay_text(opened, small_report):
    """A name full of markup is text in the grid, and in the CSV, whose numbers are those of the page."""
    tab = opened(small_report, "#explorer?implementation=script&family=normal&sort=-ulp")
    with tab.page.expect_download() as download:
        tab.page.click("#explorer .csv")
    rows = list(csv.DictReader(download.value.path().read_text("utf-8-sig").splitlines()))

    assert {*column(tab, "implementation")} == {row["Implementation"] for row in rows} == {EVIL}
    assert [numbers.short(float(row["Max ulp"])) if row["Max ulp"] else "" for row in rows] == column(tab, "ulp")


def test_colours_follow_the_scheme(opened, small_report):
    """The grid takes its colours from the page, in both schemes."""
    tab = opened(small_report, "#explorer")
    seen = []
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        seen.append(tab.page.locator(".ag-cell").first.evaluate("cell => getComputedStyle(cell).color"))

    assert seen == ["rgb(27, 31, 36)", "rgb(228, 226, 220)"]
