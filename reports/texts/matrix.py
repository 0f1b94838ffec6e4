"""The matrix as a Markdown table: for a terminal, a README, an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import Score
from reports import gfm, marks, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.model import Result


def table(results: Iterable[Result]) -> str:
    """Return implementations and modes down, input families across: the largest error in ulps, and its symbol.

    Where several results share a cell (dtypes, quantities, seeds), the worst stands there.
    """
    cells: dict[tuple[str, str, str], dict[str, Result]] = {}
    families: dict[str, None] = {}
    for result in results:
        if not isinstance(result.outcome, Score):
            continue
        families[result.case.family] = None
        implementation = result.target.implementation
        row = cells.setdefault((implementation.framework, str(result.target), implementation.kind), {})
        before = row.get(result.case.family)
        if before is None or _size(result) > _size(before):
            row[result.case.family] = result
    lines = [["implementation@mode", "kind", *map(gfm.plain, families)], ["---", "---", *("---:" for _ in families)]]
    for (_, target, kind), row in sorted(cells.items()):
        lines.append([gfm.code(target), kind, *(_cell(row.get(family)) for family in families)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _size(result: Result) -> float:
    return result.outcome.max_ulp if isinstance(result.outcome, Score) else 0.0


def _cell(result: Result | None) -> str:
    if result is None or not isinstance(result.outcome, Score):
        return ""
    return f"{numbers.short(result.outcome.max_ulp)} {marks.symbol(result)}"
