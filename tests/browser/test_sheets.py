"""From a number to the sheet behind it, and back, by mouse and by keyboard alone."""

import numpy as np
import pytest

from harness.model import Score
from harness.store import Store
from reports import layout, numbers
from reports.material import text
from tests.browser.axe import violations

LINKS = ("overview", "changes", "findings", "guide", "magnitude", "examples", "not-run")
TABS = 60  # stops of the keyboard until the first cell of the matrix; there are some 20


def sheet(tab):
    """Return the text of the sheet; nothing where it is closed."""
    found = tab.texts("#sheet[open]")
    return found[0] if found else ""


@pytest.mark.parametrize("name", LINKS)
def test_link_opens_the_sheet(report, opened, name):
    """A link of a page opens the sheet of the answer that it names; Escape leads back to the page and to the link."""
    tab = opened(report, f"#{name}")
    link = tab.page.locator(f"#{name} a[href^='#case?']").locator("visible=true").first
    target = tab.page.evaluate("at => new URLSearchParams(at.split('?')[1]).get('r')", link.get_attribute("href"))

    link.click()
    assert target.split("|")[2] in sheet(tab.settle())
    assert target.split("-")[0] in sheet(tab)

    tab.press("Escape")
    assert sheet(tab) == ""
    assert tab.fragment == f"#{name}"
    assert link.evaluate("link => link === document.activeElement")


def test_keyboard_alone(report, opened):
    """Tab leads into a matrix, arrows move in it, Enter opens a sheet, and Escape closes it, back at the same cell."""
    tab = opened(report, "#matrix")
    for _ in range(TABS):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("document.activeElement.matches('#family .matrix .c')"):
            break
    row, column = place(tab)
    tab.page.keyboard.press("ArrowRight")
    assert place(tab) == [row, column + 1]
    tab.page.keyboard.press("ArrowDown")
    below, cell = place(tab), tab.focused
    assert below[0] > row
    assert below[1] == column + 1

    assert cell.split()[0] in sheet(tab.press("Enter"))
    tab.press("Escape")
    assert (sheet(tab), place(tab), tab.fragment) == ("", below, "#matrix")
    assert cell.split()[0] in sheet(tab.press(" "))


def place(tab):
    """Return row and column of the cell that has the focus."""
    return tab.page.locator("*:focus").evaluate("cell => [cell.parentNode.rowIndex, cell.cellIndex]")


def test_keyboard_stays_in_the_sheet(report, opened):
    """While a sheet is open, Tab reaches its buttons and texts and nothing of the page beneath; Close closes it."""
    tab = opened(report, "#matrix").click(".matrix .c")
    reached = []
    for _ in range(8):
        tab.page.keyboard.press("Tab")
        reached.append(tab.page.evaluate("document.activeElement.closest('main, header.top') === null"))

    assert all(reached)
    tab.click("#sheet button:text-is('Close')")
    assert (sheet(tab), tab.fragment) == ("", "#matrix")


def test_sheet_tells_what_is_stored(real, opened):
    """The sheet of a known deviation shows the stored worst element, digit by digit, and the reason."""
    store, report = real
    with Store(store) as opened_store:
        results = list(opened_store.results(opened_store.run().uid))
    known = next(r for r in results if r.judgement == "known" and isinstance(r.outcome, Score) and not r.case.check)

    tab = opened(report, layout.link(text(known)))

    worst, shown = known.outcome.worst, tab.page.locator("#sheet").text_content()
    *decimals, exact = tab.texts("#sheet samp")
    assert [np.float32(each) for each in decimals] == [
        np.float32(float.fromhex(h)) for h in (worst.got, worst.expected)
    ]
    assert exact == worst.exact
    assert tab.texts("#sheet samp + code") == [worst.got, worst.expected]
    assert f"worst {numbers.short(known.outcome.max_ulp)} ulp" in shown
    assert worst.logits in shown
    assert known.reason.partition(" (")[0] in shown


def test_sheet_by_its_address(report, opened):
    """A sheet opened by its address stands over a page, closes to it, and comes back by the back button."""
    tab = opened(report, "#matrix").click(".matrix .c")
    address, shown = tab.fragment, sheet(tab)

    tab = opened(report, address)
    assert sheet(tab) == shown
    assert tab.texts(".page.current h1") != []
    assert sheet(tab.press("Escape")) == ""
    tab.page.go_back()
    assert sheet(tab.settle()) == shown


def test_answer_that_is_not_there(report, opened):
    """An address of another run's answer says so, and can be closed."""
    tab = opened(report, "#case?r=none%7Cat%7C%3Cb%3Eall")

    assert "There is no such answer in this run: none|at|<b>all" in sheet(tab)
    assert violations(tab) == []
    assert sheet(tab.press("Escape")) == ""
