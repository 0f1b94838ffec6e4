"""`xentbench golden`: write the test vectors, check them, show one."""

from __future__ import annotations

import difflib
import math
import shutil
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from harness.model import FORMATS, Golden
from harness.ops import OPS
from harness.store import Location
from reference import golden, rounding
from reference.question import Question
from reference.vectors import (
    FOLDER,
    SHORT_NAMES,
    WIDTHS,
    File,
    Value,
    Vector,
    packaged,
    read,
    to_hex,
    write,
)
from reference.vectors.truth import DEEPEST, Witness
from suites.vectors import choice, worst
from suites.vectors import verify as vector_check
from xentbench import screen
from xentbench.options import FORMS, Output
from xentbench.screen import Exit, refusing, say, warn

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Test vectors for other test suites: write, check and show them.",
)

SHOWN = 20  # problems printed of a file
DIGITS = 30
Files = Annotated[
    list[Path] | None, typer.Argument(help="JSON Lines files", show_default="those that come with xentbench")
]


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="where to; made if it is not there")] = Path("build/vectors"),
    worst_from: Annotated[
        Location | None,
        typer.Option(
            parser=Location.of,
            metavar=FORMS,
            help="take the worst rows from this results store",
            show_default="keep those there are",
        ),
    ] = None,
) -> None:
    """Compute the curated test vectors anew and write them, with their schema and page.

    Examples:
      xentbench golden export build/vectors
      xentbench golden export --worst-from build/results.sqlite

    Exit codes:
      2  a file or a store is off
    """
    with refusing(OSError):
        rows = worst.in_store(worst_from) if worst_from else worst.in_files(map(read, packaged()))
        made = choice.files(rows)
        directory.mkdir(parents=True, exist_ok=True)
        for file in made:
            write(directory / f"{file.op}.jsonl", file)
            say(f"{directory / file.op}.jsonl: {len(file.vectors)} tests")
        for name in ("schema.json", "README.md"):
            if directory.resolve() != FOLDER.resolve():
                shutil.copyfile(FOLDER / name, directory / name)


@app.command()
def verify(
    files: Files = None,
    witness: Annotated[str, typer.Option(help="who recomputes: mpmath, or arb (python-flint)")] = "mpmath",
) -> None:
    """Recompute every test, and check form, bit patterns, flags and hashes.

    Examples:
      xentbench golden verify
      xentbench golden verify softmax.jsonl --witness arb

    Exit codes:
      0  all is as written
      1  something differs
      2  a file or an option is off
    """
    paths = files or packaged()
    with refusing():
        if not paths:
            raise ValueError(f"folder {FOLDER} holds no test vectors, expected some; try: xentbench golden export")
        ask = vector_check.witness(witness)
        validator = vector_check.schema_validator()
        form = "schema.json by jsonschema" if validator else "own checks of form; jsonschema is not installed"
        say(f"witness: {witness}; form: {form}")
        wrong = [_verify(path, ask, validator) for path in paths]
    if any(wrong):
        raise typer.Exit(Exit.DEVIATES)


def _verify(path: Path, ask: Witness, validator: object) -> bool:
    """Check one file, print what was found, and tell whether anything is wrong."""
    started = time.perf_counter()
    found = vector_check.check(path, ask)
    problems = found.problems
    if validator is not None and found.tests:
        problems += vector_check.schema_problems(path, validator)
    seconds = time.perf_counter() - started
    open_ones = f", {found.enclosed} of them enclosed but not rounded by the witness" if found.enclosed else ""
    said = f"{len(problems)} problems" if problems else "ok"
    say(f"{path.name}: {said}, {found.tests} tests, {found.values} values{open_ones}, {seconds:.1f} s")
    for problem in problems[:SHOWN]:
        warn(f"  {problem}")
    if len(problems) > SHOWN:
        warn(f"  and {len(problems) - SHOWN} more")
    return bool(problems)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="a test's id")],
    files: Files = None,
    output: Output = None,
) -> None:
    """Print one test for people: inputs, exact values, roundings, and what its flags mean.

    Examples:
      xentbench golden show softmax-value-normal_small-f16-n5-00

    Exit codes:
      2  a file is off, or holds no test of that id
    """
    with refusing(OSError):
        known = {vector.id: (file, vector) for file in map(read, files or packaged()) for vector in file.vectors}
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.3) or list(known)[:3]
            raise ValueError(f"id is {name!r}, expected one of {len(known)} tests, such as {', '.join(near)}")
    with refusing():
        screen.write("\n".join(describe(*known[name])), output)


def describe(file: File, vector: Vector) -> list[str]:
    """Return a test as lines of text."""
    asked = vector.question
    lines = [vector.id, f"{asked.op} {asked.quantity}, {asked.dtype} in, family {vector.family}, {vector.result}", ""]
    record = OPS[asked.op.name]
    first = "hidden" if record.linear else "logits"
    given = {first: asked.logits, "weight": asked.weight, "bias": asked.bias, "labels": asked.labels}
    for title, numbers in (given | {"upstream": asked.upstream}).items():
        if title == "labels" and record.labels == "index":
            lines.append(f"label    {' '.join(f'{label:.0f}' for label in asked.labels)}")
        elif numbers:
            lines += [f"{title:8} {x!r:>26}  {to_hex(x)}" for x in numbers]
    for k, value in enumerate(vector.out):
        lines += ["", *_output(asked.at[k] if asked.at else k, value, asked)]
    lines += [""] if vector.flags else []
    for flag in vector.flags:
        note = file.notes[flag]
        lines.append(f"{flag} ({note['bugType']}): {note['description']} {note['effect']}")
    return lines


def _output(index: int, value: Value, asked: Question) -> list[str]:
    """Describe one answer, rounded to every format."""
    if not math.isfinite(value.hi):
        return [f"output {index}: {value.hi}", *(f"  {name:5} {bits}" for name, bits in value.cr.items())]
    exact = Golden(np.array([value.hi]), np.array([value.lo]), np.array([value.e2], np.int64), 0.0)
    if value.hi and value.e2 == DEEPEST:
        digits = f"{'-' if value.hi < 0 else ''}2**{DEEPEST} or nearer to 0"
    else:
        digits = golden.digits(exact, (0,), DIGITS)
    certain = "exact" if value.rad is None else f"relative radius 2**{value.rad}"
    scale = f" times 2**{value.e2}" if value.e2 else ""
    lines = [f"output {index}: {digits}", f"  {to_hex(value.hi)} + {to_hex(value.lo)}{scale}, {certain}"]
    for name, short in SHORT_NAMES.items():
        rounded = rounding.nearest(exact, FORMATS[name])
        pattern = int(rounding.bits(rounded, FORMATS[name])[0])
        mark = "  <- the input's format" if name == asked.dtype else ""
        lines.append(f"  {short:5} {pattern:0{WIDTHS[short]}x}  {to_hex(float(rounded[0]))}{mark}")
    return lines
