"""Every page of the navigation opens from disk, and the address alone brings back what was seen."""

from urllib.parse import quote, unquote

import pytest

from tests.browser.tab import PAGES

NAMES = PAGES
FIRST = next(iter(NAMES))
WHY = "it may be of another run, or of an earlier version."
FORMER = {
    "claims": "laws",
    "semantics": "options",
    "missing": "not-run",
    "not_run": "not-run",
    "tradeoff": "trade-off",
    "versions": "changes",
    "published": "examples",
}
CHOOSING = ("matrix", "pair", "magnitude", "trade-off", "explorer")


def current(tab):
    """Return the ids of the pages that are seen, and of those the navigation marks as current."""
    seen = tab.page.locator("main > .page").locator("visible=true").evaluate_all("all => all.map(one => one.id)")
    marked = tab.page.locator("nav a[aria-current=page]").evaluate_all("all => all.map(one => one.hash)")
    return seen, marked


def test_navigation_lists_every_page(report, opened):
    """The report of a real run has each page that there is, in its order."""
    tab = opened(report)

    links = tab.page.locator("nav a").evaluate_all("all => all.map(one => [one.hash, one.textContent])")
    assert links == [[f"#{name}", module.NAV] for name, module in NAMES.items()]
    assert current(tab) == ([FIRST], [f"#{FIRST}"])


@pytest.mark.parametrize("name", NAMES)
def test_page_opens(report, opened, name):
    """A link of the navigation, and the address by itself, show one page under its heading and with something in it."""
    tab = opened(report).click(f"nav a[href='#{name}']")
    followed = tab.page.locator(f"#{name}").inner_text()

    assert current(tab) == ([name], [f"#{name}"])
    assert tab.page.locator(f"#{name}-title").text_content() == NAMES[name].TITLE
    assert len(followed) > 100
    assert tab.open(f"#{name}").page.locator(f"#{name}").inner_text() == followed


def test_back_and_forward(report, opened):
    """The browser's own buttons go through the pages that were seen."""
    tab = opened(report).go("#matrix").go("#speed")

    tab.page.go_back()
    assert current(tab.settle())[0] == ["matrix"]
    tab.page.go_back()
    assert current(tab.settle())[0] == [FIRST]
    tab.page.go_forward()
    assert current(tab.settle())[0] == ["matrix"]


@pytest.mark.parametrize("fragment", ["#nowhere", "#matrix-and-more?op=softmax", "#?", "#%3Cscript%3E", "#%"])
def test_unknown_fragment_shows_the_first_page(report, opened, fragment):
    """An address of an older or another report shows the first page, and says what it lacks."""
    tab, name = opened(report, fragment), unquote(fragment[1:].partition("?")[0])

    assert current(tab)[0] == [FIRST]
    assert tab.texts("#unknown") == ([f"This report has nothing named “{name}”; {WHY}"] if name else [])
    assert tab.go("#matrix").texts("#unknown") == []


def test_page_that_the_run_does_not_fill(small_report, opened):
    """The address of a page that this run holds nothing for says that."""
    assert opened(small_report, "#laws").texts("#unknown") == ["This run holds nothing for the page “laws”."]


@pytest.mark.parametrize("name", NAMES)
def test_address_is_the_menu_s_name(report, opened, name):
    """What the menu calls a page opens it, with its blanks or with hyphens; so do large letters."""
    module = NAMES[name]

    assert name == module.NAV.lower().replace(" ", "-")
    assert current(opened(report, f"#{quote(module.NAV)}"))[0] == [name]


@pytest.mark.parametrize(("former", "name"), FORMER.items())
def test_links_of_earlier_reports_open_the_page(report, opened, former, name):
    """A page that was renamed is still found by its former name, with the choices behind it."""
    tab = opened(report, f"#{former}?open=0")

    assert current(tab) == ([name], [f"#{name}"])


def test_part_of_a_page(report, opened):
    """The id of something on a page opens the page it is on, unfolded, with it in sight."""
    tab = opened(report)
    folded = "#examples details:not([open])"
    part = tab.page.locator(folded).first.get_attribute("id")

    tab.go(f"#{part}")

    box = tab.page.locator(f"#{part} table").bounding_box()
    assert 0 <= box["y"] < tab.page.viewport_size["height"]
    assert tab.page.locator(f"#{part}[open]").count() == 1


def forms(tab):
    """Return the pages that have choices, and each of their selects with the value that is not yet chosen."""
    return tab.page.evaluate("""() => [...document.querySelectorAll(".page:has(form.filters)")].map(page => [page.id,
        [...page.querySelectorAll("form.filters select")].flatMap(({ name, options, value }) =>
            [...options].filter(option => option.value !== value).slice(-1).map(option => [name, option.value]))])""")


def test_pages_with_choices(report, opened):
    """The pages whose choices are tested below are those that have any."""
    assert {name for name, _ in forms(opened(report))} == set(CHOOSING)


def lines(tab, name):
    """Return what a page shows, line by line; sorted, because a grid keeps its rows in any order."""
    return sorted(tab.page.locator(f"#{name}").inner_text().split("\n"))


@pytest.mark.parametrize("name", CHOOSING)
def test_choices_live_in_the_address(report, opened, name):
    """Each select of a page writes itself into the address; that address brings back the choice and what it showed."""
    tab, again = opened(report, f"#{name}"), opened(report)
    before, changed = lines(tab, name), set()

    for field, value in dict(forms(tab))[name]:
        tab.page.locator(f"#{name} [name={field}]").select_option(value)
        tab.page.wait_for_url(f"**#{name}?{field}=*")
        shown = lines(tab.settle(), name)
        changed |= {field} if shown != before else set()

        again.open(tab.fragment)
        assert again.page.locator(f"#{name} [name={field}]").input_value() == value
        assert lines(again, name) == shown

        tab.page.locator(f"#{name} [type=reset]").click()
        tab.page.wait_for_url(f"**#{name}")
        assert lines(tab.settle(), name) == before
    assert changed
