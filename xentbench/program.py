"""The front door, the `xentbench` command line; the one module that may import all four packages."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from enum import IntEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

import reports
from harness import adapters
from harness.adapters import NotInstalled
from harness.files.recall import existing, recall
from harness.history.state import STATES, state
from harness.model import (
    DTYPES,
    QUANTITIES,
    Case,
    Crashed,
    Failed,
    Outcome,
    Recorded,
    Result,
    Run,
    Score,
    Target,
    TimedOut,
    Timing,
)
from harness.ops import ASKED, OPS
from harness.options import OPTIONS, REDUCTIONS
from harness.running import arguments, host, orphan
from harness.running.progress import Progress
from harness.running.runner import Runner
from harness.scoring import metrics
from harness.spelling import choice, choices
from harness.store import Location, Store, StoreError
from reference.cache import Cache
from reference.tiers import CERTIFY
from reports import dashboard, export
from reports.ci import annotation, files
from reports.reproducer import script as reproducer
from reports.texts import matrix
from suites import explain
from suites.judging import judge
from suites.questions import cases, families, goldens, jobs, plan, published
from suites.speed.run import SpeedRun
from xentbench import compare, duel, formats, golden, tournament
from xentbench import judge as judge_cli
from xentbench.options import STORE, StoreLocation

SHOWN = 10  # new deviations listed in the terminal


class Exit(IntEnum):
    """Exit codes, for CI."""

    CONFORMS = 0
    DEVIATES = 1
    USAGE = 2
    NOTHING_RAN = 3
    MACHINERY = 4
    INTERRUPTED = 130  # as shells say of Ctrl-C


app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(golden.app, name="golden")
app.command(name="judge")(judge_cli.judge_file)
app.command(name="compare")(compare.compare_runs)
app.command(name="status")(compare.status)
app.command(name="import")(compare.import_runs)
app.command(name="duel")(duel.duel)
app.command(name="tournament")(tournament.tournament)
out = Console(width=None if sys.stdout.isatty() else 120)  # elsewhere rich takes 80, too few for the table
err = Console(stderr=True)

On = Annotated[str, typer.Option(help="frameworks or framework:mode pairs, as in torch,jax:jit; default: all found")]
OpNames = Annotated[str, typer.Option("--op", help="ops, comma-separated; default: all")]
Dtypes = Annotated[str, typer.Option("--dtype", help=f"of {', '.join(DTYPES)}; default: all")]
Device = Annotated[str, typer.Option(help="cpu, cuda, or cuda:N; default: every device found")]
ReportPath = Annotated[Path, typer.Option("--report", help="directory of the report")]
CiFile = Annotated[Path | None, typer.Option(help="also write this for CI; see export --format")]
RunUid = Annotated[str, typer.Option("--run", help="a run's id, its beginning, latest, or latest~1")]

REPORT = Path("build/report")


@app.command()
def run(
    preset: Annotated[str, typer.Option(help="how much to ask: quick, standard or full")] = "quick",
    on: On = "",
    op: OpNames = "",
    dtype: Dtypes = "",
    device: Device = "",
    store: StoreLocation = STORE,
    report: ReportPath = REPORT,
    *,
    reference: Annotated[str, typer.Option(help="fast: double-double, audited by mpmath; or mpmath for all")] = "fast",
    shard: Annotated[str, typer.Option(help="i/n: ask the i-th of n parts, the same on every machine")] = "",
    uid: Annotated[str, typer.Option("--run-uid", help="id of the run; shards of one id are one run")] = "",
    junit: CiFile = None,
    summary: CiFile = None,
    badge: CiFile = None,
    speed: Annotated[bool, typer.Option("--speed", help="also time the fused functions")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the latest run")] = False,
    timeout: Annotated[float, typer.Option(help="seconds for one question, compilation included")] = 300.0,
    threads: Annotated[int, typer.Option(help="threads a framework may use")] = 1,
    processes: Annotated[int, typer.Option("--jobs", help="processes at a time; default: one a core")] = 0,
) -> None:
    """Ask every framework and mode found, and write a report."""
    try:
        wanted = plan.Wanted.of(preset=preset, on=on, op=op, dtype=dtype, device=device, shard=shard)
        choice("--reference", reference, tuple(CERTIFY))
        known = judge.known_deviations()
        wanted_files = files.wanted(junit=junit, summary=summary, badge=badge)
        current, begun = begin(store, preset, uid, resume=resume)
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    at_once = processes or os.cpu_count() or 1
    progress = Progress(err)
    runner = Runner(
        store=store,
        uid=current.uid,
        logs=store.folder / "logs",
        judge=lambda case, target, outcome: judged(case, target, outcome, known),
        timeout_seconds=timeout,
        threads=threads,
        progress=progress,
    )
    try:
        make_goldens(wanted, Cache(store.folder / "goldens", reference), at_once)
        with progress:
            finished = runner.run(jobs.accuracy(wanted, ["--reference", reference]), at_once=at_once)
        failed = {process.job.name: process.reasons[-1] for process in finished if process.failed}
        if speed:
            with Progress(err) as timings:
                speed_run = SpeedRun(store, current.uid, runner.judge, threads, timeout, timings.simple)
                failed |= speed_run.run(wanted)
    except KeyboardInterrupt:
        stop(Exit.INTERRUPTED, "interrupted; what was answered is stored; to go on, add --resume")
    if misused := next((process.misused for process in finished if process.misused), ""):
        if begun:
            with Store(store) as opened:
                opened.discard(current.uid)
        stop(Exit.USAGE, misused)
    with Store(store) as opened:
        opened.finish(current.uid)
        recorded = opened.recorded(current.uid)
        summarise(recorded.results, failed)
        for entry in recorded.not_run:
            where = f"{entry.framework} {entry.mode} {entry.device}"
            out.print(f"not run: {where}: {entry.reason}", highlight=False, markup=False, soft_wrap=True)
        page = write_report(opened, current.uid, report)
    files.write(recorded, wanted_files)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stdout.write("".join(f"{command}\n" for command in annotation.commands(recorded)))
    out.print(f"results: {store}\nreport:  {page}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(verdict(recorded.results, broken=bool(failed)))


def begin(store: Location, preset: str, uid: str, *, resume: bool) -> tuple[Run, bool]:
    """Begin a run, or go on with the latest or with the one of this id; tell whether it was begun here."""
    if uid:
        arguments.run_uid(uid)
    with existing(store) if resume else Store(store) as opened:
        there = resume or uid in {run.uid for run in opened.runs()}
        current = opened.run(uid or "latest") if there else host.new_run(preset, uid)
        if uid and current.preset != preset:
            raise ValueError(f"run {uid} is of preset {current.preset!r}, expected {preset!r}; try: another --run-uid")
        opened.begin(current)
    return current, not there


def make_goldens(wanted: plan.Wanted, cache: Cache, at_once: int) -> None:
    """Compute what the cache lacks, before any framework starts."""
    groups = goldens.missing(plan.wanted_cases(wanted), cache)
    if not groups:
        return
    count = sum(map(len, groups))
    context = multiprocessing.get_context("spawn")  # fork and threads do not mix
    executor = ProcessPoolExecutor(
        min(at_once, len(groups)), context, initializer=start_helper, initargs=(os.getpid(),)
    )
    with Progress(err) as progress:
        try:
            what = f"goldens ({cache.reference})"
            goldens.make(groups, cache, executor, lambda done, _: progress.simple(what, done, count))
            executor.shutdown()
        except BaseException:
            for helper in multiprocessing.active_children():
                helper.terminate()  # else the pool waits for what they have in hand
            executor.shutdown(cancel_futures=True)  # its thread, too, ends before the interpreter does
            raise


def start_helper(parent: int) -> None:
    """Let a process of a pool end quietly, with its parent or by Ctrl-C."""
    orphan.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def judged(case: Case, target: Target, outcome: Outcome, known: Sequence[judge.Known]) -> Result:
    """Judge what the runner itself found."""
    return Result(case, target, outcome, *judge.judge(case, target, outcome, known))


def summarise(results: Sequence[Result], failed: Mapping[str, str]) -> None:
    """Print a short table, what is new, and what failed."""
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for result in results:
        target = result.target
        key = (target.implementation.framework, target.mode, target.device)
        counts.setdefault(key, Counter())[state(result)] += 1
    shown = [column for column in STATES if any(count[column] for count in counts.values())]
    table = Table("framework", "mode", "device", *shown, title="answers", title_justify="left")
    for column in table.columns[3:]:
        column.justify = "right"
    for key, count in sorted(counts.items()):
        table.add_row(*key, *(str(count[column]) for column in shown))
    out.print(table)
    news = [result for result in results if result.judgement == "deviates"]
    for result in news[:SHOWN]:
        out.print(f"new: {result.case} {result.target}: {result.reason}", highlight=False, markup=False, soft_wrap=True)
    if len(news) > SHOWN:
        out.print(f"and {len(news) - SHOWN} more; the report has them all")
    for name, reason in failed.items():
        out.print(f"failed: {name}: {reason}", highlight=False, markup=False)


def verdict(results: Sequence[Result], *, broken: bool) -> Exit:
    """Return the exit code: machinery first, because a broken run proves nothing."""
    died = any(isinstance(result.outcome, Crashed | TimedOut) and result.judgement != "known" for result in results)
    if broken or died:
        return Exit.MACHINERY
    if not any(isinstance(result.outcome, Score | Failed | Timing) for result in results):
        return Exit.NOTHING_RAN
    return Exit.DEVIATES if any(result.judgement == "deviates" for result in results) else Exit.CONFORMS


def write_report(store: Store, uid: str, directory: Path, against: Recorded | None = None) -> Path:
    """Write the report of a run, held against another or the one before of its preset; return its first page's path."""
    digits = {example: text.digits for example, text in published.EXAMPLES.items()}
    descriptions = cases.descriptions() | {
        name: " ".join((decide.__doc__ or "").split()) for name, decide in metrics.VERDICTS.items()
    }
    descriptions |= {name: check.claim for name, check in explain.every_check().items()}
    earlier = "" if against else store.earlier(uid)
    before = store.recorded(earlier) if earlier else against
    return reports.write(store, uid, directory, descriptions=descriptions, published=digits, before=before)


