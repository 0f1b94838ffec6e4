"""The answers of one target to one question over all runs, and the runs where they changed.

Accuracy is exact, so any difference beyond what a figure is certified to is a change, and each answer is held against
the last one before it, on whatever machine. A time is followed on the machine it was taken on alone, and changes at a
step (harness/change_points).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from harness.history import difference, news, points
from harness.history import steps as change_points
from harness.history.change import ARITHMETIC, CERTIFIED
from harness.history.news import RANKS, Turn
from harness.history.points import Points, combine
from harness.history.ratio import Ratio
from harness.model import FORMATS, Array, Case, Target

CPU = "cpu"
SILENCE: Mapping[str, int] = {"unsupported": 1, "failed": 2, "crashed": 3, "timed out": 3}  # how far from an answer

Point = np.void  # an element of a table of POINT


class ChangePoint(NamedTuple):
    """A change in a series, from one place in it on. ratio: of times; was and now are then their levels."""

    at: int
    turn: Turn
    was: float  # as the figures; nan where there is none
    now: float
    ratio: Ratio | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """The answers to one question by one target, in columns, oldest run first; of times, on one machine.

    runs: places in History.runs. kinds, environments: in its lists. figures: largest error in ulps, share of the
    allowance, or median seconds; nan where there is none.
    """

    case: Case
    target: Target
    machine: str | None  # None for accuracy, which is followed over all
    runs: Array
    kinds: Array
    figures: Array
    environments: Array
    changes: tuple[ChangePoint, ...]


def follow(
    found: Points, hosts: Sequence[Mapping[str, str]], environments: Sequence[Mapping[str, str]]
) -> Iterator[Series]:
    """Yield the series, in the order of the store."""
    if not len(found.table):
        return
    table, question = found.table, points.questions(found)
    names = difference.machines(hosts)
    timer, machines = _timed(found, question, names, environments)
    number = np.unique(combine(question, table["target"], timer), return_inverse=True)[1]
    order = np.argsort(combine(number, table["run"], ~np.isnan(table["figure"])), kind="stable")
    order = order[np.append(np.diff(combine(number, table["run"])[order]) != 0, True)]  # of a run's answers the last
    table, question, timer, number = (column[order] for column in (table, question, timer, number))
    changed = _changed(table, number, timer > 0, _allowances(found, question))
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    bounds = list(zip(starts.tolist(), [*starts[1:].tolist(), len(table)], strict=True))
    setting = combine(_numbers(hosts, names)[table["run"]], table["environment"])
    steps = _steps([(table["figure"][start:stop], setting[start:stop]) for start, stop in bounds if timer[start]])
    for start, stop in bounds:
        part, timed = table[start:stop], bool(timer[start])
        exact = changed[np.searchsorted(changed, start) : np.searchsorted(changed, stop)] - start
        target = found.targets[part["target"][0]]
        fused = target.implementation.kind == "fused"
        changes = [_turned(part[at - 1], part[at], int(at), found, timed=timed, fused=fused) for at in exact]
        if timed:
            changes += next(steps)
        yield Series(
            found.cases[question[start]].case,
            target,
            machines[timer[start]] if timed else None,
            part["run"],
            part["kind"],
            part["figure"],
            part["environment"],
            tuple(sorted(changes, key=lambda change: change.at)),
        )


def _timed(
    found: Points, question: Array, names: Sequence[str], environments: Sequence[Mapping[str, str]]
) -> tuple[Array, list[str]]:
    """Return for each point 0, or the place in a list of machines where it is of a series of times."""
    table = found.table
    pair = combine(question, table["target"])
    is_time = np.array([kind.outcome == "timing" for kind in found.kinds], bool)
    timed = np.isin(pair, pair[is_time[table["kind"]]])
    _, first, which = np.unique(
        combine(table["run"], table["environment"])[timed], return_index=True, return_inverse=True
    )
    labels = []
    for point in table[timed][first]:
        device = environments[point["environment"]].get("device", CPU)
        labels.append(", ".join(filter(None, [names[point["run"]], device if device != CPU else ""])))
    machines = list(dict.fromkeys(labels))
    places = np.zeros(len(table), "i4")
    places[timed] = np.array([1 + machines.index(label) for label in labels], "i4")[which]
    return places, ["", *machines]


def _numbers(hosts: Sequence[Mapping[str, str]], names: Sequence[str]) -> Array:
    """Number the runs by their hosts, the same for the same facts."""
    different: list[dict[str, str]] = []
    numbers = []
    for host, name in zip(hosts, names, strict=True):
        facts = {**host, "memory": name}  # a reading, which wobbles
        if facts not in different:
            different.append(facts)
        numbers.append(different.index(facts))
    return np.array(numbers)


def _allowances(found: Points, question: Array) -> Array:
    """Return for each point what the reference may move its figure by, in ulps."""
    keys, which = np.unique(question, return_inverse=True)
    each = [CERTIFIED * 2.0 ** FORMATS[found.cases[key].case.dtype].precision for key in keys]
    return np.array(each, "f8")[which]


def _changed(table: Array, number: Array, timed: Array, allowance: Array) -> Array:
    """Return the places of points that differ from the one before in their series: in kind or, times apart, figure."""
    was, now = table["figure"][:-1], table["figure"][1:]
    with np.errstate(invalid="ignore"):  # of infinities
        near = np.abs(now - was) <= allowance[1:] + ARITHMETIC * np.minimum(np.abs(was), np.abs(now))
    same = near | (was == now) | (np.isnan(was) & np.isnan(now)) | timed[1:]
    same &= table["kind"][:-1] == table["kind"][1:]
    return 1 + np.flatnonzero(~same & (number[:-1] == number[1:]))


def _turned(before: Point, after: Point, at: int, found: Points, *, timed: bool, fused: bool) -> ChangePoint:
    """Tell which way an answer went, as a comparison of two runs does: what is not judged is different at most."""
    old, new = found.kinds[before["kind"]], found.kinds[after["kind"]]
    turns: list[Turn] = []
    if fused or "deviates" in {old.judgement, new.judgement}:
        turns.append(news.turned(RANKS[old.judgement], RANKS[new.judgement]))
        turns.append(news.turned(SILENCE.get(old.outcome, 0), SILENCE.get(new.outcome, 0)))
        turns.append(news.policy_turned(old.policy, new.policy))
        if not timed:
            turns.append(news.error_turned(float(before["share"]), float(after["share"])))
            if turns[-1] != "different" and _same_bits(before, after, found):
                turns.pop()  # it is the ruler that changed
    turn: Turn = next((turn for turn in turns if turn != "different"), "different")
    return ChangePoint(at, turn, float(before["figure"]), float(after["figure"]))


def _same_bits(before: Point, after: Point, found: Points) -> bool:
    if any(found.kinds[point["kind"]].outcome != "score" for point in (before, after)):
        return False
    bits = {found.bits(point) for point in (before, after)}
    return len(bits) == 1 and "" not in bits


def _steps(every: Sequence[tuple[Array, Array]]) -> Iterator[list[ChangePoint]]:
    """Yield the steps of each series of (times, settings), the runs without a time left out.

    A step is put where the setting changed, if the times fit that nearly as well as the best place.
    """
    timed = [np.flatnonzero(figures > 0) for figures, _ in every]
    found = change_points.steps([figures[places] for (figures, _), places in zip(every, timed, strict=True)])
    for steps, places, (_, settings) in zip(found, timed, every, strict=True):
        changes = []
        for step in steps:
            near = places[step.first : step.last + 1]
            reasons = near[settings[near] != settings[near - 1]]
            best = places[step.at]
            at = reasons[np.abs(reasons - best).argmin()] if len(reasons) else best
            turn: Turn = "worse" if step.ratio.times > 1 else "better"
            changes.append(ChangePoint(int(at), turn, step.was, step.now, step.ratio))
        yield changes
