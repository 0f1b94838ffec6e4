"""The matrix: which result each cell of implementation x family (or x dtype) shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.history.state import state
from harness.model import DTYPES, KINDS, Result, Score, Target
from reports import colour, marks, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DEFAULT = {"quantity": "value", "dtype": "float32"}


@dataclass(frozen=True)
class Cell:
    """One cell: the place of its result in Material.answers, what is printed, and the level of its colour."""

    answer: int
    text: str
    symbol: str
    level: int | None


@dataclass(frozen=True)
class Row:
    """One line: an op with its options, and who answered."""

    op: str
    target: Target
    cells: tuple[Cell | None, ...]


def key(result: Result) -> tuple[str, Target]:
    """Return the line a result belongs to."""
    return str(result.case.op), result.target


def order(line: tuple[str, Target]) -> tuple[object, ...]:
    """Sort lines by op, framework, kind (fused first), name, mode."""
    op, target = line
    of = target.implementation
    return op, of.framework, list(KINDS).index(of.kind), of.name, target.mode, target.device


def where(target: Target) -> str:
    """Return the mode, with the device where it is not the cpu."""
    return target.mode if target.device == "cpu" else f"{target.mode} on {target.device}"


def in_matrix(result: Result) -> bool:
    """Leave the published examples to their own section."""
    return result.case.source.kind != "published"


def family(result: Result) -> str:
    """Return a result's column: its family; all sizes of a sweep share one. pages/matrix/page.js does the same."""
    return result.case.source.name


def by_family(answers: Sequence[Result]) -> tuple[list[str], list[Row]]:
    """Return the families and the lines of the default view: value, float32, max ulp."""
    wanted = [
        (i, answer)
        for i, answer in enumerate(answers)
        if in_matrix(answer) and {"quantity": answer.case.quantity, "dtype": answer.case.dtype} == DEFAULT
    ]
    columns = list(dict.fromkeys(family(answer) for _, answer in wanted))
    return columns, _rows(wanted, columns, family)


def by_dtype(answers: Sequence[Result]) -> tuple[list[str], list[Row]]:
    """Return the dtypes and the lines of the default view, each cell the worst over all families."""
    wanted = [(i, a) for i, a in enumerate(answers) if in_matrix(a) and a.case.quantity == DEFAULT["quantity"]]
    there = {answer.case.dtype for _, answer in wanted}
    columns = [dtype for dtype in DTYPES if dtype in there]
    return columns, _rows(wanted, columns, lambda answer: answer.case.dtype)


def _rows(wanted: Iterable[tuple[int, Result]], columns: list[str], column: Callable[[Result], str]) -> list[Row]:
    worst: dict[tuple[str, Target], dict[str, tuple[tuple[int, float], int, Result]]] = {}
    for place, answer in wanted:
        cells, at, heavy = worst.setdefault(key(answer), {}), column(answer), weight(answer)
        if (before := cells.get(at)) is None or heavy > before[0]:
            cells[at] = heavy, place, answer
    return [
        Row(*line, tuple(cell(*worst[line][name][1:]) if name in worst[line] else None for name in columns))
        for line in sorted(worst, key=order)
    ]


def weight(result: Result) -> tuple[int, float]:
    """Return how much a result matters: its mark's rank, then its worst ulp."""
    outcome = result.outcome
    return marks.rank(result), (numbers.rounded(outcome.max_ulp) or 0.0) if isinstance(outcome, Score) else 0.0


def cell(place: int, result: Result) -> Cell:
    """Return the cell of a result. pages/matrix/page.js prints the same."""
    symbol = marks.symbol(result)
    if isinstance(result.outcome, Score):
        ulp = numbers.rounded(result.outcome.max_ulp)
        return Cell(place, numbers.short(ulp), symbol, colour.ulp_level(ulp or 0.0))
    return Cell(place, "" if symbol == "∅" else state(result), symbol, None)
