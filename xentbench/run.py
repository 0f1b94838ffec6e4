"""`xentbench run`: goldens, then every framework in a process of its own, then the report."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.files.recall import existing
from harness.history.verdict import of_run
from harness.model import Case, Crashed, Outcome, Recorded, Result, Run, Target, TimedOut
from harness.running import arguments, host
from harness.running.progress import Progress
from harness.running.resume import of_same
from harness.running.runner import Trouble
from harness.running.spread import executors
from harness.running.spread.workers import Mismatch
from harness.spelling import choice
from harness.store import Location, Store, StoreError
from harness.store.reading import never
from reference.tiers import CERTIFY
from reports.ci import annotation, files
from suites.judging import judge
from suites.judging.accepted import accepting
from suites.judging.healed import healed
from suites.questions import corpus, plan
from suites.speed.run import SpeedRun
from xentbench import options
from xentbench.report import write_report
from xentbench.running import asking
from xentbench.running.asking import Request
from xentbench.screen import Exit, console, ending, folder, refusing, say, stop
from xentbench.summary import exit_code, missing, summarise

GO_ON = "interrupted; what was answered is stored; to go on, add --resume"

CiFile = Annotated[Path | None, typer.Option(help="also write this for CI; see export --format")]


def run(
    preset: options.Preset = "quick",
    on: options.On = "all",
    op: options.OpNames = "all",
    dtype: options.Dtypes = "all",
    device: options.Device = "all",
    family: options.Families = "all",
    store: options.StoreLocation = options.STORE,
    report: options.ReportPath = options.REPORT,
    *,
    reference: Annotated[str, typer.Option(help="fast: double-double, audited by mpmath; or mpmath for all")] = "fast",
    known: options.Known = [],  # noqa: B006 - typer's way to write several
    python: Annotated[
        list[str], typer.Option(help="NAME=PATH: the interpreter to ask a framework or engine in", show_default="this")
    ] = [],  # noqa: B006 - as above
    strict: options.Strict = False,
    shard: Annotated[str, typer.Option(help="i/n: ask the i-th of n parts, the same on every machine")] = "",
    uid: Annotated[str, typer.Option("--run-uid", help="id of the run; shards of one id are one run")] = "",
    junit: CiFile = None,
    summary: CiFile = None,
    badge: CiFile = None,
    speed: Annotated[bool, typer.Option("--speed", help="also time the fused functions")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the unfinished run of these options")] = False,
    timeout: options.Timeout = 300.0,
    threads: options.Threads = 1,
    processes: options.Jobs = 0,
    executor: options.Executor = "",
) -> None:
    """Ask every framework and mode found, and write a report.

    Examples:
      xentbench run --on torch,jax:jit --op softmax --dtype float32
      xentbench run --preset standard --speed
      xentbench run --shard 1/4 --run-uid ci-17 --junit build/junit.xml
      xentbench run --preset standard --executor tcp://127.0.0.1:8786

    Exit codes:
      0    every answer conforms, or deviates as is known
      1    an answer deviates, and is not listed
      2    an option is off, or there is no such executor
      3    nothing was judged, or a framework that --on names is missing
      4    a process died, hung or gave up, or a worker has other versions than the others
      130  interrupted
    """
    with refusing():
        wanted = plan.Wanted.of(preset=preset, on=on, op=op, dtype=dtype, device=device, family=family, shard=shard)
        choice("--reference", reference, CERTIFY)
        listed = judge.known_deviations(known)
        corpus.use(store.folder)
        pythons = arguments.interpreters(python)
        if pythons and speed:
            raise ValueError("--python is given with --speed, expected one of them; try: compare --settle --python")
        judging = partial(judged, known=listed, strict=strict)
        if executors.check(executor) and (pythons or speed):
            also = "--speed" if speed else "--python"
            raise ValueError(f"{also} is given with --executor, expected one of them; try: a run of its own for {also}")
        for_ci = files.wanted(junit=junit, summary=summary, badge=badge)
        folder("--report", report)
    at_once = processes or os.cpu_count() or 1
    with (
        ending(Trouble, StoreError, Mismatch, BrokenExecutor, interrupted=GO_ON),
        asking.cluster(executor) as workers,
    ):
        with refusing():
            current, begun = begin(store, wanted, uid, resume=resume)
        if resume:
            say(f"going on with run {current.uid}")
        request = Request(
            *(wanted, store, current.uid, begun, reference, known, strict, judging, timeout, threads, at_once, pythons)
        )
        asking.make_goldens(request, workers)
        answered = asking.answer(request, workers)
        refuse_misuse(request, answered.misused)
        failed = dict(answered.failed)
        if speed:
            failed |= time(request)
    recorded, page = close(request, report)
    summarise(recorded, failed)
    for line in (*(f"note: {note}" for note in recorded.run.notes), *healed(recorded, listed)):
        say(str(line))
    files.write(recorded, for_ci)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stdout.write("".join(f"{command}\n" for command in annotation.commands(recorded)))
    absent = missing(wanted, recorded)
    code = exit_code(recorded, absent, broken=bool(failed))
    say(f"results: {store}")
    say(f"report:  {page}")
    lacking = f"; nothing asked of {', '.join(absent)}, which --on names" if absent else ""
    say(f"{of_run(recorded).sentence}{lacking} (exit {code.value})")
    raise typer.Exit(code)


def begin(store: Location, wanted: plan.Wanted, uid: str, *, resume: bool) -> tuple[Run, bool]:
    """Begin a run, or go on with the unfinished one of these options or of this id; tell whether it was begun here.

    What crashed or gave no answer in time is asked again where a run goes on: it may not have been its own fault.
    """
    preset = wanted.preset.name
    if uid:
        arguments.run_uid(uid)
    if resume:
        existing(store).close()  # else one would be made
    with Store(store) as opened:
        new = host.new_run(preset, uid, wanted.shard[1])
        stored = resume or uid in {run.uid for run in opened.runs()}
        current = (opened.run(uid) if uid else of_same(opened.runs(), new)) if stored else new
        if uid and current.preset != preset:
            raise ValueError(f"run {uid} is of preset {current.preset!r}, expected {preset!r}; try: another --run-uid")
        opened.begin(current)
        if resume:
            opened.forget(current.uid, [one for one in opened.results(current.uid) if again(one, wanted)])
    return current, not stored


def again(result: Result, wanted: plan.Wanted) -> bool:
    """Tell whether a result is none, and its question among those that are asked now."""
    asked = result.target.implementation.framework in wanted.frameworks and wanted.takes(result.case)
    return asked and isinstance(result.outcome, Crashed | TimedOut)


def refuse_misuse(request: Request, misused: str) -> None:
    """End the command where only a framework's process could tell that an option is off; no empty run stays behind."""
    if misused:
        if request.begun:
            with Store(request.store) as opened:
                opened.discard(request.uid)
        stop(Exit.USAGE, misused)


def time(request: Request) -> dict[str, str]:
    """Time the fused functions; return what failed, and why."""
    with Progress(console(stderr=True)) as progress:
        timings = SpeedRun(
            *(request.store, request.uid, request.judge, request.threads, request.timeout_seconds), progress.simple
        )
        return timings.run(request.wanted)


def judged(case: Case, target: Target, outcome: Outcome, known: Sequence[judge.Known], *, strict: bool) -> Result:
    """Judge what the runner itself found."""
    return Result(case, target, outcome, *judge.judge(case, target, outcome, known, strict=strict))


def close(request: Request, directory: Path) -> tuple[Recorded, Path]:
    """Note that the run is finished; return it, and the first page of its report."""
    part, parts = request.wanted.shard
    with Store(request.store) as opened:
        if parts > 1:
            opened.add_shard(request.uid, f"{part}/{parts}")
        opened.finish(request.uid)
        accepts = accepting(judge.known_deviations(request.known, shipped=False))
        return opened.recorded(request.uid, never), write_report(opened, request.uid, directory, accepts=accepts)
