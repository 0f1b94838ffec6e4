"""The page of two runs, in a browser: a group of changes opens to its questions, and its address keeps it open."""

import pytest

from reports import site
from reports.material import Material
from reports.pages import changes
from tests.made.records import recorded, result, run, score

FAMILIES = [f"family_{letter}" for letter in "abc"]


@pytest.fixture
def report(tmp_path):
    """Return a report in which one target got worse in three questions, and a dozen others in two each."""
    before = [result(family=family) for family in FAMILIES]
    after = [result(score(9.0 - k), family) for k, family in enumerate(FAMILIES)]
    for k in range(changes.LISTED + 2):
        before += [result(family=family, check=f"law.{k}") for family in FAMILIES[:2]]
        after += [result(score(2.0), family, check=f"law.{k}") for family in FAMILIES[:2]]
    file = tmp_path / "index.html"
    file.write_text(site.render(Material(run("later", 2), after, {}, [], before=[recorded(*before)])), "utf-8")
    return file


def test_group_opens_and_folds(opened, report):
    """A click lists the questions of a group, the furthest moved first; another one folds them."""
    tab = opened(report, "#changes")

    tab.click("button[data-group='0']")

    assert tab.fragment == "#changes?open=0"
    assert tab.texts(".member td:nth-child(2)") == [f"softmax-value-{family}-float32-4x8" for family in FAMILIES]
    assert tab.texts(".member .moved")[0] == "1.5 ulp S → 9 ulp S"
    assert tab.page.locator("button[aria-expanded=true]:focus").count() == 1

    tab.click("button[data-group='0']")

    assert (tab.fragment, tab.texts(".member")) == ("#changes", [])
    assert tab.page.locator("button[aria-expanded=false]:focus").count() == 1


def test_address_opens_what_is_folded(opened, report):
    """A link to a group behind the fold unfolds it; a link to another one closes it; one to none opens nothing."""
    behind = changes.LISTED + 1
    tab = opened(report, f"#changes?open={behind}")

    assert len(tab.texts(".member")) == 2
    assert len(tab.go("#changes?open=0").texts(".member")) == 3
    assert tab.go("#changes?open=nothing").texts(".member") == []


def test_question_leads_to_its_sheet(opened, report):
    """A question in the list opens its sheet."""
    tab = opened(report, "#changes?open=0")

    tab.click(".member a")

    assert "softmax" in tab.texts("#sheet")[0]
