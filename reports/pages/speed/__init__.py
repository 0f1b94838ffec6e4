"""Speed: who is fastest, how far the others are behind, and how near memory's limit; absolute figures below."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any

from harness import statistics
from harness.model import Result, Timing
from reports import layout, lines, ranked
from reports.axis import HEIGHT, WIDTH, Axis
from reports.ranked import WORK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.model import Implementation, Target
    from reports.material import Material
    from reports.ranked import Ranking

TITLE = "Speed"
NAV = "Speed"
PLACE = 45
LEVEL_SHOWN = 4  # of those that may be the fastest, in the first table


@dataclass(frozen=True)
class LoneTiming:
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
    """Return the page's HTML; nothing where nothing was timed."""
    rankings = material.rankings
    absolute = charts(material.timings)
    if not rankings and not absolute:
        return ""
    return layout.fill(
        "pages/speed/page.html.j2",
        rankings=[
            (op, [(one, first(one, material.names)) for one in members])
            for op, members in groupby(rankings, key=lambda one: str(one.case.op))
        ],
        cards=ranked.cards(rankings, material.environments),
        absolute=absolute,
        shown=LEVEL_SHOWN,
        width=WIDTH,
        height=HEIGHT,
    )


def first(ranking: Ranking, names: Mapping[Implementation, lines.Names]) -> list[Target]:
    """Return what may be the fastest of a ranking: each function once a mode, by the name to call it by."""
    targets = [line.result.target for line in ranking.first]
    called = (replace(one, implementation=names.get(one.implementation, (one.implementation,))[0]) for one in targets)
    return list(dict.fromkeys(called))


def charts(results: Iterable[Result]) -> dict[str, list[dict[str, Any]]]:
    """Return the timings of single processes, by op: one chart a case."""
    found: dict[Any, list[LoneTiming]] = {}
    for result in results:
        if timed := lone_timing(result):
            case = result.case
            shape = (case.rows * case.classes, case.rows, case.classes)
            work = list(WORK).index(case.quantity)
            found.setdefault((str(case.op), shape, case.dtype, work), []).append(timed)
    ops: dict[str, list[dict[str, Any]]] = {}
    for (op, (_, rows, classes), dtype, work), timings in sorted(found.items(), key=lambda item: item[0]):
        ops.setdefault(op, []).append({"title": (rows, classes, dtype, list(WORK.values())[work]), **chart(timings)})
    return ops


def lone_timing(result: Result) -> LoneTiming | None:
    """Return the statistics of a single process's timing; None of a tournament's, and where no sample was kept."""
    outcome = result.outcome
    assert isinstance(outcome, Timing)
    if outcome.workers > 1 or not outcome.seconds or min(outcome.seconds) <= 0:
        return None
    low, high, sure = statistics.interval(outcome.seconds)
    middle = median(outcome.seconds)
    return LoneTiming(result, middle, low, high, sure, len(outcome.seconds), outcome.calls, outcome.first_call_seconds)


def chart(timings: Sequence[LoneTiming]) -> dict[str, Any]:
    """Return an axis that holds every interval, and the lines upon it, fastest first."""
    ordered = sorted(timings, key=lambda timed: timed.median)
    axis = Axis.decades([bound for timed in ordered for bound in (timed.low, timed.high)])
    return {"axis": axis, "timings": [(t, axis.at(t.low), axis.at(t.median), axis.at(t.high)) for t in ordered]}
