"""Every number: the error over the input of functions of one number or two, for all targets beside one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.model import QUANTITIES, Result, Score
from harness.scoring import line, swept
from harness.scoring.swept import EDGES, FINE, Swept
from reports import layout, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.material import Material

TITLE = "Every number"
NAV = "Sweeps"
PLACE = 43
LIBRARIES = ("echarts",)
MOST = 1024  # parts of a line that are drawn
SHOWN = 6  # regions that are told


def render(material: Material) -> str:
    """Return the page's HTML: what can be chosen, and the places of charts and table; nothing without a sweep."""
    found = [material.answers[place].case for place in lines(material)]
    if not found:
        return ""
    return layout.fill(
        "pages/sweeps/page.html.j2",
        ops=list(dict.fromkeys(str(case.op) for case in found)),
        quantities=[one for one in QUANTITIES if one in {case.quantity for case in found}],
        dtypes=list(dict.fromkeys(case.dtype for case in found)),
        families=list(dict.fromkeys(case.family for case in found)),
    )


def lines(material: Material) -> list[int]:
    """Return the places of the answers to a line, of functions that promise a stable one."""
    return [
        place
        for place, answer in enumerate(material.answers)
        if answer.target.implementation.kind == "fused" and isinstance(answer.outcome, Score) and answer.outcome.swept
    ]


def data(material: Material) -> dict[str, Any]:
    """Return the answers by their places, each with the place of its curve: equal answers share one."""
    curves: dict[str, int] = {}
    drawn: list[dict[str, Any]] = []
    answers: list[tuple[int, int]] = []
    for place in lines(material):
        answer = material.answers[place]
        assert isinstance(answer.outcome, Score)
        if answer.outcome.swept not in curves:
            curves[answer.outcome.swept] = len(drawn)
            drawn.append(curve(answer))
        answers.append((place, curves[answer.outcome.swept]))
    return {"answers": [list(pair) for pair in answers], "curves": drawn}


def curve(answer: Result) -> dict[str, Any]:
    """Return what is drawn and told of one answer."""
    score, dtype = answer.outcome, answer.case.dtype
    assert isinstance(score, Score)
    whole = swept.unpack(score.swept)
    parts = swept.coarser(whole, MOST)
    there = parts.counts  # of a sample of pairs some rows are empty, and nothing is drawn

    def drawn(values: Iterable[float]) -> list[float | None]:
        return [numbers.rounded(value) if count else None for value, count in zip(values, there, strict=True)]

    return {
        "low": drawn(parts.lows),
        "mean": drawn(lean * FINE / max(count, 1) for lean, count in zip(parts.leans, there, strict=True)),
        "high": drawn(parts.highs),
        "rows": [line.row_name(dtype, row, whole.of) for row in range(whole.first, whole.first + whole.rows)],
        "at": at(whole, dtype),
        "mean_ulp": numbers.rounded(score.mean_ulp),
        "bias_ulp": numbers.rounded(score.bias_ulp),
        "bins": whole.histogram(),
        "edges": list(EDGES),
        "regions": regions(whole, dtype),
    }


def at(whole: Swept, dtype: str) -> str:
    """Return where the largest error is: in a binade, or at a width."""
    if whole.of == "widths":
        return f"n = {whole.places[whole.furthest] + 1}"
    return line.row_name(dtype, whole.first + whole.furthest // whole.cells, whole.of)


def regions(whole: Swept, dtype: str) -> str:
    """Say where answers are no plain distance, the first few."""
    told = []
    for one in whole.regions[:SHOWN]:
        ends = [end(whole, dtype, place) for place in (one.first, one.last)]
        told.append(f"{one.verdict.replace('_', ' ')} {' to '.join(dict.fromkeys(ends))}")
    more = f" and {whole.turns - SHOWN} more" if whole.turns > SHOWN else ""
    return "; ".join(told) + more


def end(whole: Swept, dtype: str, place: int) -> str:
    """Return where a region begins or ends: a binade, or a gap."""
    if whole.of == "gaps":
        return f"{line.gap_at(place):.6g}"
    if whole.of == "widths":
        return str(place + 1)
    return line.named(dtype, place // (whole.elements // whole.rows))
