"""The explorer: what its filters, search and order leave is what the store holds, and a line leads to its sheet."""

import math

import pytest

from harness.model import Score
from harness.store import Store
from reports import numbers
from reports.material import Material, text

TOTAL = ".page.current output"


@pytest.fixture(scope="module")
def answers(real):
    """Return the answers of the report, as stored."""
    with Store(real[0]) as store:
        run = store.run()
        return Material(run, list(store.results(run.uid)), {}, []).told


def ulp(answer):
    """Return the ulps of an answer as a page has them; None of what is no distance."""
    return numbers.rounded(answer.outcome.max_ulp) if isinstance(answer.outcome, Score) else None


def total(tab):
    """Return how many answers the grid says it shows."""
    shown, of, _, word = tab.page.locator(TOTAL).inner_text().replace("\u202f", "").split()
    assert (of, word) == ("of", "answers")
    return int(shown)


def column(tab, name):
    """Return the texts of a column, from the top, as far as the grid has drawn its rows."""
    return tab.page.evaluate(
        """name => [...document.querySelectorAll(`#explorer .ag-row [col-id="${name}"]`)]
            .map(cell => [Number(cell.closest(".ag-row").getAttribute("row-index")), cell.textContent.trim()])
            .sort(([a], [b]) => a - b).map(([, text]) => text)""",
        name,
    )


def choose(tab, field, value):
    """Fill in a field, or choose, and wait for the address that it becomes."""
    made = tab.page.locator(f"#explorer [name={field}]")
    made.select_option(value) if made.evaluate("made => made.matches('select')") else made.fill(value)
    tab.page.wait_for_url(f"**{field}=*")
    return tab.settle()


def test_every_answer(report, answers, opened):
    """Without a filter the grid has every answer of the run, the first ones in sight."""
    tab = opened(report, "#explorer")

    assert total(tab) == len(answers)
    assert len(column(tab, "op")) > 10


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        ("framework", "torch", lambda a: a.target.implementation.framework == "torch"),
        ("ulp", "2.5", lambda a: (ulp(a) or 0) >= 2.5),
        (
            "q",
            "near_ties numpy",
            lambda a: (a.case.family, a.target.implementation.framework) == ("near_ties", "numpy"),
        ),
    ],
)
def test_filter(report, answers, opened, field, value, fits):
    """A filter leaves what fits it, and its address brings that back."""
    left = sum(map(fits, answers))
    tab = choose(opened(report, "#explorer"), field, value)

    assert 0 < left < len(answers)
    assert total(tab) == left
    assert total(opened(report, tab.fragment)) == left


def test_sort(report, answers, opened):
    """A click on a column's head sorts by number, a second one turns it round; what has no number comes last."""
    tab = opened(report, "#explorer")
    tab.page.locator("#explorer .ag-header-cell[col-id=ulp]").click()
    tab.page.wait_for_url("**sort=ulp")
    up = column(tab.settle(), "ulp")
    tab.page.locator("#explorer .ag-header-cell[col-id=ulp]").click()
    tab.page.wait_for_url("**sort=-ulp")
    down = column(tab.settle(), "ulp")
    stored = sorted(each for each in map(ulp, answers) if each is not None)

    assert up == [numbers.short(each) for each in stored[: len(up)]]
    assert down == [numbers.short(each) for each in stored[::-1][: len(down)]]
    assert math.inf in stored
    assert column(opened(report, tab.fragment), "ulp") == down


def test_line_opens_its_sheet(report, answers, opened):
    """A click on a line, or Enter on it, opens the sheet of that answer; Escape leads back to the filtered grid."""
    tab = choose(opened(report, "#explorer"), "framework", "torch")
    filtered = tab.fragment
    names = {text(answer) for answer in answers if answer.target.implementation.framework == "torch"}

    tab.click("#explorer .ag-row[row-index='2'] [col-id=family]")
    clicked = tab.page.evaluate("new URLSearchParams(location.hash.split('?')[1]).get('r')")
    assert clicked in names
    assert clicked.split("|")[2] in tab.texts("#sheet[open]")[0]
    assert tab.press("Escape").fragment == filtered

    tab.page.keyboard.press("Enter")
    assert tab.settle().page.evaluate("new URLSearchParams(location.hash.split('?')[1]).get('r')") == clicked
