"""Accuracy versus speed: a dot a function, and the front of those that nothing faster comes near to."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.model import Result, Score, Timing
from harness.scoring.harm import EXTREME
from reports import layout, numbers
from reports.ranked import WORK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.model import Implementation
    from reports.lines import Names
    from reports.material import Material

TITLE = "Accuracy versus speed"
NAV = "Trade-off"
PLACE = 50
LIBRARIES = ("echarts",)

CaseKey = tuple[str, str, str, str]  # op, shape and device, dtype, quantity
Errors = dict[str, list[float]]  # metric -> the worst error, and the place of its answer


@dataclass(frozen=True)
class Timed:
    """A target's time in a case; `low` and `high` of its relation to the fastest where a tournament says."""

    result: Result
    seconds: float
    relative: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Dot:
    """One target in one case that was timed."""

    framework: str
    name: str
    mode: str
    seconds: float | None
    relative: float | None  # to the fastest of the case
    low: float | None
    high: float | None
    errors: Errors
    front: tuple[str, ...]  # metrics in which it is a bit closer than all that is faster
    also: int = 0  # other names of the function, timed too and left out


def render(material: Material) -> str:
    """Return the page's HTML: what can be chosen, and the places of chart and table; nothing without timings."""
    asked = list(timed(material))
    if not asked:
        return ""
    ops, shapes, dtypes, quantities = (list(dict.fromkeys(column)) for column in zip(*asked, strict=True))
    works = [(quantity, work) for quantity, work in WORK.items() if quantity in quantities]
    return layout.fill("pages/trade_off/page.html.j2", ops=ops, shapes=shapes, dtypes=dtypes, works=works)


def data(material: Material) -> list[list[Any]]:
    """Return every case that was timed with its dots, fastest first."""
    errors = worst(material.answers)
    return [
        [*key, [asdict(dot) for dot in dots(called(found, material.names), errors)]]
        for key, found in timed(material).items()
    ]


def called(found: Sequence[Timed], names: Mapping[Implementation, Names]) -> list[tuple[Timed, int]]:
    """Return of the names of a function that were timed in a mode the one to call, and how many are left out."""
    groups: dict[tuple[Implementation, str, str], list[Timed]] = {}
    for one in found:
        target = one.result.target
        first = names.get(target.implementation, (target.implementation,))[0]
        groups.setdefault((first, target.mode, target.device), []).append(one)
    kept = [
        (next((one for one in group if one.result.target.implementation == first), group[0]), len(group) - 1)
        for (first, _, _), group in groups.items()
    ]
    return sorted(kept, key=lambda one: one[0].seconds)


def timed(material: Material) -> dict[CaseKey, list[Timed]]:
    """Return the times of each case, fastest first: a tournament's if there was one; devices do not share any."""
    found: dict[CaseKey, list[Timed]] = {}
    for ranking in material.rankings:
        found[_key(ranking.targets[0].result)] = [
            Timed(target.result, target.seconds, target.rank.times, target.rank.low, target.rank.high)
            for target in ranking.targets
        ]
    alone: dict[CaseKey, list[tuple[float, Result]]] = {}
    for result in material.timings:
        if isinstance(result.outcome, Timing) and result.outcome.seconds and min(result.outcome.seconds) > 0:
            alone.setdefault(_key(result), []).append((median(result.outcome.seconds), result))
    for key, members in alone.items():
        ordered = sorted(members, key=lambda one: one[0])
        found.setdefault(key, [Timed(result, seconds, seconds / ordered[0][0]) for seconds, result in ordered])
    return found


def _key(result: Result) -> CaseKey:
    case, device = result.case, result.target.device
    shape = f"{case.rows} × {case.classes}" + ("" if device == "cpu" else f" on {device}")  # noqa: RUF001 - as printed
    return str(case.op), shape, case.dtype, case.quantity


def worst(answers: Iterable[Result]) -> dict[tuple[object, ...], Errors]:
    """Return the worst errors of each (target, op, quantity, dtype) over the ordinary families.

    Those are neither published examples nor sizes of a sweep, nor inputs that no sane network produces.
    """
    found: dict[tuple[object, ...], Errors] = {}
    for place, answer in enumerate(answers):
        case, score = answer.case, answer.outcome
        if not isinstance(score, Score) or case.source.kind != "family" or case.family in EXTREME:
            continue
        errors = found.setdefault((answer.target, str(case.op), case.quantity, case.dtype), {})
        for metric, error in (("ulp", score.max_ulp), ("bound", score.over_bound.get("S"))):
            if error is not None and (metric not in errors or not error <= errors[metric][0]):
                errors[metric] = [math.inf if math.isnan(error) else error, place]
    return found


def dots(found: Sequence[tuple[Timed, int]], errors: dict[tuple[object, ...], Errors]) -> list[Dot]:
    """Return the dots of a case, fastest first."""
    cases = [(one.result.target, one.result.case) for one, _ in found]
    printed = [_printed(errors.get((target, str(case.op), case.quantity, case.dtype), {})) for target, case in cases]
    fronts = {metric: front([own.get(metric, [math.inf])[0] for own in printed]) for metric in ("ulp", "bound")}
    return [
        Dot(
            one.result.target.implementation.framework,
            one.result.target.implementation.name,
            one.result.target.mode,
            numbers.rounded(one.seconds),
            numbers.rounded(one.relative),
            numbers.rounded(one.low),
            numbers.rounded(one.high),
            own,
            tuple(metric for metric, places in fronts.items() if place in places),
            also,
        )
        for place, ((one, also), own) in enumerate(zip(found, printed, strict=True))
    ]


def _printed(errors: Errors) -> Errors:
    """Round errors as they are printed: what prints alike is equally close."""
    return {metric: [numbers.rounded(error) or 0.0, place] for metric, (error, place) in errors.items()}


def front(errors: Iterable[float]) -> list[int]:
    """Return the places, in errors of the fastest first, of those that are a bit closer than everything faster.

    A bit is half the error: the worst of a few inputs says no more, and 0.48 of a bound is not closer than 0.49 of it.
    """
    found: list[int] = []
    closest = math.inf
    for place, error in enumerate(errors):
        if error < closest and (not found or error <= closest / 2):
            found.append(place)
            closest = error
    return found
