"""`xentbench sweep`: every number, or pair, of a format put to functions of one or two, here or on a cluster."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Table

from harness.adapters import frameworks
from harness.history.counting import plural
from harness.model import FORMATS, KINDS, Case, NotRun, Result, Score, Worst
from harness.ops import VALUE_AND_GRADIENT
from harness.running import arguments, host
from harness.running.progress import Progress
from harness.running.spread import executors
from harness.running.spread.pieces import NAME, Pieces
from harness.running.spread.workers import Mismatch
from harness.scoring import line, swept
from harness.spelling import choice, choices
from harness.store import Location, Store, StoreError
from suites.judging import judge
from suites.judging.sweeps import run as sweeps
from suites.judging.sweeps.piece import Described
from suites.judging.sweeps.run import Sweep, Wanted
from suites.questions.swept.pairs import ASKED, PAIRS
from suites.questions.swept.widths import MOST, WIDTHS, width_of
from xentbench import options
from xentbench.report import write_report
from xentbench.running import asking
from xentbench.screen import Exit, console, ending, folder, harmless, refusing, say, show, stop

PRESET = "sweep"  # as a run names what it asked
SWEPT = ("float16", "bfloat16", "float32", "float64")
GO_ON = "interrupted; the pieces that are done are kept; to go on, give the same command again"
COLUMNS = ("line", "target", "max ulp", "at", "mean", "bias", "correctly rounded", "verdicts")


def sweep(
    op: Annotated[str, typer.Argument(help="ops of one number or of two, comma-separated, or all of one")] = "all",
    dtype: Annotated[str, typer.Option(help=f"one of {', '.join(SWEPT)}")] = "bfloat16",
    on: options.On = "all",
    quantity: Annotated[str, typer.Option(help="value, grad_logits")] = "all",
    kind: Annotated[str, typer.Option(help=f"of implementations, of {', '.join(KINDS)}")] = "fused",
    binades: Annotated[
        str, typer.Option(help="FROM-TO, rows of what is cut into pieces: some of it, as a sample")
    ] = "",
    widths: Annotated[str, typer.Option(help="FROM-TO, up to 70000: rows of every such width instead")] = "",
    executor: options.Executor = "",
    jobs: options.Jobs = 0,
    store: options.StoreLocation = options.STORE,
    report: options.ReportPath = options.REPORT,
) -> None:
    """Put every number of a format to functions of one number, and write a report.

    Of float64, whose numbers are too many, 256 of each binade and sign. An op of classes is asked every pair of a
    16-bit format's numbers, as two classes, or every gap of float32 at four levels. With --widths such ops are asked
    rows of every width whose answers are known exactly, in modes that compile nothing, or those that --on names. What
    is done is kept: the same command, given again after an interruption, goes on.

    Examples:
      xentbench sweep sigmoid --dtype bfloat16 --on torch
      xentbench sweep sigmoid_xent --dtype float32 --on jax:jit --quantity value
      xentbench sweep softmax,logsumexp --dtype float16 --on torch
      xentbench sweep all --dtype float32 --on torch --widths 1-70000
      xentbench sweep all --dtype float32 --executor tcp://127.0.0.1:8786

    Exit codes:
      0    every answer conforms, or deviates as is known
      1    an answer deviates, and is not listed
      2    an option is off, or there is no such executor
      3    nothing was asked, or a framework that --on names is missing
      4    a worker died, or has other versions than the others
      130  interrupted
    """
    with refusing():
        wanted = Wanted(
            () if op == "all" else tuple(op.split(",")),
            choice("--dtype", dtype, SWEPT),
            choices("--quantity", quantity, VALUE_AND_GRADIENT),
            part(binades, dtype, op),
            of_widths(widths),
        )
        wanted.cases()
        pairs = arguments.pairs(on)
        kinds = choices("--kind", kind, tuple(KINDS)) or tuple(KINDS)
        executors.check(executor)
        folder("--report", report)
    names = tuple(dict.fromkeys(name for name, _ in pairs)) or tuple(n for n in frameworks.names() if n != "numpy")
    with (
        ending(StoreError, Mismatch, BrokenExecutor, interrupted=GO_ON),
        asking.opened(executor, jobs or os.cpu_count() or 1) as executing,
        Pieces(store.folder / NAME) as kept,
    ):
        found = sweeps.described(executing, names)
        swept_ = {
            name: answer(wanted, name, described, pairs, kinds, executing, kept)
            for name, described in found.items()
            if isinstance(described, Described)
        }
        missing = {name: why for name, why in found.items() if isinstance(why, str)}
        uid, results = keep(store, swept_, found, missing)
        kept.drop(piece.key for one in swept_.values() for piece in one.pieces)
    show_results(results)
    for name, why in missing.items():
        say(f"not run: {name}: {why}")
    for name, one in swept_.items():
        say(f"{name}: {plural(len(one.pieces), 'piece')}, {one.kept} of them kept from before; {spent(one)}")
    with Store(store) as opened:
        say(f"report:  {write_report(opened, uid, report)}")
    if not results or (pairs and missing):
        stop(Exit.NOTHING_RAN, "nothing was asked, or not of all that --on names")
    raise typer.Exit(Exit.DEVIATES if any(one.judgement == "deviates" for one in results) else Exit.CONFORMS)


def part(binades: str, dtype: str, op: str) -> tuple[int, int]:
    """Read which rows are asked of what is cut into pieces. Raises ValueError."""
    if not binades:
        return (0, 0)
    most = line.shape(FORMATS[dtype])[0]
    found = re.fullmatch("([0-9]{1,3})-([0-9]{1,3})", binades)
    first, last = map(int, found.groups()) if found else (0, 0)
    cut = dtype == sweeps.CUT or set(op.split(",")) <= set(ASKED)
    if not cut or not first < last <= most:
        raise ValueError(
            f"--binades is {binades!r}, expected FROM-TO, 0 to {most}, and --dtype {sweeps.CUT} or ops of two numbers"
        )
    return first, last


def of_widths(text: str) -> tuple[int, int]:
    """Read which widths of rows are asked. Raises ValueError."""
    if not text:
        return (0, 0)
    found = re.fullmatch("([0-9]{1,5})-([0-9]{1,5})", text)
    first, last = map(int, found.groups()) if found else (0, 0)
    if not 0 < first <= last <= MOST:
        raise ValueError(f"--widths is {text!r}, expected FROM-TO, 1 to {MOST}")
    return first, last


def answer(
    wanted: Wanted,
    name: str,
    found: Described,
    pairs: Sequence[tuple[str, str]],
    kinds: Sequence[str],
    executor: Executor,
    kept: Pieces,
) -> Sweep:
    """Sweep one framework."""
    modes = [mode for framework, mode in pairs if framework == name and mode]
    every = sweeps.cut(wanted, name, found, modes, kinds)
    with Progress(console(stderr=True)) as progress:

        def told(done: int, count: int, rate: float) -> None:
            progress.simple(f"{name}: {rate / 1e6:.3g} M answers a second; pieces", done, count)

        return sweeps.run(wanted, every, executor, kept, told)


def keep(
    store: Location,
    every: Mapping[str, Sweep],
    found: Mapping[str, Described | str],
    missing: Mapping[str, str],
) -> tuple[str, list[Result]]:
    """Judge and store the answers, all in one run; return its id, and them."""
    known, results = judge.known_deviations(), []
    with Store(store) as opened:
        new = host.new_run(PRESET)
        opened.begin(new)
        for name, one in every.items():
            described = found[name]
            assert isinstance(described, Described)
            environment = opened.add_environment({"framework": name, "device": "cpu", **described.facts})
            for case, target, outcome in one.results():
                judgement, reason = judge.judge(case, target, outcome, known)
                results.append(Result(case, target, outcome, judgement, reason, environment))
        opened.append(new.uid, results)
        for name, why in missing.items():
            opened.add_not_run(new.uid, NotRun(name, "", "cpu", why))
        opened.add_notes(new.uid, [f"{name}: {spent(one)}" for name, one in every.items()])
        opened.finish(new.uid)
    return new.uid, results


def spent(one: Sweep) -> str:
    """Say what processor time went where; of lines that are asked as a whole, calls are not timed by themselves."""
    calls = "" if math.isnan(one.asking_seconds) else f", {one.asking_seconds:.3g} s of them in the framework's calls"
    return f"{one.seconds:.3g} s of the processor{calls}"


def show_results(results: Sequence[Result]) -> None:
    """Print a line an answer."""
    table = Table(*COLUMNS, box=None, padding=(0, 1))
    for one in results:
        if isinstance(one.outcome, Score):
            case, score, whole = one.case, one.outcome, swept.unpack(one.outcome.swept)
            assert score.worst is not None
            at = place(case, score.worst)
            verdicts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in score.verdicts.items())
            rounded = f"{whole.histogram()[0] / whole.elements:.4%}"
            figures = (f"{score.max_ulp:.4g}", at, f"{score.mean_ulp:.3g}", f"{score.bias_ulp:.3g}", rounded, verdicts)
            table.add_row(named(one), harmless(str(one.target)), *figures)
    show(table)


def place(case: Case, worst: Worst) -> str:
    """Say where an answer is furthest off: at a number, in a binade, or at a pair."""
    numbers = worst.logits.split()
    if case.source.name in WIDTHS:
        return f"n = {width_of(worst.logits)}"
    if case.source.name in PAIRS:
        return " ".join(f"{float.fromhex(number):g}" for number in numbers)
    return worst.logits if len(numbers) == 1 else line.named(case.dtype, worst.index[0])


def named(one: Result) -> str:
    """Return what was asked, in a few words."""
    case = replace(one.case, seed=0)
    return f"{case.op}-{case.quantity}-{case.family}-{case.dtype}"
