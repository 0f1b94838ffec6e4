"""Every link of every page leads somewhere: to a page or a part of one, to an answer, or to answers that there are."""

import pytest

from reports.material import exactly
from tests.browser.tab import PAGES
from tests.browser.test_explorer import total

NAMES = list(PAGES)
# Of a page's links within the report, those that lead nowhere; every fold of it is filled by then.
DEAD = """async name => {
    const page = document.getElementById(name), block = await open("block"), known = new Set();
    for (let i = 0; i < block.size; i++) known.add(address(block, i));
    return [...page.querySelectorAll("a[href^='#']")].map(link => link.getAttribute("href")).filter(at => {
        const [, part, query] = at.match(/^#([^?]*)\\??(.*)$/), asked = new URLSearchParams(query);
        if (part === "case") return !known.has(asked.get("r"));
        return !document.getElementById(decodeURIComponent(part));
    });
}"""
# Its links to the explorer: of each set of names that they choose by, the first.
CHOICES = """name => {
    const found = new Map();
    for (const link of document.getElementById(name).querySelectorAll("a[href^='#explorer?']")) {
        const asked = new URLSearchParams(link.hash.split("?")[1]), key = [...asked.keys()].join();
        if (!found.has(key)) found.set(key, link.getAttribute("href"));
    }
    return [...found.values()];
}"""


def test_links_lead_somewhere(report, opened):
    """A link names what is there."""
    tab = opened(report)
    for name in NAMES:
        assert (name, tab.go(f"#{name}").page.evaluate(DEAD, name)) == (name, [])
        assert tab.page.locator(f"#{name} .late").count() == 0


def test_dead_links_are_seen(report, opened):
    """A link to no page, and one to no answer, are found."""
    tab = opened(report, "#laws")
    dead = ["#nowhere", "#case?r=none"]
    tab.page.evaluate(
        "all => all.forEach(href => document.getElementById('laws').append(element('a', { href })))", dead
    )

    assert tab.page.evaluate(DEAD, "laws") == dead


@pytest.mark.parametrize("name", ["laws", "policies", "options"])
def test_cell_opens_its_answers(report, opened, name):
    """A cell leads to answers that there are, not to all of them, and each answer to its sheet."""
    tab = opened(report, f"#{name}")
    choices = tab.page.evaluate(CHOICES, name)
    every = total(tab.go("#explorer"))

    assert choices
    for fragment in choices:
        assert 0 < total(tab.go(fragment)) < every, fragment
    assert "There is no such" not in tab.click("#explorer .ag-row [col-id=family]").texts("#sheet[open]")[0]


def test_choice_of_a_whole_name(report, opened):
    """A name in quotes is that name alone."""
    tab = opened(report, "#explorer")

    counts = [total(tab.go(f"#explorer?implementation={name}")) for name in ("torch.softmax", exactly("torch.softmax"))]
    assert counts[0] >= counts[1] > 0
    assert total(tab.go(f"#explorer?implementation={exactly('torch.soft')}")) == 0
