"""Speed: medians with their intervals, one log axis for each question."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.model import Result, Timing
from reports import layout, order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.material import Material

TITLE = "Speed"
NAV = "Speed"
PLACE = 45
WIDTH, HEIGHT, MARGIN = 260, 18, 8  # of a strip, in CSS pixels
WORK = {"value": "forward", "grad_logits": "forward + backward", "grad_labels": "forward + backward (labels)"}


@dataclass(frozen=True)
class Line:
    """One target's timing, and where it stands on the axis of its group."""

    result: Result
    median: float
    low: float
    high: float
    sure: bool
    rounds: int
    calls: int
    first: float


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis over whole decades."""

    low: int
    high: int

    def at(self, seconds: float) -> float:
        """Return the place of a time, in pixels."""
        part = (math.log10(seconds) - self.low) / (self.high - self.low)
        return round(MARGIN + part * (WIDTH - 2 * MARGIN), 1)

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Return (pixel, seconds) of each decade."""
        return [(self.at(10.0**power), 10.0**power) for power in range(self.low, self.high + 1)]


def render(material: Material) -> str:
    """Return the section's HTML; nothing where nothing was timed."""
    found: dict[Any, list[Line]] = {}
    for result in material.timings:
        if timed := line(result):
            case = result.case
            shape = (case.rows * case.classes, case.rows, case.classes)
            work = list(WORK).index(case.quantity)
            found.setdefault((str(case.op), shape, case.dtype, work), []).append(timed)
    ops: dict[str, list[dict[str, Any]]] = {}
    for (op, (_, rows, classes), dtype, work), lines in sorted(found.items(), key=lambda item: item[0]):
        ops.setdefault(op, []).append({"title": (rows, classes, dtype, list(WORK.values())[work]), **chart(lines)})
    return layout.fill("speed.html.j2", ops=ops, width=WIDTH, height=HEIGHT) if ops else ""


def line(result: Result) -> Line | None:
    """Return the statistics of a timing; None where no sample was kept."""
    outcome = result.outcome
    assert isinstance(outcome, Timing)
    if not outcome.seconds or min(outcome.seconds) <= 0:
        return None
    low, high, sure = order.interval(outcome.seconds)
    middle = median(outcome.seconds)
    return Line(result, middle, low, high, sure, len(outcome.seconds), outcome.calls, outcome.first_call_seconds)


def chart(lines: Iterable[Line]) -> dict[str, Any]:
    """Return an axis that holds every interval, and the lines upon it, fastest first."""
    ordered = sorted(lines, key=lambda timed: timed.median)
    low = math.floor(math.log10(min(timed.low for timed in ordered)))
    high = max(low + 1, math.ceil(math.log10(max(timed.high for timed in ordered))))
    axis = Axis(low, high)
    return {"axis": axis, "lines": [(t, axis.at(t.low), axis.at(t.median), axis.at(t.high)) for t in ordered]}
