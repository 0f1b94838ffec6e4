"""`xentbench compare`, `status` and `import`: runs beside one another, and runs from elsewhere."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness.files.merge import merge
from harness.files.recall import existing, recalled
from harness.history import counting, ratio
from harness.history.compare import Comparison
from harness.history.course import Course, follow
from harness.history.news import FAIL_ON, Accepts, FailOn, judged, nothing
from harness.history.state import incomplete
from harness.history.verdict import of_comparison
from harness.model import Recorded
from harness.spelling import choice
from harness.store import Location, Store, StoreError
from harness.store.reading import never
from reports import gfm
from reports.texts import comparison
from reports.texts import course as text
from reports.texts.comparison import SENTENCE
from xentbench import options
from xentbench.options import WHICH, carried
from xentbench.screen import Exit, data, folder, refusing, say, warn

Gate = Annotated[
    str,
    typer.Option(
        "--fail-on",
        help="; ".join(f"{word}: {text}" for word, text in FAIL_ON.items()),
        envvar="XENTBENCH_FAIL_ON",
        autocompletion=options.listed(lambda: FAIL_ON),
    ),
]
ENDS = {
    Exit.CONFORMS: "passes --fail-on {gate}",
    Exit.DEVIATES: "fails --fail-on {gate}",
    Exit.NOTHING_RAN: "nothing to pass by",
    Exit.MACHINERY: "a process died or hung",
}
WORST = (Exit.CONFORMS, Exit.NOTHING_RAN, Exit.DEVIATES, Exit.MACHINERY)  # of several pairs, the last


def compare_runs(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...",
            help=f"two or more, each {WHICH}",
            show_default="the one before latest as in status, and latest; of one: it and latest",
        ),
    ] = None,
    store: options.StoreLocation = options.STORE,
    fail_on: Gate = "new",
    size: Annotated[
        float, typer.Option(help="relative difference of times from which one counts", envvar="XENTBENCH_SIZE")
    ] = ratio.SIZE,
    rows: Annotated[int, typer.Option(help="rows shown of each table", min=0)] = 50,
    known: options.Known = [],  # noqa: B006 - typer's way to write several
    output: options.Output = None,
    directory: Annotated[
        Path | None, typer.Option("--report", help="also write the report of the last, a run of the store")
    ] = None,
    pythons: Annotated[
        list[str] | None,
        typer.Option("--python", help="for --settle: the interpreter of each run, in order", show_default="this one"),
    ] = None,
    *,
    settling: Annotated[
        bool,
        typer.Option("--settle", help="settle suspicious times by duels, kept in the later run"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, every change in it")] = False,
) -> None:
    """Say whether a run may be taken for the one before it: what changed, and why.

    Of more than two, each is held against the one before it, and the last against the first: what changed at which
    step, function by function.

    News is ordered by what it means: judgements and policies, lost answers, larger errors, slower calls; then bits and
    figures. What is not judged (composed, naive, misuse, control) is shown and never counted. The last line is the
    verdict, as the report has it.

    With --settle, every time that changed or cannot be told is timed again, both runs' in turn and in fresh processes.

    Examples:
      xentbench compare
      xentbench compare baseline.run.jsonl.gz latest --fail-on any
      xentbench compare 20260101T latest --json --output changes.json
      xentbench compare jax-0.8.3.run.jsonl.gz jax-0.9.2.run.jsonl.gz jax-0.10.2.run.jsonl.gz
      xentbench compare old new --settle --python old/bin/python --python new/bin/python

    Exit codes:
      0  nothing of what --fail-on names
      1  something of it
      2  an option is off
      3  nothing was judged in both runs, or a part of the later one never came
      4  a process died or hung that did not before
    """
    with refusing():
        gate = gate_of(fail_on)
        if not 0 <= size < float("inf"):
            raise ValueError(f"--size is {size}, expected a relative difference, such as 0.05")
        directory = folder("--report", directory) if directory else None
        accepts = _accepting(known)
        named = runs or [_before(store)]
        found = recalled(named if len(named) > 1 else [*named, "latest"], store)
        _expect_several(found)
        if settling:
            found = _settled(found, size, store, pythons or [sys.executable] * len(found))
        course = follow(found, size, accepts)
        page = _report(found, store, directory, accepts) if directory else None
        with data(output) as to:
            if as_json:
                plain = text.plain(course) if course.steps[1:] else comparison.plain(course.whole)
                to.write(json.dumps(plain, indent=2, allow_nan=False) + "\n")
            else:
                told = text.markdown(course, rows) if course.steps[1:] else comparison.markdown(course.whole, rows)
                to.write(f"{told}\n{last_line(course, gate)}\n")
                if page:
                    to.write(f"report: {page}\n")
    raise typer.Exit(exit_code(course, gate))


def _before(location: Location) -> str:
    """Return the run that the latest is held against: as `status` has it, else the one before it."""
    with existing(location) as opened:
        return opened.earlier("latest") or "latest~1"


def _expect_several(runs: Sequence[Recorded]) -> None:
    """Raise ValueError where a run is held against itself, which always passes."""
    twice = [uid for uid, count in Counter(one.run.uid for one in runs).items() if count > 1]
    if twice:
        raise ValueError(f"run {twice[0]} is named twice, expected another to hold it against; try: latest~1")


def _settled(runs: Sequence[Recorded], size: float, location: Location, pythons: Sequence[str]) -> list[Recorded]:
    from xentbench.duel import settle_times  # noqa: PLC0415 - it takes numpy and frameworks, which comparing does not

    return settle_times(runs, size, location, pythons)


def _accepting(known: Sequence[Path]) -> Accepts:
    """Return what lists of one's own accept. Raises ValueError for a file that is none."""
    if not known:
        return nothing
    from suites.judging import accepted, judge  # noqa: PLC0415 - it takes numpy, which comparing does not

    return accepted.accepting(judge.known_deviations(known, shipped=False))


