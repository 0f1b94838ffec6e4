"""Error versus magnitude: the sizes that were asked, and the columns that the chart is drawn of."""

import pytest

from reports import site
from reports.pages import magnitude
from suites.questions import cases
from tests.reports.drawn import JAX, SIZES, answer, material, swept


@pytest.mark.parametrize(
    ("family", "size"),
    [
        ("magnitude/30", 30.0),
        ("magnitude/0.001", 0.001),
        *((f"magnitude{end}", None) for end in ("", "/", "/<script>", "/-1", "/0", "/inf", "/nan", "/1/2")),
        *((name, None) for name in ("normal", "options/30", "published/30")),
    ],
)
def test_size_is_read_from_the_name(family, size):
    """A swept family ends in its size; what ends in anything else is no size of the sweep."""
    assert magnitude.size(answer(JAX, family, 1.0)) == size


def test_sizes_are_those_that_the_suites_ask():
    """The reader of names agrees with the writer of names."""
    assert [magnitude.size(answer(JAX, name, 1.0)) for name in cases.SWEEP] == list(cases.SIZES)


def test_nothing_swept_is_no_page():
    """Without a sweep there is no page, and no library."""
    nothing = material([answer(JAX, "normal", 1.0)])

    assert magnitude.render(nothing) == ""
    assert 'id="library-echarts"' not in site.render(nothing)


def test_page_brings_its_library():
    """With a sweep the file carries the library once."""
    assert site.render(swept()).count('id="library-echarts"') == 1


def test_data_points_into_the_answers():
    """Each swept answer stands in the columns by its place, with its size and its error over the bound of class S."""
    run = swept()
    data = magnitude.data(run)

    assert [run.answers[place].case.family for place in data["answer"]] == [f"magnitude/{size:g}" for size in SIZES] * 3
    assert data["size"] == list(SIZES) * 3
    assert data["bound"][:3] == [None, 0.06, 0.13]
