"""The matrix: how far every implementation is from the truth, by dtype and by input family."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from harness.model import KINDS, QUANTITIES
from reports import colour, layout, lines, marks
from reports.pages.matrix import rows
from reports.pages.matrix.rows import DEFAULT, MatrixRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import Result
    from reports.material import Material

TITLE = "Distance from the truth"
NAV = "Matrix"
PLACE = 30


def render(material: Material) -> str:
    """Return the page's HTML: both tables in their default view, filters, legend and the empty detail sheet."""
    answers = [answer for answer in material.answers if rows.in_matrix(answer)]
    if not answers:
        return ""
    asked = {lines.line(answer) for answer in answers}
    kinds = {target.implementation.kind for _, target in asked}
    choices = {
        "op": sorted({op for op, _ in asked}),
        "framework": sorted({target.implementation.framework for _, target in asked}),
        "mode": sorted({target.mode for _, target in asked}),
        "kind": [kind for kind in KINDS if kind in kinds],
    }
    quantities = {answer.case.quantity for answer in answers}
    dtypes, by_dtype = rows.by_dtype(material.answers)
    families, by_family = rows.by_family(material.answers)
    return layout.fill(
        "pages/matrix/page.html.j2",
        choices=choices,
        quantities=[quantity for quantity in QUANTITIES if quantity in quantities],
        dtypes=dtypes or [DEFAULT["dtype"]],
        default=DEFAULT,
        views=[("dtype", dtypes, grouped(by_dtype)), ("family", families, grouped(by_family))],
        descriptions=material.descriptions,
        explained=explained(answers, material.descriptions),
        legend=marks.SYMBOLS,
        kinds=KINDS,
        scale=[(level, _edge(level)) for level in range(0, colour.LEVELS - 1, 2)],
    )


def explained(answers: Sequence[Result], descriptions: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the families that were asked and have a description."""
    families = dict.fromkeys(rows.family(answer) for answer in answers)
    return [(family, descriptions[family]) for family in families if family in descriptions]


def grouped(rows: list[MatrixRow]) -> list[tuple[str, list[tuple[str, list[MatrixRow]]]]]:
    """Group sorted rows by op, then by framework."""
    return [
        (op, [(name, list(members)) for name, members in groupby(ops, lambda row: row.target.implementation.framework)])
        for op, ops in groupby(rows, lambda row: row.op)
    ]


def _edge(level: int) -> float:
    """Return the ulps in the middle of a level."""
    return 0.5 * 10 ** (level / 2)
