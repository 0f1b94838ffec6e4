"""The matrix: how far every implementation is from the truth, by dtype and by input family."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from harness.model import KINDS, QUANTITIES
from harness.scoring.harm import EXTREME
from reports import colour, layout, lines, marks
from reports.pages.matrix import rows
from reports.pages.matrix.rows import DEFAULT, MatrixRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import Result
    from reports.material import Material

MatrixTable = tuple[str, list[str], list[tuple[str, list[MatrixRow]]]]  # op, columns, rows by framework

TITLE = "Distance from the truth"
NAV = "Matrix"
PLACE = 30
NOT_ASKED = "\u2013"


def render(material: Material) -> str:
    """Return the page's HTML: both tables in their default view, filters, legend and the empty detail sheet."""
    answers = [answer for answer in material.answers if rows.in_matrix(answer)]
    if not answers:
        return ""
    asked = {lines.line(answer) for answer in answers}
    kinds = {target.implementation.kind for _, target in asked}
    choices = {
        "op": sorted({op for op, _ in asked}),
        "framework": sorted({target.implementation.framework for _, target in asked}, key=lines.framework),
        "mode": sorted({target.mode for _, target in asked}),
        "kind": [kind for kind in KINDS if kind in kinds],
    }
    quantities = {answer.case.quantity for answer in answers}
    dtypes, by_dtype = rows.by_dtype(material.answers, material.names)
    families, by_family = rows.by_family(material.answers, material.names)
    return layout.fill(
        "pages/matrix/page.html.j2",
        choices=choices,
        quantities=[quantity for quantity in QUANTITIES if quantity in quantities],
        dtypes=dtypes or [DEFAULT["dtype"]],
        default=DEFAULT,
        views=[("dtype", grouped(dtypes, by_dtype)), ("family", grouped(families, by_family))],
        descriptions=material.descriptions,
        explained=explained(answers, material.descriptions),
        extreme=EXTREME,
        legend={**marks.SYMBOLS, NOT_ASKED: "not asked"},
        not_asked=NOT_ASKED,
        kinds=KINDS,
        scale=[(level, _edge(level)) for level in range(0, colour.LEVELS - 1, 2)],
    )


def data(_: Material) -> list[str]:
    """Return the families that stand apart, for they are no ordinary inputs."""
    return list(EXTREME)


def explained(answers: Sequence[Result], descriptions: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the families that were asked and have a description."""
    families = dict.fromkeys(rows.family(answer) for answer in answers)
    return [(family, descriptions[family]) for family in families if family in descriptions]


def grouped(columns: Sequence[str], rows: Sequence[MatrixRow]) -> list[MatrixTable]:
    """Group sorted rows by op, each with the columns that it was asked in, then by framework."""
    return [_table(op, columns, list(members)) for op, members in groupby(rows, lambda row: row.op)]


def _table(op: str, columns: Sequence[str], rows: Sequence[MatrixRow]) -> MatrixTable:
    asked = [place for place in range(len(columns)) if any(row.cells[place] for row in rows)]
    rows = [replace(row, cells=tuple(row.cells[place] for place in asked)) for row in rows]
    frameworks = groupby(rows, lambda row: row.target.implementation.framework)
    return op, [columns[place] for place in asked], [(name, list(members)) for name, members in frameworks]


def _edge(level: int) -> float:
    """Return the ulps in the middle of a level."""
    return 0.5 * 10 ** (level / 2)
