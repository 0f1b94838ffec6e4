"""No page breaks a rule of accessibility that a program can check, and none is wider than a phone."""

import pytest

from tests.browser.axe import NARROW, everywhere, violations
from tests.browser.tab import PAGES

NAMES = list(PAGES)


def test_axe_sees(opened, report):
    """The check sees text too pale, an image without words and a field without a label."""
    tab = opened(report)
    tab.page.evaluate("""document.querySelector("h1").style.color = "#ccc";
        document.querySelector("main").append(document.createElement("img"), document.createElement("input"))""")

    rules = {each.partition(":")[0] for each in violations(tab)}

    assert {"color-contrast", "image-alt", "label"} <= rules


@pytest.mark.parametrize("name", NAMES)
def test_page(report, opened, name):
    """A page, all that can be unfolded unfolded, has no violation."""
    tab = opened(report, f"#{name}")
    tab.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")

    assert everywhere(tab) == []


def test_sheet(report, opened):
    """Nor has a sheet over a page, with a worst input and its script."""
    tab = opened(report, "#matrix").click(".matrix .c")

    assert tab.texts("#script")
    assert everywhere(tab) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_page_is_wider_than_a_phone(report, opened, name):
    """On 400 pixels the page itself never scrolls sideways; wide tables scroll by themselves."""
    tab = opened(report, f"#{name}", viewport=NARROW)

    assert tab.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
