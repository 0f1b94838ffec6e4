"""`xentbench prune`: remove runs of a store, and give back their room."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from harness.files.recall import existing
from harness.history.counting import number, plural
from harness.store import Location, Store
from reports import gfm
from xentbench import options
from xentbench.screen import refusing, say

AGES = {"d": 1, "w": 7, "y": 365}  # days
LONGEST = 700_000  # days, which lead back to the first century


class Stored(NamedTuple):
    """What is said of a run: read as it lies there, so that one that cannot be read can be removed."""

    uid: str
    started: str
    finished: str | None
    preset: str
    results: int

    def before(self, moment: datetime) -> bool:
        """Tell whether it began before; one without a readable time did not."""
        try:
            return datetime.fromisoformat(self.started) < moment
        except (TypeError, ValueError):
            return False


def prune(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="ids or their beginnings, latest, latest~1")
    ] = None,
    keep: Annotated[int | None, typer.Option(help="remove all but the last so many", min=0)] = None,
    older_than: Annotated[str, typer.Option(help="remove what began so long ago: 30d, 8w, 1y")] = "",
    store: options.StoreLocation = options.STORE,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="remove them; without this they are listed")] = False,
) -> None:
    """Remove runs of a store, and give back their room.

    With --keep and --older-than, what is older goes, but for the last so many. A run that has not finished is removed
    by its name alone. What another run still names stays.

    Examples:
      xentbench prune --keep 50
      xentbench prune --older-than 90d --keep 5 --yes
      xentbench prune 20260101T000000-1a2b3c --yes

    Exit codes:
      2  an option is off, or no run is named so
    """
    with refusing():
        if not runs and keep is None and not older_than:
            raise ValueError("no run is named, expected RUN, --keep or --older-than; try: xentbench prune --keep 50")
        age = _age(older_than)
        with existing(store) as opened:
            every = _every(opened)
            named = {opened.named(name, [run.uid for run in every]) for name in runs or ()}
        named |= {run.uid for run in _by_rule(every, keep, age)}
        chosen = [run for run in every if run.uid in named]
        for run in chosen:
            say(gfm.line(f"{run.uid} ({run.preset}, {run.started}): {plural(run.results, 'result')}"))
        count = f"{plural(len(chosen), 'run')} of {number(len(every))}"
        if not (yes and chosen):
            say(f"{count} would be removed" + ("; to remove them, add --yes" if chosen else ""))
            return
        size = _size(store)
        with Store(store) as opened:
            opened.prune(run.uid for run in chosen)
    say(f"{count} removed" + (f"; {store}: {size} -> {_size(store)}" if size else ""))


def _age(text: str) -> timedelta | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,5})([dwy])", text, re.ASCII)
    if not found:
        raise ValueError(f"--older-than is {text!r}, expected a number of days, weeks or years; try: --older-than 90d")
    return timedelta(days=min(int(found[1]) * AGES[found[2]], LONGEST))


def _every(store: Store) -> list[Stored]:
    counts = {row[0]: row[1] for row in store.rows("SELECT run, count(*) FROM results GROUP BY run")}
    rows = store.rows("SELECT uid, started, finished, preset FROM runs ORDER BY place, uid")
    return [Stored(uid, started, finished, preset, counts.get(uid, 0)) for uid, started, finished, preset in rows]


def _by_rule(every: Sequence[Stored], keep: int | None, age: timedelta | None) -> list[Stored]:
    """Return the finished runs that are beyond the last so many, and so old."""
    if keep is None and age is None:
        return []
    moment = datetime.now(UTC) - (age or timedelta())
    rest = every[: max(0, len(every) - (keep or 0))]
    return [run for run in rest if run.finished and (age is None or run.before(moment))]


def _size(store: Location) -> str:
    """Return the size of a store that is a file."""
    return "" if store.is_url else f"{Path(store.text).stat().st_size / 1e6:.1f} MB"
