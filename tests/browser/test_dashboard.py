"""The dashboard in a browser: filters, links, sheets, folds, without a script, on paper and for everyone."""

import dataclasses

import pytest

from harness.history import levels
from harness.store import Store
from reports import dashboard
from tests.browser.axe import NARROW, everywhere
from tests.browser.test_media import boxes
from tests.made import many_runs
from tests.made.records import HOSTILE, TORCH, result, run, score, timing

RUNS, SERIES = 40, 1200


@pytest.fixture(scope="module")
def written(chromium, tmp_path_factory):  # noqa: ARG001 - without a browser no page is written
    """Return the history of a store of many runs, and the page over it."""
    folder = tmp_path_factory.mktemp("history")
    many_runs.fill(folder / "results.sqlite", RUNS, SERIES)
    with Store(folder / "results.sqlite") as store:
        return levels.read(store), dashboard.write(store, folder)


@pytest.fixture
def page(written):
    """Return the page."""
    return written[1]


def rows(tab):
    """Return how many series are shown."""
    return tab.page.locator(".followed tbody tr").count()


def test_only_what_changed_is_shown(written, opened):
    """The page opens with the series that changed, the latest first; all of them are a choice away."""
    found, page = written
    changed = [series for series in found.series if series.changes]
    tab = opened(page)

    assert tab.texts("output") == [f"{len(changed)} of {SERIES:,} series".replace(",", " ")]
    latest = found.runs[max(series.runs[change.at] for series in changed for change in series.changes)].uid
    assert latest in tab.texts(".followed tbody tr")[0]
    tab.page.locator("select[name=show]").select_option("all")
    assert tab.go("#series?show=all").texts("output") == [f"{SERIES:,} of {SERIES:,} series".replace(",", " ")]
    assert rows(tab) == 50
    tab.page.locator(".more").click()
    assert rows(tab) == 100


def test_ready_soon(page, opened):
    """The page is ready within three seconds."""
    ready = opened(page).page.evaluate("performance.getEntriesByName('ready')[0].startTime")

    assert ready < 3000


def test_a_number_leads_to_its_series(page, opened):
    """The number of a run's changes is a link to just those series."""
    tab = opened(page)
    number = tab.page.locator(".events tbody a").locator("visible=true").first
    count = number.inner_text().split()[-1]

    tab.click(".events tbody a")

    assert tab.fragment.startswith("#series?run=")
    assert tab.texts("output")[0].startswith(f"{count} of ")
    assert rows(tab) == min(50, int(count))


def test_filters_are_the_fragment(page, opened):
    """Choices stand in the address, an address chooses, and a reset takes all back."""
    tab = opened(page, "#series?what=speed&show=worse&framework=torch&op=softmax")

    assert tab.page.locator("select[name=op]").input_value() == "softmax"
    assert all("torch.nn.functional.softmax" in text and "slower" in text for text in tab.texts(".followed tbody tr"))
    assert rows(tab)
    tab.page.locator("input[name=find]").fill("no such name")
    tab.page.locator("html[data-ready*='find=']").wait_for(state="attached")
    assert tab.texts(".followed tbody") == ["No series is left by these filters."]
    tab.click("button[type=reset]")
    assert tab.fragment == "#series"


def test_figures_are_the_store_s(written, opened):
    """What a series was and is stands in its row to three digits, as Python prints it."""
    found, page = written
    series = max((one for one in found.series if one.changes and one.machine is None), key=lambda one: one.figures[-1])
    change = series.changes[-1]
    tab = opened(page, f"#series?find={series.case}|{series.target.implementation.framework}|{series.target}")

    (text,) = tab.texts(".followed tbody tr")
    assert f"{change.was:.3g} ulp" in text
    assert f"{change.now:.3g} ulp" in text


def test_a_series_opens_and_closes(page, opened):
    """Enter on a series opens its sheet, at an address of its own, and Escape goes back to the filters."""
    tab = opened(page, "#series?what=speed")
    tab.page.locator(".followed tbody button").first.focus()
    name = tab.focused

    tab.press("Enter")

    assert tab.fragment.startswith("#one?s=")
    assert tab.texts("dialog h2") == [name]
    assert tab.page.locator("dialog .trace path.level").count() == 1
    assert "times as long" in tab.texts("dialog tbody tr")[0]
    address = tab.fragment
    tab.page.keyboard.press("Escape")
    tab.settle()
    assert tab.fragment == "#series?what=speed"
    assert tab.texts("dialog") == []
    assert opened(page, address).texts("dialog h2") == [name]


def test_a_series_that_is_not_there(page, opened):
    """An address of a series that this page lacks says so."""
    assert opened(page, "#one?s=nothing").texts("dialog") == ["There is no such series: nothing"]


