"""`xentbench compare`, `status` and `import`: runs beside one another, and runs from elsewhere."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from harness.files.merge import merge
from harness.files.recall import existing, recall
from harness.history import ratio
from harness.history.compare import FAIL_ON, Comparison, FailOn, compare
from harness.spelling import choice
from harness.store import Location, Store, StoreError
from reports.texts import comparison
from xentbench import options
from xentbench.options import WHICH, carried
from xentbench.screen import Exit, data, refusing, say, warn


def compare_runs(
    before: Annotated[str, typer.Argument(metavar="A", help=WHICH)] = "latest~1",
    after: Annotated[str, typer.Argument(metavar="B", help=WHICH)] = "latest",
    store: options.StoreLocation = options.STORE,
    fail_on: Annotated[
        str,
        typer.Option(
            help="; ".join(f"{word}: {text}" for word, text in FAIL_ON.items()),
            envvar="XENTBENCH_FAIL_ON",
            autocompletion=options.listed(lambda: FAIL_ON),
        ),
    ] = "new",
    size: Annotated[
        float, typer.Option(help="relative difference of times from which one counts", envvar="XENTBENCH_SIZE")
    ] = ratio.SIZE,
    rows: Annotated[int, typer.Option(help="rows shown of each table", min=0)] = 50,
    output: options.Output = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, every change in it")] = False,
) -> None:
    """Say what changed from run A to run B, and why.

    What was added, removed and changed is printed as Markdown. Accuracy changed where a figure differs at all; speed
    where the ratio of the medians lies beyond its interval and beyond the size.

    Examples:
      xentbench compare
      xentbench compare baseline.run.jsonl.gz latest --fail-on any
      xentbench compare 20260101T latest --json --output changes.json

    Exit codes:
      0  nothing of what --fail-on names
      1  something of it
      2  an option is off
      3  the runs have no question in common
      4  a process died or hung that did not before
    """
    with refusing():
        gate: FailOn = choice("--fail-on", fail_on, tuple(FAIL_ON))  # type: ignore[assignment]
        if not 0 <= size < float("inf"):
            raise ValueError(f"--size is {size}, expected a relative difference, such as 0.05")
        found = compare(recall(before, store), recall(after, store), size)
        with data(output) as to:
            if as_json:
                to.write(json.dumps(comparison.plain(found), indent=2, allow_nan=False) + "\n")
            else:
                to.write(comparison.markdown(found, rows))
    raise typer.Exit(verdict(found, gate))


def verdict(found: Comparison, gate: FailOn) -> Exit:
    """Return the exit code; nothing in common is never a pass."""
    if not found.shared:
        return Exit.NOTHING_RAN
    if found.broken and gate != "never":
        return Exit.MACHINERY
    return Exit.DEVIATES if found.failing(gate) else Exit.CONFORMS


def status(store: options.StoreLocation = options.STORE) -> None:
    """Say in one screen how the last run stands against the one before.

    Examples:
      xentbench status

    Exit codes:
      2  an option is off
    """
    with refusing(), existing(store) as opened:
        latest = opened.recorded("latest")
        earlier = opened.recorded("latest~1") if len(opened.runs()) > 1 else None
    if earlier:
        say(comparison.screen(compare(earlier, latest), latest, f"xentbench compare{carried(store)}"))
    else:
        say(f"{comparison.about(latest)}\nno run before it; try: xentbench run{carried(store)}")


def import_runs(
    sources: Annotated[
        list[Location],
        typer.Argument(
            parser=Location.of,
            metavar=options.FORMS,
            help="run files (`export --format run` or parquet) or other stores",
        ),
    ],
    store: options.StoreLocation = options.STORE,
) -> None:
    """Merge runs of other machines, and the shards of one run.

    A second time adds nothing. A file is taken whole or not at all; one that is refused keeps no other from being
    taken.

    Examples:
      xentbench import shard*.jsonl.gz
      xentbench import build/results.sqlite --store postgresql://alice@db.example/xentbench

    Exit codes:
      2  a file was refused, or an option is off
    """
    with refusing(), Store(store) as opened:
        taken = [_import(opened, source) for source in sources]
    if not all(taken):
        raise typer.Exit(Exit.USAGE)


def _import(store: Store, source: Location) -> bool:
    """Merge one file or store, say what came of it, and tell whether it was taken."""
    try:
        merged = merge(store, source)
    except StoreError as error:
        warn(f"error: {error}")
        return False
    for run in merged:
        differing = f", {run.differing} differ from what is stored and were left out" if run.differing else ""
        say(f"{source}: run {run.uid}: {run.added} results added, {run.present} were there{differing}")
    if not merged:
        say(f"{source}: no runs")
    return True
