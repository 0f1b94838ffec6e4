"""`xentbench run`: goldens, then every framework in a process of its own, then the report."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.files.recall import existing
from harness.history.verdict import of_run
from harness.model import Case, Crashed, Outcome, Recorded, Result, Run, Target, TimedOut
from harness.running import arguments, host, orphan
from harness.running.process import Process
from harness.running.progress import Progress
from harness.running.resume import of_same
from harness.running.runner import Judge, Runner, Trouble
from harness.spelling import choice
from harness.store import Location, Store, StoreError
from harness.store.reading import never
from reference.cache import Cache
from reference.tiers import CERTIFY
from reports.ci import annotation, files
from suites.judging import judge
from suites.judging.accepted import accepting
from suites.judging.healed import healed
from suites.questions import corpus, goldens, jobs, plan
from suites.speed.run import SpeedRun
from xentbench import options
from xentbench.report import write_report
from xentbench.screen import Exit, console, ending, folder, refusing, say, stop, warn
from xentbench.summary import exit_code, missing, summarise

GO_ON = "interrupted; what was answered is stored; to go on, add --resume"

CiFile = Annotated[Path | None, typer.Option(help="also write this for CI; see export --format")]


@dataclass(frozen=True)
class Request:
    """What a run is to do, all of it checked. judge: of what the processes themselves cannot tell any more."""

    wanted: plan.Wanted
    store: Location
    uid: str
    begun: bool  # here, and not by an earlier command
    reference: str
    known: Sequence[Path]
    strict: bool
    judge: Judge
    timeout_seconds: float
    threads: int
    at_once: int
    pythons: Mapping[str, str]  # of frameworks that have an interpreter of their own

    @property
    def arguments(self) -> list[str]:
        """Options of each framework's process beside what is wanted."""
        known = [word for path in self.known for word in ("--known", str(path))]
        return ["--reference", self.reference, *known, *(["--strict-answers"] if self.strict else [])]


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
) -> None:
    """Ask every framework and mode found, and write a report.

    Examples:
      xentbench run --on torch,jax:jit --op softmax --dtype float32
      xentbench run --preset standard --speed
      xentbench run --shard 1/4 --run-uid ci-17 --junit build/junit.xml

    Exit codes:
      0    every answer conforms, or deviates as is known
      1    an answer deviates, and is not listed
      2    an option is off
      3    nothing was judged, or a framework that --on names is missing
      4    a process died, hung or gave up
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
        for_ci = files.wanted(junit=junit, summary=summary, badge=badge)
        folder("--report", report)
        current, begun = begin(store, wanted, uid, resume=resume)
    if resume:
        say(f"going on with run {current.uid}")
    at_once = processes or os.cpu_count() or 1
    request = Request(
        *(wanted, store, current.uid, begun, reference, known, strict, judging, timeout, threads, at_once, pythons)
    )
    with ending(Trouble, StoreError, interrupted=GO_ON):
        make_goldens(request)
        finished = answer(request)
        refuse_misuse(request, finished)
        failed = {process.job.name: process.reasons[-1] for process in finished if process.failed}
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


def make_goldens(request: Request) -> None:
    """Compute what the cache lacks, before any framework starts."""
    cache = Cache(request.store.folder / "goldens", request.reference)
    with Progress(console(stderr=True)) as progress:
        progress.doing("reading goldens")
        groups = goldens.missing(wanted := plan.wanted_cases(request.wanted), cache)
    with Store(request.store) as opened:
        opened.add_notes(request.uid, goldens.told(wanted, groups))
    if spoiled := cache.spoiled:
        warn(f"goldens are made anew: {len(spoiled)} were damaged or another question's, the first {spoiled[0]}")
    if not groups:
        return
    context = multiprocessing.get_context("spawn")  # fork and threads do not mix
    at_once = min(request.at_once, len(groups))
    executor = ProcessPoolExecutor(at_once, context, initializer=start_helper, initargs=(os.getpid(),))
    with Progress(console(stderr=True)) as progress:
        try:
            goldens.make(groups, cache, executor, partial(progress.simple, f"goldens ({cache.reference})"))
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


def answer(request: Request) -> list[Process]:
    """Ask every framework; return their processes, finished."""
    with Progress(console(stderr=True), request.store.folder, request.at_once) as progress:
        runner = Runner(
            store=request.store,
            uid=request.uid,
            logs=request.store.folder / "logs",
            judge=request.judge,
            timeout_seconds=request.timeout_seconds,
            threads=request.threads,
            progress=progress,
        )
        asked = jobs.accuracy(request.wanted, request.arguments)
        own = [replace(job, python=request.pythons.get(job.name, job.python)) for job in asked]
        return runner.run(own, at_once=request.at_once)


def refuse_misuse(request: Request, finished: Sequence[Process]) -> None:
    """End the command where only a framework's process could tell that an option is off; no empty run stays behind."""
    if misused := next((process.misused for process in finished if process.misused), ""):
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
