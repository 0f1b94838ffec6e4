"""The list of runs: what each was, how it ended, and which of them say the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from harness.history import difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.levels import History
    from harness.model import NotRun, Run
    from reports.dashboard.events import Event


@dataclass(frozen=True)
class RunRow:
    """A run of the list. event: what changed at it. wall: how long it took; empty where it did not end."""

    place: int
    run: Run
    machine: str
    versions: tuple[str, ...]
    counts: Mapping[str, int]
    not_run: Sequence[NotRun]
    wall: str
    event: Event | None


def groups(history: History, events: Sequence[Event]) -> list[list[RunRow]]:
    """Return the runs, the latest first, neighbours that say the same in one group."""
    at = {event.run: event for event in events}
    machines = difference.machines([run.host for run in history.runs])
    found: list[list[RunRow]] = []
    for place in reversed(range(len(history.runs))):
        row = _row(history, place, machines[place], at.get(place))
        newer = found[-1][-1] if found else None
        if newer is None or newer.event or row.event or _facts(newer) != _facts(row):
            found.append([])
        found[-1].append(row)
    return found


def _facts(row: RunRow) -> tuple[object, ...]:
    """Return what a run says, apart from when it was and how long it took."""
    counts = {state: count for state, count in row.counts.items() if count}
    host = {fact: value for fact, value in row.run.host.items() if fact != "memory"}  # the machine says it
    return (row.run.preset, host, row.machine, row.versions, counts, list(row.not_run), bool(row.wall))


def _row(history: History, place: int, machine: str, event: Event | None) -> RunRow:
    run = history.runs[place]
    versions = []
    for where, environment in sorted(history.used[place].items()):
        facts = history.environments[environment]
        framework = facts.get("framework", where.partition(" ")[0])
        versions.append(f"{where} {facts.get(framework, '')}".strip())
    return RunRow(
        place,
        run,
        machine,
        tuple(versions),
        history.counts[place],
        history.not_run.get(run.uid, ()),
        _wall(run),
        event,
    )


def _wall(run: Run) -> str:
    if not run.finished:
        return ""
    try:
        seconds = (datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started)).total_seconds()
    except (TypeError, ValueError):  # of a run file that somebody else wrote
        return "unknown"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if hours < 2 else f"{hours:.1f} h"