@app.command()
def report(
    store: StoreLocation = STORE,
    directory: ReportPath = REPORT,
    run_uid: RunUid = "latest",
    against: Annotated[str, typer.Option(help=f"what to compare with: {compare.WHICH}")] = "",
) -> None:
    """Write the report of a stored run again, beside the run before it or another."""
    try:
        with existing(store) as opened:
            before = recall(against, store) if against else None
            page = write_report(opened, opened.run(run_uid).uid, directory, before)
        out.print(page, highlight=False, markup=False, soft_wrap=True)
    except StoreError as error:
        stop(Exit.USAGE, str(error))


@app.command(name="dashboard")
def write_dashboard(store: StoreLocation = STORE, directory: ReportPath = REPORT) -> None:
    """Write one page over all runs of a store: what changed, at which run, with which versions."""
    try:
        with existing(store) as opened:
            page = dashboard.write(opened, directory)
        out.print(page, highlight=False, markup=False, soft_wrap=True)
    except StoreError as error:
        stop(Exit.USAGE, str(error))


@app.command()
def table(
    op: OpNames = "",
    dtype: Dtypes = "float32",
    quantity: Annotated[str, typer.Option(help=f"of {', '.join(QUANTITIES)}")] = "value",
    family: Annotated[str, typer.Option(help="input families, comma-separated; default: all")] = "",
    store: StoreLocation = STORE,
    run_uid: RunUid = "latest",
) -> None:
    """Print a stored run as a Markdown table: the largest error in ulps, implementations down, families across."""
    try:
        ops = choices("--op", op, tuple(OPS))
        dtypes = choices("--dtype", dtype, DTYPES)
        quantities = choices("--quantity", quantity, QUANTITIES)
        every = tuple(families.FAMILIES)
        names = choices("--family", family, every)
        with existing(store) as opened:
            chosen = [
                result
                for result in opened.results(opened.run(run_uid).uid)
                if (not ops or result.case.op.name in ops)
                and (not dtypes or result.case.dtype in dtypes)
                and (not quantities or result.case.quantity in quantities)
                and (families.sized(result.case.family)[0] if names else result.case.family) in (names or every)
            ]
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    sys.stdout.write(matrix.table(chosen) + "\n")


