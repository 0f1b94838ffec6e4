"""The front door, the `xentbench` command line; the one module that may import all four packages."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from enum import IntEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

import reports
import suites
from harness import adapters, export, host, metrics, orphan, plugin
from harness.adapters import NotInstalled
from harness.model import (
    DTYPES,
    QUANTITIES,
    Case,
    Crashed,
    Failed,
    Outcome,
    Result,
    Score,
    Target,
    TimedOut,
    Timing,
)
from harness.plugin import choice, choices, pairs
from harness.progress import Progress
from harness.runner import Job, Runner, Worker
from harness.store import Store, StoreError
from reference.cache import Cache
from reference.tiers import CERTIFY
from reports import markdown, marks
from suites import cases, families, golden_cli, goldens, judge, plan, published

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
app.add_typer(golden_cli.app, name="golden")
out = Console(width=None if sys.stdout.isatty() else 120)  # elsewhere rich takes 80, too few for the table
err = Console(stderr=True)

On = Annotated[str, typer.Option(help="frameworks or framework:mode pairs, as in torch,jax:jit; default: all found")]
OpNames = Annotated[str, typer.Option("--op", help="ops, comma-separated; default: all")]
Dtypes = Annotated[str, typer.Option("--dtype", help=f"of {', '.join(DTYPES)}; default: all")]
Device = Annotated[str, typer.Option(help="cpu, cuda, or cuda:N; default: every device found")]
StorePath = Annotated[Path, typer.Option("--store", help="where results are kept")]
ReportPath = Annotated[Path, typer.Option("--report", help="directory of the report")]
RunUid = Annotated[str, typer.Option("--run", help="a run's id, its beginning, or latest")]

STORE = Path("build/results.sqlite")
REPORT = Path("build/report")


@app.command()
def run(
    preset: Annotated[str, typer.Option(help="how much to ask: quick, standard or full")] = "quick",
    on: On = "",
    op: OpNames = "",
    dtype: Dtypes = "",
    device: Device = "",
    store: StorePath = STORE,
    report: ReportPath = REPORT,
    *,
    reference: Annotated[str, typer.Option(help="mpmath, or fast: double-double first, audited by mpmath")] = "mpmath",
    speed: Annotated[bool, typer.Option("--speed", help="also time the fused functions")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the latest run")] = False,
    timeout: Annotated[float, typer.Option(help="seconds for one question, compilation included")] = 300.0,
    threads: Annotated[int, typer.Option(help="threads a framework may use")] = 1,
    jobs: Annotated[int, typer.Option(help="processes at a time; default: one a core")] = 0,
) -> None:
    """Ask every framework and mode found, and write a report."""
    try:
        wanted = plan.Wanted(
            cases.PRESETS[choice("--preset", preset, tuple(cases.PRESETS))],
            pairs(on),
            choices("--op", op, cases.ops()),
            choices("--dtype", dtype, DTYPES),
            plugin.device(device),
        )
        choice("--reference", reference, tuple(CERTIFY))
        known = judge.known_deviations()
        with existing(store) if resume else Store(store) as opened:
            current = opened.run("latest") if resume else host.new_run(preset)
            opened.begin(current)
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    at_once = jobs or os.cpu_count() or 1
    progress = Progress(err)
    runner = Runner(
        store=store,
        uid=current.uid,
        logs=store.parent / "logs",
        judge=lambda case, target, outcome: judged(case, target, outcome, known),
        timeout_seconds=timeout,
        threads=threads,
        progress=progress,
    )
    options = ["--preset", preset, "--op", op, "--dtype", dtype, "--device", device]
    options += ["--reference", reference]
    try:
        make_goldens(wanted, Cache(store.parent / "goldens", reference), at_once)
        with progress:
            workers = runner.run(accuracy_jobs(wanted, options), at_once=at_once)
            if speed:  # one at a time: two frameworks timed at once would time each other
                workers += runner.run(speed_jobs(wanted, options, runner.logs), at_once=1)
    except KeyboardInterrupt:
        stop(Exit.INTERRUPTED, "interrupted; what was answered is stored; to go on, add --resume")
    if misused := next((worker.misused for worker in workers if worker.misused), ""):
        if not resume:
            with Store(store) as opened:
                opened.discard(current.uid)
        stop(Exit.USAGE, misused)
    with Store(store) as opened:
        opened.finish(current.uid)
        results = list(opened.results(current.uid))
        summarise(results, workers)
        for entry in opened.not_run(current.uid):
            where = f"{entry.framework} {entry.mode} {entry.device}"
            out.print(f"not run: {where}: {entry.reason}", highlight=False, markup=False, soft_wrap=True)
        page = write_report(opened, current.uid, report)
    out.print(f"results: {store}\nreport:  {page}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(verdict(results, workers))


def accuracy_jobs(wanted: plan.Wanted, options: list[str]) -> list[Job]:
    """Return a job a framework; the slowest to compile first."""
    directory = Path(suites.__file__).parent
    files = [str(directory / name) for name in ("test_accuracy.py", "test_gradients.py", "test_published.py")]
    return [Job(name, (*PYTEST, *files, *options, "--on", part)) for name, part in shares(wanted)]


def speed_jobs(wanted: plan.Wanted, options: list[str], logs: Path) -> list[Job]:
    """Return a timing job a framework."""
    file = str(Path(suites.__file__).parent / "test_speed.py")
    return [
        Job(
            f"{name}-speed",
            (*PYTEST, *BENCHMARK, f"--benchmark-json={logs / name}-speed.json", file, *options, "--on", part),
        )
        for name, part in shares(wanted)
        if name != "numpy"  # the control times nothing that is fused
    ]


# A round takes at least half a millisecond, so that a call of microseconds is not timed by itself.
BENCHMARK = (
    "--benchmark-max-time=0.1",
    "--benchmark-min-time=0.0005",
    "--benchmark-min-rounds=5",
    "--benchmark-disable-gc",
)
PYTEST = ("-q", "--tb=short", "-p", "no:cacheprovider", "-W", "ignore", "--import-mode=importlib", "-r", "N")


def shares(wanted: plan.Wanted) -> list[tuple[str, str]]:
    """Return (framework, its part of --on), those that take longest first, so that none is left alone at the end."""
    named = [framework for framework, _ in wanted.pairs] or list(adapters.names())
    slow = {"jax": 0, "tensorflow": 1, "torch": 2}
    ordered = sorted(dict.fromkeys(named), key=lambda name: (slow.get(name, len(slow)), name))
    parts = {
        name: ",".join(f"{name}:{mode}" if mode else name for framework, mode in wanted.pairs if framework == name)
        for name in ordered
    }
    return [(name, part or name) for name, part in parts.items()]


def make_goldens(wanted: plan.Wanted, cache: Cache, at_once: int) -> None:
    """Compute what the cache lacks, before any framework starts."""
    groups = goldens.missing(plan.wanted_cases(wanted), cache)
    if not groups:
        return
    count = sum(map(len, groups))
    context = multiprocessing.get_context("spawn")  # fork and threads do not mix
    with (
        Progress(err) as progress,
        ProcessPoolExecutor(
            min(at_once, len(groups)), context, initializer=start_helper, initargs=(os.getpid(),)
        ) as executor,
    ):
        try:
            what = f"goldens ({cache.reference})"
            goldens.make(groups, cache, executor, lambda done, _: progress.simple(what, done, count))
        except KeyboardInterrupt:
            for helper in multiprocessing.active_children():
                helper.terminate()  # else the pool waits for what they have in hand
            raise


def start_helper(parent: int) -> None:
    """Let a process of a pool end quietly, with its parent or by Ctrl-C."""
    orphan.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def judged(case: Case, target: Target, outcome: Outcome, known: Sequence[judge.Known]) -> Result:
    """Judge what the runner itself found."""
    return Result(case, target, outcome, *judge.judge(case, target, outcome, known))


def summarise(results: Sequence[Result], workers: Sequence[Worker]) -> None:
    """Print a short table, what is new, and what failed."""
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for result in results:
        target = result.target
        key = (target.implementation.framework, target.mode, target.device)
        counts.setdefault(key, Counter())[state(result)] += 1
    columns = ("conforms", "known", "deviates", "shown", "timed", "unsupported", "failed", "crashed", "timed out")
    shown = [column for column in columns if any(count[column] for count in counts.values())]
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
    for worker in workers:
        if worker.failed:
            out.print(f"failed: {worker.job.name}: {worker.reasons[-1]}", highlight=False, markup=False)


def state(result: Result) -> str:
    """Name the state of a result in one word, as the table's columns do."""
    if isinstance(result.outcome, Timing):
        return "timed"
    word = marks.state(result)
    return "shown" if word == "unjudged" else word


