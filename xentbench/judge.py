"""`xentbench judge FILE.py`: functions of a file, judged by all that the frameworks' own are judged by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from harness.model import Case, Checked, Crashed, Failed, Outcome, Result, Score, Target, TimedOut, Worst
from harness.running import host
from harness.running.progress import Progress
from harness.running.runner import Job, Process, Runner
from harness.store import Location, Store
from suites.judging import judge
from suites.questions import jobs, plan
from xentbench import options
from xentbench.screen import Exit, console, ending, refusing, say, stop, warn, write_json

JUDGED = Location.of("build/judged.sqlite")
SHOWN = 5  # findings a function, in the terminal

Verdict = Literal["conforms", "deviates", "failed"]
Counts = Score | Checked


@dataclass
class Judged:
    """One function and what was found, in the order in which JSON has it."""

    implementation: str
    op: str
    framework: str
    verdict: Verdict = "conforms"
    answers: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    not_judged: list[dict[str, str]] = field(default_factory=list)


def judge_file(
    file: Annotated[Path, typer.Argument(help="a Python file with functions marked by @implements")],
    preset: options.Preset = "quick",
    on: Annotated[
        str,
        typer.Option(
            help="frameworks or framework:mode pairs; all: but for modes that compile for long, and sessions",
            autocompletion=options.listed(options.pairs),
        ),
    ] = "all",
    only: Annotated[str, typer.Option(help="functions of the file, comma-separated")] = "all",
    dtype: options.Dtypes = "all",
    device: options.Device = "all",
    store: options.OwnStore = JUDGED,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON list of verdicts and findings")] = False,
    timeout: Annotated[float, typer.Option(help="seconds for one question")] = 60.0,
) -> None:
    """Judge your own functions as the frameworks' own are judged.

    The file holds plain functions marked by `@implements(op, framework="...")` from `xentbench`.

    Examples:
      xentbench judge my_kernel.py
      xentbench judge my_kernel.py --on torch:compile --dtype float32 --only my_softmax --json

    Exit codes:
      0    every function conforms
      1    one deviates, or gives no answer
      2    an option is off, or the file
      3    no function of the file could be asked
      4    a process gave up
      130  interrupted
    """
    with refusing():
        wanted = plan.Wanted.of(preset=preset, on=on, dtype=dtype, device=device)
        with Store(store) as opened:
            run = host.new_run(preset)
            opened.begin(run)
    process = answer(store, run.uid, jobs.judging(file, wanted, ["--only", only]), timeout)
    found = verdicts(close(store, run.uid, process))
    if as_json:
        write_json([asdict(judged) for judged in found])
    else:
        show(found)
    if process.failed:
        stop(Exit.MACHINERY, process.reasons[-1])
    if not found:
        stop(Exit.NOTHING_RAN, "no function of the file could be asked")
    raise typer.Exit(Exit.CONFORMS if all(judged.verdict == "conforms" for judged in found) else Exit.DEVIATES)


def answer(store: Location, uid: str, job: list[Job], timeout_seconds: float) -> Process:
    """Ask every function of the file; return the process that did, finished."""
    with ending(), Progress(console(stderr=True)) as progress:
        runner = Runner(
            store=store,
            uid=uid,
            logs=store.folder / "logs",
            judge=unlisted,
            timeout_seconds=timeout_seconds,
            threads=1,
            progress=progress,
        )
        (process,) = runner.run(job, at_once=1)
        return process


def close(store: Location, uid: str, process: Process) -> list[Result]:
    """Note that the run is finished, say what was not run, and return the results; no misused run stays behind."""
    with Store(store) as opened:
        if process.misused:
            opened.discard(uid)
            stop(Exit.USAGE, process.misused)
        opened.finish(uid)
        for entry in opened.not_run(uid):
            warn(f"not run: {entry.framework}: {entry.reason}")
        return list(opened.results(uid))


def verdicts(results: Iterable[Result]) -> list[Judged]:
    """Return a verdict a function: `failed` where it died, hung, or answered nothing at all."""
    grouped: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        implementation = result.target.implementation
        grouped.setdefault((implementation.name, implementation.op, implementation.framework), []).append(result)
    return [_verdict(Judged(*names), answers) for names, answers in grouped.items()]


def _verdict(judged: Judged, results: list[Result]) -> Judged:
    answered = {result.case.dtype for result in results if isinstance(result.outcome, Score)}
    judged.answers = sum(isinstance(result.outcome, Score | Checked) for result in results)
    refused: dict[str, str] = {}
    for result in sorted(results, key=_severity, reverse=True):
        if result.judgement != "deviates":
            continue
        if answered and raised(result) and result.case.dtype not in answered:
            # A function that takes no float16 gives no wrong answer in it.
            refused.setdefault(result.case.dtype, result.reason)
            continue
        judged.findings.append(_finding(result))
    judged.not_judged = [{"dtype": dtype, "reason": reason} for dtype, reason in refused.items()]
    died = any(isinstance(result.outcome, Crashed | TimedOut) for result in results)
    if died or not answered:
        judged.verdict = "failed"
    elif judged.findings:
        judged.verdict = "deviates"
    return judged


def raised(result: Result) -> bool:
    """Tell whether the call raised; an answer of another dtype or shape is a wrong answer."""
    return isinstance(result.outcome, Failed) and result.outcome.kind == "raised"


def check(case: Case) -> str:
    """Name what an answer was judged by."""
    if case.source.kind in {"published", "options"}:
        return case.source.kind
    return case.check or ("accuracy" if case.quantity == "value" else "gradient")


def _severity(result: Result) -> float:
    match result.outcome:
        case Score(over_bound=over):
            return over["S"]
        case Checked(over=over):
            return over
    return math.inf


def _finding(result: Result) -> dict[str, Any]:
    case, outcome = result.case, result.outcome
    worst: Worst | None = outcome.worst if isinstance(outcome, Score | Checked) else None
    return {
        "check": check(case),
        "case": str(case),
        "quantity": case.quantity,
        "family": case.family,
        "dtype": case.dtype,
        "mode": result.target.mode,
        "device": result.target.device,
        "worst_input": {"logits": worst.logits, "label": worst.label, "upstream": worst.upstream} if worst else None,
        "expected": worst.expected if worst else None,
        "exact": worst.exact if worst else None,
        "got": worst.got if worst else None,
        "reason": result.reason,
    }


def show(found: Sequence[Judged]) -> None:
    """Print each function's verdict, its first findings, and the dtypes that it does not take."""
    for judged in found:
        say(f"{judged.implementation} ({judged.op}, {judged.framework}): {judged.verdict}, {judged.answers} answers")
        for finding in judged.findings[:SHOWN]:
            say(f"  {finding['case']} ({finding['mode']}): {finding['reason']}")
        if len(judged.findings) > SHOWN:
            say(f"  and {len(judged.findings) - SHOWN} more findings; --json has them all")
        for entry in judged.not_judged:
            say(f"  not judged: {entry['dtype']}: {entry['reason']}")


def unlisted(case: Case, target: Target, outcome: Outcome) -> Result:
    """Judge what the runner itself found; no deviation of somebody's own function is known."""
    return Result(case, target, outcome, *judge.judge(case, target, outcome, ()))
