"""Error versus magnitude: one family drawn in growing sizes, a curve a framework and mode."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.model import DTYPES, QUANTITIES, Result, Score
from reports import layout, numbers

if TYPE_CHECKING:
    from reports.material import Material

TITLE = "Error versus magnitude"
NAV = "Magnitude"
PLACE = 40
LIBRARIES = ("echarts",)
FAMILY = "magnitude"


def render(material: Material) -> str:
    """Return the page's HTML: what can be chosen, and the places of chart and table; nothing without a sweep."""
    swept = [answer for _, _, answer in curves(material)]
    if not swept:
        return ""
    swept_dtypes, swept_quantities = {answer.case.dtype for answer in swept}, {answer.case.quantity for answer in swept}
    return layout.fill(
        "pages/magnitude/page.html.j2",
        ops=list(dict.fromkeys(str(answer.case.op) for answer in swept)),
        dtypes=[dtype for dtype in DTYPES if dtype in swept_dtypes],
        quantities=[quantity for quantity in QUANTITIES if quantity in swept_quantities],
        description=material.descriptions.get(FAMILY, ""),
    )


def data(material: Material) -> dict[str, list[Any]]:
    """Return, in columns, the swept answers by their places, with size and error over the bound of class S."""
    swept = curves(material)
    return {
        "answer": [place for place, _, _ in swept],
        "size": [size for _, size, _ in swept],
        "bound": [numbers.rounded(over(answer)) for _, _, answer in swept],
    }


def curves(material: Material) -> list[tuple[int, float, Result]]:
    """Return the swept answers of functions that promise a stable one, and of the control: place, size, answer."""
    return [
        (place, number, answer)
        for place, answer in enumerate(material.answers)
        if answer.target.implementation.kind in {"fused", "control"} and (number := size(answer)) is not None
    ]


def size(answer: Result) -> float | None:
    """Return the size that a swept family's name ends in, as `magnitude/30` does; None for any other family."""
    source = answer.case.source
    try:
        number = float(source.size or 0) if source.name == FAMILY else 0.0
    except ValueError:  # a name of somebody else's
        return None
    return number if 0 < number < math.inf else None


def over(answer: Result) -> float | None:
    """Return the worst error over the bound of class S: one scale for all, where the class that is met would jump."""
    return answer.outcome.over_bound.get("S") if isinstance(answer.outcome, Score) else None
