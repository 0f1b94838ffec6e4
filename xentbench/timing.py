"""What the commands that time have in common: options and their meaning, and how cards are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from harness.spelling import choice
from harness.timing.duel.fairness import WARM_MALLOC
from harness.timing.duel.gateways import WorkerLost

CASE = "op, ROWSxCLASSES, dtype and quantity, comma-separated, each at will; default: 64x1000,float32,value,grad_logits"
Graph = Annotated[bool, typer.Option("--graph", help="replay CUDA graphs: without the dispatch; torch alone")]
ALLOCATORS: Mapping[str, Mapping[str, str]] = {"default": {}, "warm": WARM_MALLOC}

out = Console(width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True)


def share(option: str, text: str) -> float:
    """Read `3%` or `0.03`. Raises ValueError for what is no share between 0 and 1."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise ValueError(f"{option} is {text!r}, expected a share such as 3% or 0.03")
    return found


def variables(allocator: str) -> Mapping[str, str]:
    """Return the environment variables of an allocator. Raises ValueError for one that is not known."""
    return ALLOCATORS[choice("--allocator", allocator, tuple(ALLOCATORS))]


def cards(lines: Mapping[str, Mapping[str, str]]) -> Table:
    """Return fairness cards side by side; what all have in common is written once."""
    table = Table("fairness", *lines, box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for row in dict.fromkeys(name for card in lines.values() for name in card):
        values = [card.get(row, "") for card in lines.values()]
        table.add_row(row, *(values if len(set(values)) > 1 else [values[0], *("as A" for _ in values[1:])]))
    return table


def write_json(plain: Any) -> None:
    """Write plain values to standard output."""
    sys.stdout.write(json.dumps(plain, indent=2) + "\n")


def say(text: str) -> None:
    """Print a line as it is."""
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def warn(text: str) -> None:
    """Print a line of what went wrong and does not end the command."""
    err.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def ending() -> Iterator[None]:
    """End the command, where its timing ends early, in its own words and with its exit code."""
    try:
        yield
    except WorkerLost as lost:
        stop(4, str(lost))
    except ValueError as error:
        stop(2, str(error))
    except KeyboardInterrupt:
        stop(130, "interrupted")


def stop(code: int, message: str) -> NoReturn:
    """Print an error and leave."""
    warn(f"error: {message}")
    raise typer.Exit(code)
