"""`xentbench compare`, `status` and `import`: runs beside one another, and runs from elsewhere."""

from __future__ import annotations

import json
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from harness.files.merge import merge
from harness.files.recall import existing, recall
from harness.history import ratio
from harness.history.compare import FAIL_ON, Comparison, FailOn, compare
from harness.spelling import choice
from harness.store import Location, Store, StoreError
from reports.texts import comparison
from xentbench.options import FORMS, STORE, StoreLocation

CONFORMS, DEVIATES, USAGE, NOTHING_RAN, MACHINERY = range(5)  # exit codes, as the front door's
WHICH = "a run's id or its beginning, latest, latest~1, a run file, a store, or STORE@RUN"

err = Console(stderr=True)


def compare_runs(
    before: Annotated[str, typer.Argument(metavar="A", help=WHICH)] = "latest~1",
    after: Annotated[str, typer.Argument(metavar="B", help=WHICH)] = "latest",
    store: StoreLocation = STORE,
    fail_on: Annotated[str, typer.Option(help="; ".join(f"{word}: {text}" for word, text in FAIL_ON.items()))] = "new",
    size: Annotated[float, typer.Option(help="relative difference of times from which one counts")] = ratio.SIZE,
    rows: Annotated[int, typer.Option(help="rows shown of each table", min=0)] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, every change in it")] = False,
) -> None:
    """Say what was added, removed and changed from run A to run B, and why; print Markdown.

    Accuracy changed where a figure differs at all; speed where the ratio of the medians lies beyond its interval and
    beyond the size. Exit codes: 0 nothing of what --fail-on names, 1 something, 2 usage, 3 no question in common, 4 a
    process died or hung that did not before.
    """
    try:
        gate: FailOn = choice("--fail-on", fail_on, tuple(FAIL_ON))  # type: ignore[assignment]
        if not 0 <= size < float("inf"):
            raise ValueError(f"--size is {size}, expected a relative difference, such as 0.05")  # noqa: TRY301
        found = compare(recall(before, store), recall(after, store), size)
    except ValueError as error:
        _stop(USAGE, str(error))
    if as_json:
        typer.echo(json.dumps(comparison.plain(found), indent=2, allow_nan=False))
    else:
        typer.echo(comparison.markdown(found, rows), nl=False)
    raise typer.Exit(verdict(found, gate))


def verdict(found: Comparison, gate: FailOn) -> int:
    """Return the exit code; nothing in common is never a pass."""
    if not found.shared:
        return NOTHING_RAN
    if found.broken and gate != "never":
        return MACHINERY
    return DEVIATES if found.failing(gate) else CONFORMS


def status(store: StoreLocation = STORE) -> None:
    """Say in one screen how the last run stands against the one before."""
    try:
        with existing(store) as opened:
            latest = opened.recorded("latest")
            earlier = opened.recorded("latest~1") if len(opened.runs()) > 1 else None
    except StoreError as error:
        _stop(USAGE, str(error))
    if earlier:
        typer.echo(comparison.screen(compare(earlier, latest), latest))
    else:
        typer.echo(f"{comparison.about(latest)}\nno run before it; try: xentbench run")


def import_runs(
    sources: Annotated[
        list[Location],
        typer.Argument(
            parser=Location.of, metavar=FORMS, help="run files (`export --format run` or parquet) or other stores"
        ),
    ],
    store: StoreLocation = STORE,
) -> None:
    """Merge runs of other machines and the shards of one run into the store; a second time adds nothing.

    A file is taken whole or not at all; one that is refused keeps no other from being taken, and makes exit code 2.
    """
    refused = False
    try:
        with Store(store) as opened:
            for source in sources:
                refused |= not _import(opened, source)
    except StoreError as error:
        _stop(USAGE, str(error))
    if refused:
        raise typer.Exit(USAGE)


def _import(store: Store, source: Location) -> bool:
    """Merge one file or store, say what came of it, and tell whether it was taken."""
    try:
        merged = merge(store, source)
    except StoreError as error:
        err.print(f"error: {error}", highlight=False, markup=False, soft_wrap=True)
        return False
    for run in merged:
        differing = f", {run.differing} differ from what is stored and were left out" if run.differing else ""
        typer.echo(f"{source}: run {run.uid}: {run.added} results added, {run.present} were there{differing}")
    if not merged:
        typer.echo(f"{source}: no runs")
    return True


def _stop(code: int, message: str) -> NoReturn:
    err.print(f"error: {message}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)