@app.command(name="export")
def export_results(
    form: Annotated[str, typer.Option("--format", help=", ".join(formats.FORMATS))] = "jsonl",
    store: StoreLocation = STORE,
    run_uid: RunUid = "latest",
) -> None:
    """Write a run to standard output: an object a result, or as one file for another store or for CI to read."""
    try:
        choice("--format", form, formats.FORMATS)
        if form in formats.PACKED:
            redirected(form)
        with existing(store) as opened:
            if form in export.FORMATS:
                export.write(opened.results(opened.run(run_uid).uid), opened.environments(), form, sys.stdout)
            else:
                formats.WHOLE[form](opened.recorded(run_uid), sys.stdout.buffer)
            sys.stdout.flush()  # here, where a reader that has gone is no error
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    except BrokenPipeError:  # `| head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def redirected(form: str) -> None:
    """Raise ValueError where compressed bytes would go to a terminal."""
    if sys.stdout.isatty():
        raise ValueError(
            f"standard output is a terminal, expected a file; try: --format {form} > {formats.PACKED[form]}"
        )


@app.command(name="explain")
def explain_answer(
    answer: Annotated[str, typer.Argument(help="CASE@TARGET, as the terminal, the report and `export` name it")],
    store: StoreLocation = STORE,
    run_uid: RunUid = "latest",
    *,
    issue: Annotated[bool, typer.Option("--issue", help="write it as a bug report in Markdown")] = False,
) -> None:
    """Explain one stored answer: worst input, exact value, what came back, budget, and a script that asks again."""
    try:
        with existing(store) as opened:
            found = explain.find(opened.results(opened.run(run_uid).uid), answer)
            versions = opened.environments().get(found.environment, {})
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    script = reproducer.script(found) if reproducer.offered(found) else ""
    told = explain.explain(found, versions, Cache(store.folder / "goldens", "mpmath").golden, script)
    sys.stdout.write((explain.issue(told) if issue else explain.text(told)) + "\n")


