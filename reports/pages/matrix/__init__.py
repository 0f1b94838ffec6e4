"""The matrix: how far every implementation is from the truth, by dtype and by input family."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from harness.model import KINDS, QUANTITIES
from reports import colour, layout, marks, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import Result
    from reports.material import Material

TITLE = "Distance from the truth"
NAV = "Matrix"
PLACE = 30


def render(material: Material) -> str:
    """Return the section's HTML: both tables in their default view, filters, legend and the empty detail sheet."""
    answers = [answer for answer in material.answers if table.in_matrix(answer)]
    if not answers:
        return ""
    lines = {table.key(answer) for answer in answers}
    kinds = {target.implementation.kind for _, target in lines}
    choices = {
        "op": sorted({op for op, _ in lines}),
        "framework": sorted({target.implementation.framework for _, target in lines}),
        "mode": sorted({target.mode for _, target in lines}),
        "kind": [kind for kind in KINDS if kind in kinds],
    }
    asked = {answer.case.quantity for answer in answers}
    dtypes, by_dtype = table.by_dtype(material.answers)
    families, by_family = table.by_family(material.answers)
    return layout.fill(
        "pages/matrix/page.html.j2",
        choices=choices,
        quantities=[quantity for quantity in QUANTITIES if quantity in asked],
        dtypes=dtypes or [table.DEFAULT["dtype"]],
        default=table.DEFAULT,
        views=[("dtype", dtypes, grouped(by_dtype)), ("family", families, grouped(by_family))],
        descriptions=material.descriptions,
        explained=explained(answers, material.descriptions),
        legend=marks.SYMBOLS,
        kinds=KINDS,
        scale=[(level, _edge(level)) for level in range(0, colour.LEVELS - 1, 2)],
    )


def explained(answers: Sequence[Result], descriptions: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the families that were asked and have a description."""
    families = dict.fromkeys(table.family(answer) for answer in answers)
    return [(family, descriptions[family]) for family in families if family in descriptions]


def grouped(rows: list[table.Row]) -> list[tuple[str, list[tuple[str, list[table.Row]]]]]:
    """Group sorted rows by op, then by framework."""
    return [
        (op, [(name, list(lines)) for name, lines in groupby(ops, lambda row: row.target.implementation.framework)])
        for op, ops in groupby(rows, lambda row: row.op)
    ]


def _edge(level: int) -> float:
    """Return the ulps in the middle of a level."""
    return 0.5 * 10 ** (level / 2)