def test_how_to_ask_again(written, opened):
    """The sheet of an accuracy has the command that explains the answer, of the last run that asked."""
    found, page = written
    series = next(one for one in found.series if one.changes and one.machine is None)
    tab = opened(page, f"#one?s={series.case}|{series.target.implementation.framework}|{series.target}")

    assert tab.texts("dialog pre") == [f"xentbench explain '{series.case}@{series.target}' --run {found.runs[-1].uid}"]


def test_equal_runs_unfold(page, opened):
    """Runs that say the same are folded behind a button, which shows and hides them."""
    tab = opened(page)
    folded = len(tab.texts(".runs tbody tr"))

    tab.page.locator(".runs button").first.click()

    assert folded < RUNS
    assert len(tab.texts(".runs tbody tr")) > folded
    assert tab.page.locator(".runs button").first.get_attribute("aria-expanded") == "true"
    tab.page.locator(".runs button").first.click()
    assert len(tab.texts(".runs tbody tr")) == folded


def test_for_everyone(page, opened):
    """The page, unfolded, and a sheet over it break no rule, in both colour schemes, wide and narrow."""
    tab = opened(page, "#series?what=speed")
    tab.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")

    assert everywhere(tab) == []
    tab.click(".followed tbody button")
    assert everywhere(tab) == []


def test_on_a_phone(page, opened):
    """On 400 pixels the page itself never scrolls sideways."""
    tab = opened(page, viewport=NARROW)

    assert tab.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_without_javascript(page, chromium):
    """Without JavaScript the latest changes and every run stand there, and nothing that needs a script."""
    with chromium.new_context(java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto(page.as_uri())

        assert tab.locator(".verdict .lead").inner_text().startswith("In the last 5 runs: ")
        assert len(boxes(tab, ".runs tbody tr")) == RUNS
        assert len(boxes(tab, ".dead tbody tr")) == 30
        assert boxes(tab, "form, .more, .followed, dialog, #block") == []


def test_on_paper(page, opened):
    """Print has the changes, the series and the runs, without navigation, filters and buttons."""
    tab = opened(page)
    tab.page.emulate_media(media="print")

    assert boxes(tab.page, "nav, form, .more, .runs button, .skip, dialog") == []
    assert boxes(tab.page, ".events, .followed, .runs, .spans")
    assert tab.page.pdf().startswith(b"%PDF-")


def test_in_forced_colours(page, opened):
    """In the reader's own colours lines are drawn, and a sign and a word say which way a series went."""
    tab = opened(page, forced_colors="active")

    assert tab.page.locator(".trace path.level").first.evaluate("line => getComputedStyle(line).stroke") != "none"
    assert all(
        any(word in text for word in ("worse", "better", "slower", "faster", "different"))
        for text in tab.texts(".followed tbody tr")
    )


def test_names_stay_names(opened, tmp_path):
    """A page of names full of markup runs none of it, and finds and opens the series by it."""
    hostile = dataclasses.replace(TORCH.implementation, name=HOSTILE)
    target = dataclasses.replace(TORCH, implementation=hostile, mode=HOSTILE)
    with Store(tmp_path / "results.sqlite") as store:
        for day, seconds in enumerate([1e-5] * 5 + [2e-5] * 5):
            made = dataclasses.replace(run(f"{day}{HOSTILE}", day + 1), host={HOSTILE: HOSTILE, "processor": HOSTILE})
            store.join(made)
            answers = [result(score(1.0 + day), HOSTILE, target), result(timing(*[seconds] * 5), HOSTILE + "t", target)]
            store.append(made.uid, answers)
        page = dashboard.write(store, tmp_path)

    tab = opened(page, "#series")
    assert rows(tab) == 2
    tab.click(".followed tbody button")
    assert '<script>alert("1")</script>' in tab.texts("dialog h2")[0]


def test_times_on_two_machines(opened, tmp_path):
    """A call that was timed on two machines is two lines, each with its machine's name and an own address."""
    with Store(tmp_path / "results.sqlite") as store:
        for day in range(20):
            host = {"processor": ("Xeon", "Epyc")[day % 2]}
            store.join(dataclasses.replace(run(f"run{day:02}", day + 1), host=host))
            seconds = 1e-5 * (1 + day % 2) * (1.5 if day >= 10 else 1)
            store.append(f"run{day:02}", [result(timing(*[seconds] * 5), "speed")])
        page = dashboard.write(store, tmp_path)

    tab = opened(page)
    asked = "softmax-value-speed-float32-4x8"
    assert tab.texts(".followed tbody td:nth-child(2)") == [f"{asked} Epyc", f"{asked} Xeon"]
    tab.click(".followed tbody tr:last-child button")
    assert tab.texts("dialog .note") == ["timed, 15 µs; asked in 10 runs, last in run18; on Xeon"]
