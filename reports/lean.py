"""A run's results as the pages need them: worst elements are the bulk of a store, and the pages show few of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.model import Score
from harness.store.reading import without_worst
from reports import lines, marks

if TYPE_CHECKING:
    from collections.abc import Hashable

    from harness.model import Recorded, Result
    from harness.store import Store


def read(store: Store, uid: str, *, compared: bool) -> Recorded:
    """Return a run, its worst elements those that pages show: of `shown`, and of the worst answer of each `group`.

    compared: whether it will be, with another. Raises StoreError where there is no such run.
    """
    begun = store.begun(uid)
    weights: dict[Hashable, tuple[int, float]] = {}  # of the worst of each group so far
    places: dict[Hashable, int] = {}  # where it is, if its worst element is there for that alone
    results: list[Result] = []

    def wanted(result: Result) -> bool:
        if is_answer(result) and (weight := marks.weight(result)) > weights.get(key := group(result), (-1, 0.0)):
            weights[key] = weight
            return True
        return shown(result)

    for place, result in enumerate(store.results(begun.run.uid, wanted, compared=compared)):
        results.append(result)
        if isinstance(result.outcome, Score) and result.outcome.worst and is_answer(result) and not shown(result):
            key = group(result)
            if key in places:
                results[places[key]] = without_worst(results[places[key]])
            places[key] = place
    return replace(begun, results=results)


def shown(result: Result) -> bool:
    """Tell whether a page shows the worst element of a result, whatever others are like."""
    return result.judgement in {"deviates", "known"} or result.case.source.kind == "published"


def is_answer(result: Result) -> bool:
    """Tell whether a result is of the answers that cells of the matrix point to, and not a check or an option."""
    return not result.case.check and result.case.source.kind != "options"


def group(result: Result) -> Hashable:
    """Return what a page shows the worst answer of: a line, a quantity, a dtype."""
    return lines.line(result), result.case.quantity, result.case.dtype
