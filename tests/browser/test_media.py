"""The report without JavaScript, on paper, and in the colours that a reader forces."""

import pytest

from tests.browser.tab import PAGES

NAMES = PAGES


def boxes(page, selector):
    """Return the boxes of what is visible of a selector."""
    return [each.bounding_box() for each in page.locator(selector).locator("visible=true").all()]


def test_without_javascript(report, chromium):
    """Every page stands below the one before under its heading; what needs JavaScript is not there, and it says so."""
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(report.as_uri())
        titles = page.locator("main > .page > h2").all_inner_texts()
        tops = [box["y"] for box in boxes(page, "main > .page")]
        notes = [box["height"] for box in boxes(page, "noscript .note")]
        alive = boxes(page, ".js, form, dialog, #block")

    assert titles == [module.TITLE for module in NAMES.values()]
    assert tops == sorted(tops)
    assert len(set(tops)) == len(NAMES)
    assert notes
    assert alive == []


def test_a_link_works_without_javascript(report, chromium):
    """The navigation's links are plain ones, to where the page stands."""
    with chromium.new_context(java_script_enabled=False, reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(report.as_uri())
        page.locator("nav a[href='#examples']").click()
        top = page.locator("#examples").bounding_box()["y"]

    assert 0 <= top < 100


@pytest.mark.parametrize("name", NAMES)
def test_on_paper(report, opened, name):
    """Print shows the page that is open under its heading, without navigation, filters and buttons.

    What a curve's sign means is paper's business too: the buttons of a chart's key print as words.
    """
    tab = opened(report, f"#{name}")
    tab.page.emulate_media(media="print")

    seen = tab.page.locator("main > .page").locator("visible=true").evaluate_all("all => all.map(one => one.id)")
    assert seen == [name]
    assert boxes(tab.page, f"#{name}-title")
    assert boxes(tab.page, "nav, form, button:not(.key button), .skip, #sheet") == []


def test_on_paper_without_javascript(report, chromium):
    """A page that no script runs in prints, too."""
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(report.as_uri())

        assert page.pdf().startswith(b"%PDF-")


@pytest.mark.parametrize("name", NAMES)
def test_in_forced_colours(report, opened, name):
    """In the reader's own colours each page opens under its heading."""
    tab = opened(report, f"#{name}", forced_colors="active")

    assert tab.page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert boxes(tab.page, f"#{name}-title")


def test_forced_colours_leave_the_signs(small_report, opened):
    """Where colours are the reader's, every cell of the matrix has its sign, and a frame is drawn round a deviation."""
    tab = opened(small_report, "#matrix", forced_colors="active")
    cells, new = tab.page.locator(".matrix .c"), tab.page.locator(".matrix .c.new")

    assert cells.count() == tab.page.locator(".matrix .c b:not(:empty)").count() > 0
    assert new.count() > 0
    assert set(new.evaluate_all("all => all.map(cell => getComputedStyle(cell).outlineStyle)")) == {"solid"}
