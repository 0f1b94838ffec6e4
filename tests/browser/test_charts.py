"""The charts in a browser: the same numbers in chart and table, choices in the fragment, colours that follow."""

import pytest

from reports import site
from tests.reports.drawn import EVIL, swept, timed


@pytest.fixture
def sweep(tmp_path):
    """Return a report with a sweep over magnitudes."""
    return written(tmp_path, swept())


@pytest.fixture
def times(tmp_path):
    """Return a report with timings beside answers."""
    return written(tmp_path, timed())


def written(folder, material):
    """Write a report."""
    page = folder / "index.html"
    page.write_text(site.render(material), "utf-8")
    return page


def lines(tab, page):
    """Return a page's table, line by line."""
    rows = tab.page.locator(f"#{page} tbody tr").all()
    return [[" ".join(cell.split()) for cell in row.locator("th, td").all_inner_texts()] for row in rows]


def drawn(tab, page):
    """Return the texts of a page's chart."""
    return set(tab.page.locator(f"#{page} .plot text").all_text_contents())


def test_curves_are_the_worst_of_a_framework_and_mode(opened, sweep):
    """A line is the worst of a framework's functions in a mode among those that gave an answer; 0 and ∞ have places."""
    tab = opened(sweep, "#magnitude")

    assert lines(tab, "magnitude") == [
        ["jax jit", "0.4", "0.8", "1.23e5", "∞"],
        ["torch eager", "0", "0.6", "1.7", "2.5"],
    ]
    assert {"0", "∞", "0.001", "1e4", "correctly rounded"} <= drawn(tab, "magnitude")
    description = tab.page.locator("#magnitude .plot").get_attribute("aria-label")
    assert description.startswith(
        "Line chart of max ulp against the largest logit, softmax, value, float32. Curves: jax jit, torch "
    )


def test_fragment_chooses_the_metric(opened, sweep):
    """A link chooses; what it names and is not offered falls back to the first."""
    tab = opened(sweep, "#magnitude?metric=bound&op=nonsense")

    assert lines(tab, "magnitude")[1] == ["torch eager", "0", "0.06", "0.17", "0.25"]
    assert "the bound" in drawn(tab, "magnitude")


def test_choice_goes_into_the_fragment(opened, sweep):
    """A choice is in the address, and a reset takes it out again."""
    tab = opened(sweep, "#magnitude")
    tab.page.select_option("#magnitude [name=metric]", "bound")
    tab.page.wait_for_url("**/*#magnitude?metric=bound")
    tab.settle().click("#magnitude [type=reset]")

    assert tab.fragment == "#magnitude"


def test_curve_can_be_hidden(opened, sweep):
    """A button of the key hides its curve, says so, and leaves the table alone; what is gone leaves the axis."""
    tab = opened(sweep, "#magnitude").click("#magnitude .key button")
    button = tab.page.locator("#magnitude .key button").first

    assert button.get_attribute("aria-pressed") == "false"
    tab.page.locator("#magnitude .plot[aria-label*='Curves: torch eager.']").wait_for()
    assert "∞" not in drawn(tab, "magnitude")
    assert len(lines(tab, "magnitude")) == 2


def test_tip_names_the_worst_as_text(opened, sweep):
    """The tip over the chart names who is worst, whatever the name holds."""
    tab = opened(sweep, "#magnitude")
    box = tab.page.locator("#magnitude .plot").bounding_box()
    tab.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
    tip = tab.page.locator("#magnitude .tip")
    tip.wait_for()

    assert EVIL in tip.inner_text()
    assert tip.locator("img").count() == 0


def test_number_opens_its_answer(opened, sweep):
    """A number of the table leads to the answer that it is."""
    tab = opened(sweep, "#magnitude").click("#magnitude tbody a >> text=1.7")

    assert "softmax-value-magnitude%2F30-float32-32x64%7Ctorch%7Ctorch.nn.Softmax%40eager" in tab.fragment


def test_dots_are_numbered_as_the_lines(opened, times):
    """The table lists every timed target with its error and the front; the chart numbers those that have an error."""
    tab = opened(times, "#trade-off")

    assert lines(tab, "trade-off") == [
        ["1", "torch.softmax @compile", "10 µs", "1×", "0.5", "on the front"],  # noqa: RUF001 - as printed
        ["2", f"{EVIL} @jit", "20 µs", "2×", "0.05", "on the front"],  # noqa: RUF001
        ["3", "tf.nn.softmax @eager", "40 µs", "4×", "∞", ""],  # noqa: RUF001
        ["4", "torch.special.softmax @eager", "80 µs", "8×", "no answer asked", ""],  # noqa: RUF001
    ]
    assert {"1 softmax @compile", "3 softmax @eager", "∞"} <= drawn(tab, "trade-off")
    assert not any(text.startswith("4 ") for text in drawn(tab, "trade-off"))
    assert "Dots: 3." in tab.page.locator("#trade-off .plot").get_attribute("aria-label")


def test_line_points_at_its_dot(opened, times):
    """Focus in a line of the table shows its dot's tip, which is text."""
    tab = opened(times, "#trade-off?metric=ulp")
    tab.page.locator("#trade-off tbody a").nth(1).focus()
    tip = tab.page.locator("#trade-off .tip")
    tip.wait_for()

    assert tip.inner_text().splitlines() == [f"2. {EVIL} @jit", "20 µs, 2× the fastest; worst ulp 0.5; on the front"]  # noqa: RUF001
    assert tip.locator("img").count() == 0


def test_colours_follow_the_scheme(opened, sweep):
    """A change of the colour scheme changes a curve as it is drawn."""
    tab = opened(sweep, "#magnitude")
    curve = tab.page.locator("#magnitude .plot path[stroke='var(--torch)']").first
    seen = []
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        seen.append(curve.evaluate("curve => getComputedStyle(curve).stroke"))

    assert seen == ["rgb(196, 81, 10)", "rgb(240, 138, 75)"]


@pytest.mark.parametrize("width", [400, 900])
def test_chart_follows_the_window(opened, sweep, width):
    """The chart is as wide as the page leaves it."""
    tab = opened(sweep, "#magnitude", viewport={"width": 1300, "height": 800})
    tab.page.set_viewport_size({"width": width, "height": 800})
    box = tab.page.locator("#magnitude .plot").bounding_box()

    assert box["width"] < width
    tab.page.locator(f"#magnitude .plot svg[width='{box['width']:g}']").wait_for()
