"""The rows of the matrix: which result each cell of implementation x family (or x dtype) shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.history.state import state
from harness.model import FORMATS, Result, Score, Target
from harness.scoring.harm import EXTREME
from reports import colour, lines, marks, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.model import Implementation

DEFAULT = {"quantity": "value", "dtype": "float32"}


@dataclass(frozen=True)
class MatrixCell:
    """One cell: the place of its result in Material.answers, what is printed, and the level of its colour."""

    answer: int
    text: str
    symbol: str
    level: int | None


@dataclass(frozen=True)
class MatrixRow:
    """One line: an op with its options, who answered, and a cell a column; also: the function's other names."""

    op: str
    target: Target
    cells: tuple[MatrixCell | None, ...]
    also: tuple[str, ...] = ()


def in_matrix(result: Result) -> bool:
    """Leave the published examples to their own page."""
    return result.case.source.kind != "published"


def family(result: Result) -> str:
    """Return a result's column: its family; all sizes of a sweep share one. page.js does the same."""
    return result.case.source.name


def by_family(
    answers: Sequence[Result], names: Mapping[Implementation, lines.Names]
) -> tuple[list[str], list[MatrixRow]]:
    """Return the families, extreme ones last, and the rows of the default view: value, float32, max ulp."""
    shown = [
        (place, answer)
        for place, answer in enumerate(answers)
        if in_matrix(answer) and {"quantity": answer.case.quantity, "dtype": answer.case.dtype} == DEFAULT
    ]
    columns = sorted(dict.fromkeys(family(answer) for _, answer in shown), key=EXTREME.__contains__)
    return columns, _rows(shown, columns, family, names)


def by_dtype(
    answers: Sequence[Result], names: Mapping[Implementation, lines.Names]
) -> tuple[list[str], list[MatrixRow]]:
    """Return the dtypes and the rows of the default view, each cell the worst over all families."""
    shown = [
        (place, answer)
        for place, answer in enumerate(answers)
        if in_matrix(answer) and answer.case.quantity == DEFAULT["quantity"]
    ]
    dtypes = {answer.case.dtype for _, answer in shown}
    columns = [dtype for dtype in FORMATS if dtype in dtypes]
    return columns, _rows(shown, columns, lambda answer: answer.case.dtype, names)


def _rows(
    shown: Iterable[tuple[int, Result]],
    columns: list[str],
    column: Callable[[Result], str],
    names: Mapping[Implementation, lines.Names],
) -> list[MatrixRow]:
    """Return the rows; of the names of a function, which answer alike, the first one's alone."""
    worst: dict[lines.Line, dict[str, tuple[tuple[int, float], int, Result]]] = {}
    others: dict[Implementation, tuple[str, ...]] = {}
    for place, answer in shown:
        implementation = answer.target.implementation
        first, *more = names.get(implementation, (implementation,))
        if first != implementation:
            continue
        others[implementation] = tuple(one.name for one in more)
        cells, name, weight = worst.setdefault(lines.line(answer), {}), column(answer), marks.weight(answer)
        if (before := cells.get(name)) is None or weight > before[0]:
            cells[name] = weight, place, answer
    return [
        MatrixRow(
            *line,
            tuple(_cell(*worst[line][name][1:]) if name in worst[line] else None for name in columns),
            others[line[1].implementation],
        )
        for line in sorted(worst, key=lines.order)
    ]


def _cell(place: int, result: Result) -> MatrixCell:
    """Return the cell of a result. page.js prints the same."""
    symbol = marks.symbol(result)
    if isinstance(result.outcome, Score):
        ulp = numbers.ulps(result.outcome.max_ulp)
        return MatrixCell(place, numbers.short(ulp), symbol, colour.ulp_level(ulp or 0.0))
    return MatrixCell(place, "" if symbol == "∅" else state(result), symbol, None)
