"""`xentbench judge FILE.py`: hold somebody's own functions to everything that the frameworks are held to."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console

from harness.model import DTYPES, Case, Checked, Crashed, Failed, Outcome, Result, Score, Target, TimedOut, Worst
from harness.running import host
from harness.running.progress import Progress
from harness.running.runner import Runner
from harness.store import Location, Store
from suites.judging import judge
from suites.questions import jobs, options, plan, published
from xentbench.options import StoreLocation

# Those that compile for seconds are asked by name: --on torch:compile.
MODES = "torch:eager,tensorflow:eager,tensorflow:function,jax:eager,jax:jit,numpy"
JUDGED = Location.of("build/judged.sqlite")
SHOWN = 5  # findings a function, in the terminal

Verdict = Literal["conforms", "deviates", "failed"]
Counts = Score | Checked

out = Console(width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True)


@dataclass
class Judged:
    """One function and what was found."""

    implementation: str
    op: str
    framework: str
    answers: int = 0
    verdict: Verdict = "conforms"
    findings: list[dict[str, Any]] = field(default_factory=list)
    not_judged: list[dict[str, str]] = field(default_factory=list)


def judge_file(
    file: Annotated[Path, typer.Argument(help="a Python file with functions marked by @implements")],
    preset: Annotated[str, typer.Option(help="how much to ask: quick, standard or full")] = "quick",
    on: Annotated[str, typer.Option(help="frameworks or framework:mode pairs")] = MODES,
    only: Annotated[str, typer.Option(help="functions of the file, comma-separated; default: all")] = "",
    dtype: Annotated[str, typer.Option(help=f"of {', '.join(DTYPES)}; default: all")] = "",
    device: Annotated[str, typer.Option(help="cpu, cuda, or cuda:N; default: every device found")] = "",
    store: StoreLocation = JUDGED,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON list of verdicts and findings")] = False,
    timeout: Annotated[float, typer.Option(help="seconds for one question")] = 60.0,
) -> None:
    """Judge the functions of a file as the frameworks' own are judged, and say where they deviate.

    The file holds plain functions marked by `@implements(op, framework="...")` from `harness.adapters`.
    """
    try:
        wanted = plan.Wanted.of(preset=preset, on=on, dtype=dtype, device=device)
        with Store(store) as opened:
            run = host.new_run(preset)
            opened.begin(run)
    except ValueError as error:
        _stop(2, str(error))
    progress = Progress(err)
    runner = Runner(
        store=store,
        uid=run.uid,
        logs=store.folder / "logs",
        judge=_judged,
        timeout_seconds=timeout,
        threads=1,
        progress=progress,
    )
    try:
        with progress:
            (process,) = runner.run(jobs.judging(file, wanted, ["--only", only]), at_once=1)
    except KeyboardInterrupt:
        _stop(130, "interrupted")
    with Store(store) as opened:
        if process.misused:
            opened.discard(run.uid)
            _stop(2, process.misused)
        opened.finish(run.uid)
        found = verdicts(opened.results(run.uid))
        for entry in opened.not_run(run.uid):
            err.print(f"not run: {entry.framework}: {entry.reason}", highlight=False, markup=False, soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps([_plain(one) for one in found], indent=2) + "\n")
    else:
        _show(found)
    if process.failed:
        _stop(4, process.reasons[-1])
    if not found:
        _stop(3, "no function of the file could be asked")
    raise typer.Exit(0 if all(one.verdict == "conforms" for one in found) else 1)


def verdicts(results: Iterable[Result]) -> list[Judged]:
    """Return a verdict a function: `failed` where it died, hung, or answered nothing at all."""
    every = list(results)
    grouped: dict[tuple[str, str, str], list[Result]] = {}
    for result in every:
        of = result.target.implementation
        grouped.setdefault((of.name, of.op, of.framework), []).append(result)
    return [_verdict(Judged(*of), answers) for of, answers in grouped.items()]


def _verdict(one: Judged, results: list[Result]) -> Judged:
    answered = {result.case.dtype for result in results if isinstance(result.outcome, Score)}
    one.answers = sum(isinstance(result.outcome, Score | Checked) for result in results)
    refused: dict[str, str] = {}
    for result in sorted(results, key=_severity, reverse=True):
        if result.judgement != "deviates":
            continue
        if answered and raised(result) and result.case.dtype not in answered:
            # A function that takes no float16 gives no wrong answer in it.
            refused.setdefault(result.case.dtype, result.reason)
            continue
        one.findings.append(_finding(result))
    one.not_judged = [{"dtype": dtype, "reason": reason} for dtype, reason in refused.items()]
    died = any(isinstance(result.outcome, Crashed | TimedOut) for result in results)
    if died or not answered:
        one.verdict = "failed"
    elif one.findings:
        one.verdict = "deviates"
    return one


def raised(result: Result) -> bool:
    """Tell whether the call raised; an answer of another dtype or shape is a wrong answer."""
    return isinstance(result.outcome, Failed) and not result.outcome.reason.startswith(("dtype is", "shape is"))


def check(case: Case) -> str:
    """Name what an answer was held to."""
    for prefix, name in ((published.PREFIX, "published"), (options.PREFIX, "options")):
        if case.family.startswith(prefix):
            return name
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


def _plain(one: Judged) -> dict[str, Any]:
    return {
        "implementation": one.implementation,
        "op": one.op,
        "framework": one.framework,
        "verdict": one.verdict,
        "answers": one.answers,
        "findings": one.findings,
        "not_judged": one.not_judged,
    }


def _show(found: list[Judged]) -> None:
    for one in found:
        line = f"{one.implementation} ({one.op}, {one.framework}): {one.verdict}, {one.answers} answers"
        out.print(line, highlight=False, markup=False, soft_wrap=True)
        for finding in one.findings[:SHOWN]:
            where = f"{finding['case']} ({finding['mode']})"
            out.print(f"  {where}: {finding['reason']}", highlight=False, markup=False, soft_wrap=True)
        if len(one.findings) > SHOWN:
            out.print(f"  and {len(one.findings) - SHOWN} more findings; --json has them all")
        for entry in one.not_judged:
            out.print(f"  not judged: {entry['dtype']}: {entry['reason']}", highlight=False, markup=False)


def _judged(case: Case, target: Target, outcome: Outcome) -> Result:
    return Result(case, target, outcome, *judge.judge(case, target, outcome, ()))


def _stop(code: int, message: str) -> NoReturn:
    err.print(f"error: {message}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)
