"""`xentbench search`: from the worst rows known to worse ones, which are kept and asked again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from harness.adapters import frameworks, judged
from harness.adapters.fence import NotInstalled
from harness.model import DTYPES, KINDS, Case, Op, Quantity
from harness.ops import VALUE_AND_GRADIENT
from harness.running import arguments
from harness.running.progress import Progress
from harness.running.spread import executors
from harness.spelling import choice, choices
from reference.question import Question
from reference.vectors import write
from suites.judging.searching import search as searching
from suites.judging.searching.asked import BATCH
from suites.judging.searching.search import Aim, Result
from suites.questions import corpus
from suites.questions.corpus import Entry
from suites.vectors import choice as vectors
from xentbench import options
from xentbench.running import asking
from xentbench.screen import Exit, console, ending, harmless, refusing, say, show, stop

MOST_CLASSES = 1000
COLUMNS = ("target", "question", "families", "found", "classes", "logits")
SHOWN = 60  # characters of a row
INTERRUPTED = "interrupted; nothing is kept: the same seed and rounds come to the same rows"


def search(
    op: Annotated[str, typer.Argument(help="an op, as xentbench list ops names them")],
    on: options.On = "all",
    dtype: Annotated[str, typer.Option(help=f"of {', '.join(DTYPES)}, comma-separated")] = "float32",
    quantity: Annotated[str, typer.Option(help="value, grad_logits")] = "all",
    kind: Annotated[str, typer.Option(help=f"of implementations, of {', '.join(KINDS)}")] = "fused",
    judge: Annotated[Path | None, typer.Option(help="a Python file with your own functions, in place of all")] = None,
    classes: Annotated[int, typer.Option(help=f"of a row, 2 to {MOST_CLASSES}")] = 8,
    seed: Annotated[int, typer.Option(help="of the search: the same seed comes to the same rows")] = 0,
    restarts: Annotated[int, typer.Option(help="beginnings, each a piece of work")] = 4,
    rounds: Annotated[int, typer.Option(help=f"of a beginning, {BATCH} rows each")] = 50,
    executor: options.Executor = "",
    jobs: Annotated[int, typer.Option("--jobs", help="processes at a time", show_default="one a core")] = 0,
    store: options.StoreLocation = options.STORE,
    export: Annotated[Path | None, typer.Option(help="also write what was found as test vectors to this file")] = None,
) -> None:
    """Search for inputs that a function is further off on than on any known, and keep them.

    What is found is made small, kept in corpus.jsonl beside the store, and asked again by every run and judge there.

    Examples:
      xentbench search softmax --on torch --dtype bfloat16
      xentbench search log_softmax --on jax:jit --classes 4 --rounds 200
      xentbench search softmax --judge my_kernel.py --export build/worst.jsonl

    Exit codes:
      0    no row that was found deviates
      1    one deviates
      2    an option is off, or there is no such executor
      3    nothing was asked, or a framework that --on names is missing
      4    a worker died
      130  interrupted
    """
    with refusing(OSError):
        choice("op", op, searching.searched())
        dtypes = choices("--dtype", dtype, DTYPES) or DTYPES
        some = choices("--quantity", quantity, VALUE_AND_GRADIENT)
        quantities = [one for one in VALUE_AND_GRADIENT if one in some or not some]
        pairs = arguments.pairs(on)
        kinds = choices("--kind", kind, tuple(KINDS)) or tuple(KINDS)
        within("--classes", classes, 2, MOST_CLASSES)
        within("--restarts", restarts, 1, 10_000)
        within("--rounds", rounds, 0, 1_000_000)
        within("--seed", seed, 0, 2**31 - 1)
        executors.check(executor)
        own = store.folder / corpus.NAME
        known = [*corpus.read(corpus.SHIPPED), *(corpus.read(own) if own.exists() else ())]
        of_file = judged.catalogues(judge, ()) if judge else {}
    named = dict.fromkeys(name for name, _ in pairs)
    names = tuple(named or of_file or (name for name in frameworks.names() if name != "numpy"))
    aims, missing = list[Aim](), dict[str, str]()
    for name in names:
        modes = [mode for framework, mode in pairs if framework == name and mode]
        try:
            found = searching.targets(name, str(judge or ""), op, modes, kinds)
        except NotInstalled as absent:
            missing[name] = str(absent)
            continue
        questions = [(each, of_dtype) for each in quantities for of_dtype in dtypes]
        aims += [
            Aim(name, str(judge or ""), aimed(op, each, of_dtype, classes), target, _known(known, op, each, of_dtype))
            for target in found
            for each, of_dtype in questions
        ]
    with (
        ending(BrokenExecutor, interrupted=INTERRUPTED),
        asking.opened(executor, jobs or os.cpu_count() or 1) as executing,
        Progress(console(stderr=True)) as progress,
    ):

        def told(done: int, count: int) -> None:
            progress.simple("restarts and rows made small", done, count)

        results = list(searching.run(aims, executing, seed, restarts, rounds, told))
    report(results)
    entries = [one.entry for one in results if one.entry]
    new = corpus.keep(own, (entry for entry in entries if entry.over > 0))
    say(f"corpus: {own}, {len(new)} rows new or worse; they are asked again with --store {store}")
    if export:
        keep_vectors(export, entries)
    for name, why in missing.items():
        say(f"not run: {name}: {why}")
    if not entries or (pairs and missing):
        stop(Exit.NOTHING_RAN, "nothing was asked, or not of all that --on names")
    raise typer.Exit(Exit.DEVIATES if any(entry.over > 1 for entry in entries) else Exit.CONFORMS)


def within(name: str, got: int, least: int, most: int) -> None:
    """Raise ValueError for a number that is out of its range."""
    if not least <= got <= most:
        raise ValueError(f"{name} is {got}, expected {least} to {most}")


def aimed(op: str, quantity: Quantity, dtype: str, classes: int) -> Case:
    """Return what rows of a search are drawn as."""
    return Case(Op.of(op), quantity, "normal", dtype, BATCH, classes)


def _known(known: Sequence[Entry], op: str, quantity: Quantity, dtype: str) -> tuple[Question, ...]:
    """Return the rows of corpora that are of a question's kind."""
    asked = (entry.question for entry in known)
    return tuple(one for one in asked if (one.op.name, one.quantity, one.dtype) == (op, quantity, dtype))


def report(results: Sequence[Result]) -> None:
    """Print a line a target and question."""
    table = Table(*COLUMNS, box=None, padding=(0, 1))
    for one in results:
        case = one.aim.case
        asked = f"{case.op}-{case.quantity}-{case.dtype}"
        if one.entry is None:
            table.add_row(harmless(str(one.aim.target)), asked, "", "no answer", "", harmless(one.why)[:SHOWN])
            continue
        row = one.entry.question
        logits = " ".join(f"{x:g}" for x in row.logits)
        figures = f"{one.drawn:.3g}", f"{one.entry.over:.3g}", str(row.classes), logits[:SHOWN]
        table.add_row(harmless(str(one.aim.target)), asked, *figures)
    show(table)
    say("families, found: largest error over the widest bound that is accepted; above 1 it deviates")


def keep_vectors(path: Path, entries: Sequence[Entry]) -> None:
    """Write rows in the form of reference/vectors."""
    file = vectors.of_worst(entry.question for entry in entries)
    with refusing(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, file)
    say(f"vectors: {path}, {len(file.vectors)} tests")
