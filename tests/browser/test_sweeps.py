"""The page Sweeps in a browser: a chart of every distinct answer, its table, and what a sample leaves empty."""

from dataclasses import replace

import pytest

from harness.model import Case, Op
from harness.scoring import line, swept
from harness.scoring.swept import Region, Swept
from reports import site
from tests.reports.drawn import material
from tests.reports.pages.test_sweeps import of


def pairs():
    """Return an answer to pairs of float16 of which the lower half of the gaps was not asked."""
    there = [row > 40 for row in range(83)]
    counts, zeros = tuple(2 * one for one in there), (0,) * 83
    errors = tuple(3.0 * (row == 66) for row in range(83))
    lows, highs = (tuple(end if one else -end * float("inf") for one in there) for end in (-0.25, 0.25))
    regions = (Region("flushed", line.place_of_gap(9.75), line.place_of_gap(17.25)),)
    whole = Swept(
        1, counts, (counts, *(zeros,) * 7), errors, *(zeros,) * 3, lows, highs, ("0" * 16,) * 83, regions, 1, "gaps"
    )
    result = of("torch.softmax", 3.0)
    case = Case(Op.of("softmax"), "value", "every_pair", "float16", 63_488**2, 2)
    return replace(result, case=case, outcome=replace(result.outcome, swept=swept.pack(whole)))


@pytest.fixture
def report(tmp_path):
    """Return a report of a line that two functions answer alike and one otherwise, and of pairs."""
    page = tmp_path / "index.html"
    page.write_text(site.render(material([of("a", 9.0), of("b", 9.0), of("c", 2.0), pairs()])), "utf-8")
    return page


def test_equal_answers_share_a_chart_and_a_line_of_the_table(opened, report):
    """The largest error comes first, with where it is; a press on a chart looks closer, and a reset goes back."""
    tab = opened(report, "#sweeps")
    rows = [" ".join(text.split()) for text in tab.texts("#sweeps tbody tr")]

    assert [row.partition(" ")[0] for row in rows] == ["a", "c"]
    assert "2^-82" in rows[0]
    assert "flushed 2^-82" in rows[0]
    assert tab.page.locator("#sweeps .plot").get_attribute("aria-label").startswith("Line charts of the error in ulps")
    tab.page.locator("#sweeps .plot").click(position={"x": 300, "y": 60})
    tab.page.wait_for_url("**/*#sweeps?*from=*")
    tab.settle().click("#sweeps [type=reset]")
    assert tab.fragment == "#sweeps"


def test_pairs_are_drawn_by_their_gap(opened, report):
    """Of a sample of pairs the binades that were asked are drawn, and the table names the gaps."""
    tab = opened(report, "#sweeps?op=softmax&dtype=float16&family=every_pair")
    (row,) = tab.texts("#sweeps tbody tr")

    assert "2^0" in row
    assert "flushed 9.75 to 17.25" in row
    assert "torch.softmax @eager" in tab.page.locator("#sweeps .plot text").all_text_contents()
