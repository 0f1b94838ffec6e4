"""The history of a store: every run and series for pages over all runs, and the past of one run's answers.

A question is known by its case and by the content of its inputs, so a case that was renamed goes on, and one whose
inputs were drawn anew begins again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.history import difference, points, series
from harness.history.difference import Difference
from harness.history.points import AnswerKind, Points, combine
from harness.history.series import ChangePoint, Series
from harness.model import NotRun, Result, Run, Target, Timing
from harness.store import Store

PAST = 50  # runs that the past of an answer goes back


@dataclass(frozen=True)
class History:
    """Every run of a store, oldest first, and every series."""

    runs: Sequence[Run]
    counts: Sequence[Mapping[str, int]]  # of each run: results by state
    not_run: Mapping[str, Sequence[NotRun]]  # by uid
    used: Sequence[Mapping[str, int]]  # of each run: what was asked where -> place in `environments`
    kinds: Sequence[AnswerKind]
    environments: Sequence[Mapping[str, str]]
    series: Sequence[Series]

    def differences(self, one: Series, change: ChangePoint) -> tuple[Difference, ...]:
        """Return the facts of machine and framework that differ between the two runs that a change lies between."""
        before, after = change.at - 1, change.at
        hosts = [self.runs[one.runs[place]].host for place in (before, after)]
        facts = [self.environments[one.environments[place]] for place in (before, after)]
        return (*difference.of_hosts(*hosts), *difference.of_facts(where(one.target), *facts))


@dataclass(frozen=True)
class Level:
    """Answers that were alike in so many runs in a row.

    uid, started: of the first of them. figure: largest error in ulps, or share of the allowance; None where there is
    none.
    """

    uid: str
    started: str
    runs: int
    state: str
    figure: float | None


def where(target: Target) -> str:
    """Name what an environment is of."""
    framework = target.implementation.framework
    return framework if target.device == "cpu" else f"{framework} on {target.device}"


def read(store: Store) -> History:
    """Read all that pages over many runs show."""
    runs, stored = store.runs(), store.environments()
    found = points.read(store, [run.uid for run in runs])
    environments = [stored.get(key, {}) for key in found.environments]
    not_run: dict[str, list[NotRun]] = {}
    for uid, *entry in store.rows("SELECT run, framework, mode, device, reason FROM not_run"):
        not_run.setdefault(uid, []).append(NotRun(*entry))
    return History(
        runs,
        _counts(found, len(runs)),
        not_run,
        _used(found, len(runs)),
        found.kinds,
        environments,
        list(series.follow(found, [run.host for run in runs], environments)),
    )


def past(store: Store, uid: str, results: Sequence[Result]) -> list[list[Level]]:
    """Return what each result of a run was in the last PAST runs, up to and with that one: in levels, the oldest first.

    Runs of every preset and on every machine count. There are no levels where no run before asked, and none of times,
    which mean nothing away from their machine. Each result takes a query: meant for those that a page tells of in
    detail. Raises StoreError where there is no such run.
    """
    uid, runs = store.run(uid).uid, store.runs()
    earlier = runs[: 1 + [run.uid for run in runs].index(uid)][-PAST:]
    if len(earlier) == 1:
        return [[] for _ in results]
    wanted = [result for result in results if not isinstance(result.outcome, Timing)]
    found = points.read(store, [run.uid for run in earlier], points.pairs(store, wanted))
    followed = series.follow(found, [run.host for run in earlier], [{} for _ in found.environments])
    levels = {(one.case, one.target): list(_levels(one, earlier, found.kinds)) for one in followed if len(one.runs) > 1}
    return [levels.get((result.case, result.target), []) for result in results]


def _levels(one: Series, runs: Sequence[Run], kinds: Sequence[AnswerKind]) -> Iterator[Level]:
    starts = [0, *(change.at for change in one.changes)]
    for start, stop in zip(starts, [*starts[1:], len(one.runs)], strict=True):
        run, figure = runs[one.runs[start]], float(one.figures[start])
        yield Level(
            run.uid, run.started, stop - start, kinds[one.kinds[start]].state, None if math.isnan(figure) else figure
        )


def _counts(found: Points, runs: int) -> list[Counter[str]]:
    counts: list[Counter[str]] = [Counter() for _ in range(runs)]
    table = found.table
    _, first, each = np.unique(combine(table["run"], table["kind"]), return_index=True, return_counts=True)
    for point, number in zip(table[first], each.tolist(), strict=True):
        counts[point["run"]][found.kinds[point["kind"]].state] += number
    return counts


def _used(found: Points, runs: int) -> list[dict[str, int]]:
    used: list[dict[str, int]] = [{} for _ in range(runs)]
    table = found.table
    for place in np.unique(combine(table["run"], table["target"], table["environment"]), return_index=True)[1]:
        point = table[place]
        used[point["run"]][where(found.targets[point["target"]])] = int(point["environment"])
    return used