def verdict(results: Sequence[Result], workers: Sequence[Worker]) -> Exit:
    """Return the exit code: machinery first, because a broken run proves nothing."""
    broken = any(isinstance(result.outcome, Crashed | TimedOut) and result.judgement != "known" for result in results)
    if broken or any(worker.failed for worker in workers):
        return Exit.MACHINERY
    if not any(isinstance(result.outcome, Score | Failed | Timing) for result in results):
        return Exit.NOTHING_RAN
    return Exit.DEVIATES if any(result.judgement == "deviates" for result in results) else Exit.CONFORMS


def write_report(store: Store, uid: str, directory: Path) -> Path:
    """Write the report of a run and return the path of its first page."""
    digits = {example: text.digits for example, text in published.EXAMPLES.items()}
    descriptions = cases.descriptions() | {
        name: " ".join((decide.__doc__ or "").split()) for name, decide in metrics.VERDICTS.items()
    }
    return reports.write(store, uid, directory, descriptions=descriptions, published=digits)


@app.command()
def report(
    store: StorePath = STORE,
    directory: ReportPath = REPORT,
    run_uid: RunUid = "latest",
) -> None:
    """Write the report of a stored run again."""
    try:
        with existing(store) as opened:
            page = write_report(opened, opened.run(run_uid).uid, directory)
        out.print(page, highlight=False, markup=False, soft_wrap=True)
    except StoreError as error:
        stop(Exit.USAGE, str(error))


