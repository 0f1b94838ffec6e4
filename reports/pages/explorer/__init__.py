"""The explorer: every answer of the run in one table, to be filtered, sorted, searched and taken along as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.history import counting
from reports import layout

if TYPE_CHECKING:
    from reports.material import Material

TITLE = "All answers"
NAV = "Explorer"
PLACE = 90
LIBRARIES = ("ag-grid",)


def render(material: Material) -> str:
    """Return the page's HTML: the filters and the place of the grid; nothing where nothing was answered."""
    counted = counting.in_words(counting.count(material.results))
    return layout.fill("pages/explorer/page.html.j2", counted=counted) if material.told else ""
