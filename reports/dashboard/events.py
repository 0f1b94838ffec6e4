"""What changed at which run: the series that turned there, and the facts of the environment that turned with them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.history.difference import Difference
    from harness.history.levels import History
    from harness.history.news import Turn
    from harness.history.series import ChangePoint, Series

Aspect = Literal["accuracy", "speed"]
SLIGHT = 2  # changes in speed
ASPECTS: tuple[Aspect, ...] = ("accuracy", "speed")


@dataclass
class Event:
    """A run at which series changed. facts: what differs from the run before, and for how many of the series.

    changes: those of another verdict first, then what got worse, then by size. judged: how many are of another verdict.
    """

    run: int  # place in the history
    counts: Counter[tuple[Aspect, Turn]] = field(default_factory=Counter)
    facts: Counter[Difference] = field(default_factory=Counter)
    changes: list[tuple[Series, ChangePoint]] = field(default_factory=list)
    judged: int = 0

    @property
    def slight(self) -> bool:
        """Whether no more than a call or two changed, in speed, and nothing with them: the rest of false alarms."""
        return not self.facts and all(name == "speed" for name, _ in self.counts) and len(self.changes) <= SLIGHT


def events(history: History) -> list[Event]:
    """Return every run at which something changed, the latest first."""
    found: dict[int, Event] = {}
    for series, change, differences in changes(history):
        run = int(series.runs[change.at])
        event = found.setdefault(run, Event(run))
        event.counts[aspect(series), change.turn] += 1
        event.facts.update(differences)
        event.changes.append((series, change))
        event.judged += judged_otherwise(history, series, change)
    for event in found.values():
        event.changes.sort(key=lambda one: (not judged_otherwise(history, *one), one[1].turn != "worse", -size(one[1])))
    return [found[run] for run in sorted(found, reverse=True)]


def changes(history: History) -> Iterator[tuple[Series, ChangePoint, tuple[Difference, ...]]]:
    """Yield every change of every series with the facts that differ; the same facts are one object."""
    known: dict[tuple[int, ...], tuple[Difference, ...]] = {}
    for series in history.series:
        for change in series.changes:
            sides = slice(change.at - 1, change.at + 1)
            key = (*series.runs[sides].tolist(), *series.environments[sides].tolist())
            if key not in known:
                known[key] = history.differences(series, change)
            yield series, change, known[key]


def judged_otherwise(history: History, series: Series, change: ChangePoint) -> bool:
    """Tell whether the state of an answer changed, and not its figure alone."""
    before, after = (history.kinds[series.kinds[place]].state for place in (change.at - 1, change.at))
    return before != after


def aspect(series: Series) -> Aspect:
    """Return what a series is about."""
    return "accuracy" if series.machine is None else "speed"


def size(change: ChangePoint) -> float:
    """Return by how much a figure moved, as the logarithm of a ratio; infinite where a side has none."""
    if change.ratio is not None:
        return abs(math.log(change.ratio.times))
    was, now = math.log1p(change.was), math.log1p(change.now)
    moved = abs(now - was) if was != now else 0.0
    return math.inf if math.isnan(moved) else moved