@app.command()
def table(
    op: OpNames = "",
    dtype: Dtypes = "float32",
    quantity: Annotated[str, typer.Option(help=f"of {', '.join(QUANTITIES)}")] = "value",
    family: Annotated[str, typer.Option(help="input families, comma-separated; default: all")] = "",
    store: StorePath = STORE,
    run_uid: RunUid = "latest",
) -> None:
    """Print a stored run as a Markdown table: the largest error in ulps, implementations down, families across."""
    try:
        ops = choices("--op", op, cases.ops())
        dtypes = choices("--dtype", dtype, DTYPES)
        quantities = choices("--quantity", quantity, QUANTITIES)
        names = choices("--family", family, tuple(families.FAMILIES))
        with existing(store) as opened:
            chosen = [
                result
                for result in opened.results(opened.run(run_uid).uid)
                if (not ops or result.case.op.name in ops)
                and (not dtypes or result.case.dtype in dtypes)
                and (not quantities or result.case.quantity in quantities)
                and result.case.family in (names or families.FAMILIES)
            ]
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    sys.stdout.write(markdown.table(chosen) + "\n")


@app.command(name="export")
def export_results(
    form: Annotated[str, typer.Option("--format", help="jsonl or csv")] = "jsonl",
    store: StorePath = STORE,
    run_uid: RunUid = "latest",
) -> None:
    """Write a run's results to standard output, one object a result."""
    try:
        choice("--format", form, export.FORMATS)
        with existing(store) as opened:
            export.write(opened.results(opened.run(run_uid).uid), opened.environments(), form, sys.stdout)
            sys.stdout.flush()  # here, where a reader that has gone is no error
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    except BrokenPipeError:  # `| head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command(name="list")
def list_things(
    what: Annotated[str, typer.Argument(help="ops, implementations, families or targets")],
    on: On = "",
) -> None:
    """List what can be asked, and of whom."""
    try:
        choice("what", what, ("ops", "implementations", "families", "targets"))
        wanted = plan.Wanted(cases.PRESETS["full"], pairs(on))
    except ValueError as error:
        stop(Exit.USAGE, str(error))
    table = Table(box=None, pad_edge=False)
    match what:
        case "ops":
            for column in ("op", "quantities"):
                table.add_column(column)
            for asked, (quantities, _) in cases.OPS.items():
                table.add_row(str(asked), ", ".join(quantities))
        case "families":
            for column in ("family", "what it provokes"):
                table.add_column(column)
            for name, text in cases.descriptions().items():
                table.add_row(name, text)
        case _:
            for column in ("op", "implementation", "kind", *(("mode", "device") if what == "targets" else ("modes",))):
                table.add_column(column, overflow="fold")
            for name, _ in shares(wanted):
                add_targets(table, name, wanted, each=what == "targets")
    out.print(table, highlight=False, markup=False)


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


def existing(path: Path) -> Store:
    """Open a store that must be there: reading makes none."""
    if not path.is_file():
        raise StoreError(f"store {path} is not there, expected the results of a run; try: xentbench run")
    return Store(path)


def stop(code: Exit, message: str) -> NoReturn:
    """Print an error and leave."""
    err.print(f"error: {message}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