@app.command(name="list")
def list_things(
    what: Annotated[str, typer.Argument(help="ops, options, implementations, families or targets")],
    on: On = "",
) -> None:
    """List what can be asked, and of whom."""
    try:
        choice("what", what, ("ops", "options", "implementations", "families", "targets"))
        wanted = plan.Wanted.of(on=on)
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    table = Table(box=None, pad_edge=False)
    match what:
        case "ops":
            rows = {str(asked): ", ".join(quantities) for asked, quantities in ASKED.items()}
            add_texts(table, ("op", "quantities"), rows)
        case "options":
            reductions = {f"reduction={name}": text for name, text in REDUCTIONS.items()}
            add_texts(table, ("option", "what it means"), {**OPTIONS, **reductions})
        case "families":
            add_texts(table, ("family", "what it provokes"), cases.descriptions())
        case _:
            for column in ("op", "implementation", "kind", *(("mode", "device") if what == "targets" else ("modes",))):
                table.add_column(column, overflow="fold")
            for name in jobs.slowest_first(wanted):
                add_targets(table, name, wanted, each=what == "targets")
    out.print(table, highlight=False, markup=False)


def add_texts(table: Table, columns: tuple[str, str], rows: Mapping[str, str]) -> None:
    """Fill a table of two columns."""
    for column in columns:
        table.add_column(column)
    for row in rows.items():
        table.add_row(*row)


def add_targets(table: Table, name: str, wanted: plan.Wanted, *, each: bool) -> None:
    """Add a framework's implementations to a table, or each in every mode and on every device."""
    try:
        adapter = adapters.load(name)
    except NotInstalled as missing:
        err.print(f"not listed: {missing}", highlight=False, markup=False, soft_wrap=True)
        return
    if each:
        for target in plan.targets(adapter, wanted):
            of = target.implementation
            table.add_row(of.op, of.name, of.kind, target.mode, target.device)
        return
    for of in adapter.implementations():
        table.add_row(of.op, of.name, of.kind, ", ".join(wanted.modes(adapter)))


def stop(code: Exit, message: str) -> NoReturn:
    """Print an error and leave."""
    err.print(f"error: {message}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line."""
    app()
