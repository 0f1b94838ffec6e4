"""A run's results as the pages need them: worst elements are the bulk of a store, and the pages show few of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.model import Score, Timing
from harness.store.alike import shared
from harness.store.reading import without_worst
from reports import lines, marks

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from harness.model import Implementation, Recorded, Result
    from harness.store import Store


def read(store: Store, uid: str, before: Sequence[Recorded] = (), families: Iterable[str] = ()) -> Recorded:
    """Return a run, its worst elements those that pages show.

    They are those of `shown`, of the worst answer of each `group`, and of where each implementation `fails_first`.
    before: the runs that it will be compared with, the latest last, with which it shares what is the same. families: in
    the order in which they get harder. Raises StoreError where there is no such run.
    """
    begun = store.begun(uid)
    weights: dict[Hashable, tuple[int, float]] = {}  # of the worst of each group so far
    places: dict[Hashable, int] = {}  # where it is, if its worst element is there for that alone
    results: list[Result] = []

    def wanted(result: Result) -> bool:
        if is_answer(result) and (weight := marks.weight(result)) > weights.get(key := group(result), (-1, 0.0)):
            weights[key] = weight
            return True
        return shown(result) or (_may_be_first(result) and marks.fails(result))

    stored = store.results(begun.run.uid, wanted, compared=bool(before), by_case=True)
    for place, result in enumerate(shared(stored, before[-1].results if before else ())):
        results.append(result)
        if _for_its_group(result):
            key = group(result)
            other = results[places[key]] if key in places else None
            if other is None or marks.weight(result) > marks.weight(other):
                if other is not None and not (_may_be_first(other) and marks.fails(other)):
                    results[places[key]] = without_worst(other)
                places[key] = place
    results = store.by_target(begun.run.uid, results)
    kept = {*_worst_of_groups(results), *fails_first(results, families).values()}
    for place, result in enumerate(results):
        if place not in kept and not shown(result) and isinstance(result.outcome, Score) and result.outcome.worst:
            results[place] = without_worst(result)
    return replace(begun, results=results)


def _for_its_group(result: Result) -> bool:
    """Tell whether a result has a worst element that is there because none of its group is further off."""
    return isinstance(result.outcome, Score) and bool(result.outcome.worst) and is_answer(result) and not shown(result)


def _worst_of_groups(results: Iterable[Result]) -> Iterable[int]:
    """Return the places of those that are furthest off in their groups, of what has a worst element for that."""
    worst: dict[Hashable, tuple[tuple[int, float], int]] = {}
    for place, result in enumerate(results):
        if _for_its_group(result):
            key, weight = group(result), marks.weight(result)
            if key not in worst or weight > worst[key][0]:
                worst[key] = weight, place
    return [place for _, place in worst.values()]


def fails_first(results: Iterable[Result], families: Iterable[str]) -> dict[Implementation, int]:
    """Return where each implementation's value in float32 first fails: the place of that answer.

    families: in the order in which they get harder; those of other names come last. Of a family of several sizes the
    smallest is first.
    """
    order = tuple(families)
    found: dict[Implementation, tuple[tuple[float, float], int]] = {}
    for place, result in enumerate(results):
        if _may_be_first(result) and marks.fails(result):
            hard, implementation = marks.hardness(result, order), result.target.implementation
            if implementation not in found or hard < found[implementation][0]:
                found[implementation] = hard, place
    return {implementation: place for implementation, (_, place) in found.items()}


def _may_be_first(result: Result) -> bool:
    case = result.case
    plain = not case.check and not case.op.params and case.source.kind in {"family", "sweep"}
    return plain and (case.quantity, case.dtype) == ("value", "float32") and not isinstance(result.outcome, Timing)


def shown(result: Result) -> bool:
    """Tell whether a page shows the worst element of a result, whatever others are like."""
    return result.judgement in {"deviates", "known"} or result.case.source.kind == "published"


def is_answer(result: Result) -> bool:
    """Tell whether a result is of the answers that cells of the matrix point to, and not a check or an option."""
    return not result.case.check and result.case.source.kind != "options"


def group(result: Result) -> Hashable:
    """Return what a page shows the worst answer of: a line, a quantity, a dtype."""
    return lines.line(result), result.case.quantity, result.case.dtype