def _report(runs: Sequence[Recorded], location: Location, directory: Path, accepts: Accepts) -> Path:
    from xentbench.report import write_report  # noqa: PLC0415 - it takes numpy, which comparing does not

    with existing(location) as opened:
        return write_report(opened, opened.run(runs[-1].run.uid).uid, directory, runs[:-1], accepts)


def gate_of(text: str) -> FailOn:
    """Read `--fail-on`. Raises ValueError with the choices."""
    gate: FailOn = choice("--fail-on", text, tuple(FAIL_ON))  # type: ignore[assignment]
    return gate


def exit_code(course: Course, gate: FailOn) -> Exit:
    """Return the exit code, the worst of all pairs; nothing in common is never a pass."""
    return max((_of_pair(pair, gate) for pair in course.pairs), key=WORST.index)


def _of_pair(found: Comparison, gate: FailOn) -> Exit:
    grade = of_comparison(found).grade
    if grade == "unjudged":
        return Exit.NOTHING_RAN
    if gate == "never":
        return Exit.CONFORMS
    if grade == "died":
        return Exit.MACHINERY
    if found.failing(gate):
        return Exit.DEVIATES
    return Exit.NOTHING_RAN if incomplete(found.after) else Exit.CONFORMS


def last_line(course: Course, gate: FailOn) -> str:
    """Return the verdict with the exit code that it ends in."""
    code = exit_code(course, gate)
    return gfm.line(f"{course.verdict.sentence} (exit {code.value}: {ENDS[code].format(gate=gate)})", SENTENCE)


def status(
    store: options.StoreLocation = options.STORE,
    fail_on: Gate = "new",
    known: options.Known = [],  # noqa: B006 - typer's way to write several
) -> None:
    """Say in one screen how the last run stands against the one before.

    That is the last finished one of the same preset that asked any of the same functions.

    Examples:
      xentbench status

    Exit codes:
      0  nothing of what --fail-on names, or no run before it
      1  something of it
      2  an option is off
      3  nothing was judged in both runs, or a part of the last one never came
      4  a process died or hung that did not before
    """
    with refusing(), existing(store) as opened:
        gate, accepts = gate_of(fail_on), _accepting(known)
        run = opened.run("latest")
        before = opened.earlier(run.uid)
        earlier = opened.recorded(before, never) if before else None
        pair = (earlier, opened.recorded(run.uid, never, earlier.results)) if earlier else None
        counts = counting.of_kinds({} if pair else opened.kinds(run.uid))
    if pair:
        earlier, latest = pair
        latest = replace(latest, results=judged(latest, accepts))
        course = follow((earlier, latest), accepts=accepts)
        for line in comparison.screen(course.whole, latest, f"xentbench compare{carried(store)}").split("\n"):
            say(line)
        say(last_line(course, gate))
        raise typer.Exit(exit_code(course, gate))
    warnings = (f"warning: {text}" for text in comparison.unfinished(run))
    for line in (comparison.about(run, counts), *comparison.noted(run), *warnings):
        say(line)
    say(f"no run before it of its preset and functions; try: xentbench run{carried(store)}")
    if incomplete(run) and gate != "never":
        raise typer.Exit(Exit.NOTHING_RAN)


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
