"""The explorer: carried where there are answers; what it does is tested in a browser, in tests/browser."""

from reports import site
from reports.pages import explorer
from tests.reports.drawn import JAX, answer, material


def test_nothing_answered_is_no_page():
    """A run without answers has no explorer, and carries no grid."""
    nothing = material([])

    assert explorer.render(nothing) == ""
    assert 'id="library-ag-grid"' not in site.render(nothing)


def test_answers_bring_the_grid():
    """With answers the file carries the library once."""
    assert site.render(material([answer(JAX, "normal", 1.0)])).count('id="library-ag-grid"') == 1
