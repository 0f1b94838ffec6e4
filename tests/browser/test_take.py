"""What can be taken along: tables as CSV, charts as SVG and PNG, an address; and what paper shows."""

import csv
import re

import pytest

from reports import layout, site
from tests.browser.tab import PAGES
from tests.browser.test_grid import shown
from tests.reports.drawn import swept

NAMES = list(PAGES)
PAPER = 680  # CSS pixels between the margins of A4 and of Letter


@pytest.fixture
def sweep(tmp_path):
    """Return a report with a chart."""
    page = tmp_path / "index.html"
    page.write_text(site.render(swept()), "utf-8")
    return page


def saved(tab, selector):
    """Return the bytes of what a button saves, and the name it gives them."""
    with tab.page.expect_download() as download:
        tab.page.locator(selector).locator("visible=true").first.click()
    return download.value.path().read_bytes(), download.value.suggested_filename


def test_table_as_csv(opened, sweep):
    """A table's cells, head and names included, are the file's."""
    text, name = saved(opened(sweep, "#magnitude"), "#magnitude button:text-is('CSV')")
    head, *rows = csv.reader(text.decode("utf-8-sig").splitlines())

    assert name == "xentbench magnitude 1.csv"
    assert head == ["Framework and mode", "±0.001", "±1", "±30", "±1e4"]
    assert rows == [["jax jit", "0.4", "0.8", "1.23e5", "∞"], ["torch eager", "0", "0.6", "1.7", "2.5"]]


def test_chart_as_svg_and_png(opened, sweep):
    """A chart's drawing has its colours in it, where no style sheet is; its picture is twice as large."""
    tab = opened(sweep, "#magnitude")
    width = tab.page.locator("#magnitude .plot svg").bounding_box()["width"]
    drawing = saved(tab, "#magnitude button:text-is('SVG')")[0].decode()
    picture, name = saved(tab, "#magnitude button:text-is('PNG')")

    assert "var(--" not in drawing
    assert "#c4510a" in drawing  # torch's
    assert re.match(r"<svg[^>]* xmlns=\"http://www.w3.org/2000/svg\"", drawing)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20], "big") == int(2 * width)
    assert name == "xentbench magnitude chart 1.png"


def test_every_table_and_chart_can_be_taken(report, opened):
    """Each table has a button before it or in its box, and so has each chart."""
    tab = opened(report)
    for name in NAMES:
        bare = tab.go(f"#{name}").page.evaluate(
            """name => [...document.querySelectorAll(`#${name} table, #${name} .plot`)].filter(one => {
                const box = one.closest(".scroll") ?? one;
                return !box.previousElementSibling?.matches(".take") && !box.firstElementChild?.matches(".take");
            }).length""",
            name,
        )
        assert (name, bare) == (name, 0)


def test_worst_inputs_are_in_the_csv(small_report, opened):
    """The explorer's CSV has the worst input of the answers that the page carries it of."""
    tab = opened(small_report, "#explorer?state=known")
    rows = list(csv.DictReader(saved(tab, "#explorer .csv")[0].decode("utf-8-sig").splitlines()))

    assert len(rows) == int(shown(tab).split()[0])
    assert all(row["Worst input"].count("0x") == 10 and row["Came back"] and row["Exact"] for row in rows)


def test_address_is_copied(report, opened):
    """Copy link, of a page and of a sheet, puts the address into the clipboard."""
    tab = opened(report, "#matrix", permissions=["clipboard-read", "clipboard-write"])
    for place in ("nav", "#sheet"):
        tab.click(f"{place} button:text-is('Copy link')")
        tab.page.locator(f"{place} button:text-is('Copied')").wait_for()
        assert tab.page.evaluate("navigator.clipboard.readText()") == tab.page.url
        tab.go(layout.link(tab.page.evaluate("open('block').then(block => address(block, 0))")))


def test_paper_cuts_no_column_off(report, opened):
    """A table that is wider than a sheet of paper is made smaller, and is as it was when that is printed."""
    tab, smaller = opened(report, viewport={"width": PAPER, "height": 900}), 0
    tab.page.emulate_media(media="print")
    for name in NAMES:
        tab.go(f"#{name}").page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        wide = tab.page.evaluate(
            """name => Math.max(0, ...[...document.querySelectorAll(`#${name} table`)]
                .map(one => one.getBoundingClientRect().width))""",
            name,
        )
        smaller += tab.page.locator(f"#{name} table[style*=zoom]").count()
        tab.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert (name, wide) <= (name, PAPER + 1)
        assert tab.page.locator(f"#{name} table[style*=zoom]").count() == 0
    assert smaller


def test_paper_says_how_much_of_the_explorer_it_shows(report, opened):
    """The printed explorer says of how many answers it has so many lines."""
    tab = opened(report, "#explorer")
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.page.emulate_media(media="print")

    (said,) = tab.texts("#explorer .printed")
    few, every = re.match(r"([\d\u202f]+) of ([\d\u202f]+) answers;", said).groups()
    assert shown(tab).split()[0] == every.replace("\u202f", "")
    lines = tab.page.locator("#explorer .printed tbody tr")
    assert lines.count() == int(few) == min(20, int(every.replace("\u202f", "")))
    assert tab.page.locator("#explorer .printed thead th").all_inner_texts()[7:9] == ["Max ulp", "Error/bound"]
    assert (
        lines.first.locator("td").nth(1).inner_text()
        == tab.page.locator("[role=row] [col-id=implementation]").nth(1).inner_text()
    )
