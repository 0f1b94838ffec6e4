"""Speed: who is fastest, how far the others are behind, and how near memory's limit; absolute figures below."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any

from harness import statistics
from harness.model import Result, Timing
from reports import layout, ranked
from reports.axis import HEIGHT, WIDTH, Axis
from reports.ranked import WORK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.material import Material

TITLE = "Speed"
NAV = "Speed"
PLACE = 45
LEVEL_SHOWN = 4  # of those that may be the fastest, in the first table


@dataclass(frozen=True)
class Line:
    """One target's timing by itself, and where it stands on the axis of its group."""

    result: Result
    median: float
    low: float
    high: float
    sure: bool
    rounds: int
    calls: int
    first: float


def render(material: Material) -> str:
    """Return the section's HTML; nothing where nothing was timed."""
    asked = material.questions
    absolute = charts(material.timings)
    if not asked and not absolute:
        return ""
    return layout.fill(
        "pages/speed/page.html.j2",
        questions=[(op, list(of)) for op, of in groupby(asked, key=lambda one: str(one.case.op))],
        cards=ranked.cards(asked, material.environments),
        absolute=absolute,
        shown=LEVEL_SHOWN,
        width=WIDTH,
        height=HEIGHT,
    )


def charts(results: Iterable[Result]) -> dict[str, list[dict[str, Any]]]:
    """Return the timings of single processes, by op: one chart a question."""
    found: dict[Any, list[Line]] = {}
    for result in results:
        if timed := line(result):
            case = result.case
            shape = (case.rows * case.classes, case.rows, case.classes)
            work = list(WORK).index(case.quantity)
            found.setdefault((str(case.op), shape, case.dtype, work), []).append(timed)
    ops: dict[str, list[dict[str, Any]]] = {}
    for (op, (_, rows, classes), dtype, work), lines in sorted(found.items(), key=lambda item: item[0]):
        ops.setdefault(op, []).append({"title": (rows, classes, dtype, list(WORK.values())[work]), **chart(lines)})
    return ops


def line(result: Result) -> Line | None:
    """Return the statistics of a single process's timing; None of a tournament's, and where no sample was kept."""
    outcome = result.outcome
    assert isinstance(outcome, Timing)
    if outcome.workers > 1 or not outcome.seconds or min(outcome.seconds) <= 0:
        return None
    low, high, sure = statistics.interval(outcome.seconds)
    middle = median(outcome.seconds)
    return Line(result, middle, low, high, sure, len(outcome.seconds), outcome.calls, outcome.first_call_seconds)


def chart(lines: Sequence[Line]) -> dict[str, Any]:
    """Return an axis that holds every interval, and the lines upon it, fastest first."""
    ordered = sorted(lines, key=lambda timed: timed.median)
    axis = Axis.decades([bound for timed in ordered for bound in (timed.low, timed.high)])
    return {"axis": axis, "lines": [(t, axis.at(t.low), axis.at(t.median), axis.at(t.high)) for t in ordered]}
