"""What each function means by its options: every option asked against an exact answer of that meaning."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Result, Unsupported
from reports import layout, lines, marks
from reports.material import Material, exactly, told_by

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "What the options mean"
NAV = "Options"
PLACE = 70
REFUSED = "∅"


Function = tuple[str, str]  # framework, name


@dataclass(frozen=True)
class Reading:
    """What a function made of an option: the mark that matters most, why, and where the page tells of its answers."""

    symbol: str
    why: str
    at: str

    @property
    def offered(self) -> bool:
        """Whether the function has it at all."""
        return self.symbol != REFUSED


@dataclass(frozen=True)
class OpOptions:
    """One op: options down, functions across; those that read every option alike share a column.

    rows: what most functions offer first. refused: options that none of them has.
    """

    op: str
    functions: tuple[tuple[Function, tuple[str, ...]], ...]  # and its other names
    rows: tuple[tuple[str, tuple[Reading | None, ...]], ...]
    refused: tuple[str, ...]


def render(material: Material) -> str:
    """Return the page's HTML; nothing where no option was asked."""
    if not material.options:
        return ""
    return layout.fill("pages/options/page.html.j2", tables=tables(material.options))


def tables(results: Sequence[Result]) -> list[OpOptions]:
    """Return a table an op."""
    return [
        _table(op, [result for result in results if result.case.op.name == op])
        for op in sorted({result.case.op.name for result in results})
    ]


def _table(op: str, results: Sequence[Result]) -> OpOptions:
    cells: dict[tuple[str, tuple[str, str]], list[Result]] = {}
    for result in results:
        implementation = result.target.implementation
        cells.setdefault((lines.meaning(result), (implementation.framework, implementation.name)), []).append(result)
    offered = Counter(function for (_, function), found in cells.items() if not _refused(found))
    meanings = sorted({row for row, _ in cells}, key=_natural)
    columns: dict[object, list[Function]] = {}
    for function in sorted(
        offered, key=lambda one: (lines.framework(one[0]), -offered[one], one[1].count("."), one[1])
    ):
        readings = (_reading(cells.get((row, function), [])) for row in meanings)
        alike = tuple(reading and (reading.symbol, reading.why.replace(function[1], "")) for reading in readings)
        columns.setdefault((function[0], alike), []).append(function)
    rows = [(row, tuple(_reading(cells.get((row, names[0]), [])) for names in columns.values())) for row in meanings]
    rows.sort(key=lambda row: -sum(reading is not None and reading.offered for reading in row[1]))
    refused = [row for row, readings in rows if not any(reading and reading.offered for reading in readings)]
    return OpOptions(
        op,
        tuple((names[0], tuple(name for _, name in names[1:])) for names in columns.values()),
        tuple(row for row in rows if row[0] not in refused),
        tuple(refused),
    )


def _natural(text: str) -> list[tuple[str, int]]:
    """Sort numbers in a text by their size."""
    return [(word, int(number or 0)) for word, number in re.findall(r"(\D+)(\d*)", text)]


def _refused(results: Sequence[Result]) -> bool:
    return all(isinstance(result.outcome, Unsupported) for result in results)


def _reading(results: Sequence[Result]) -> Reading | None:
    if not results:
        return None
    ranked = sorted(results, key=marks.rank, reverse=True)
    answered = [result for result in ranked if not isinstance(result.outcome, Unsupported)]
    first = (answered or ranked)[0]
    some = answered and len(answered) < len(ranked) and "axis" in lines.meaning(first)
    refusal = next((marks.why(r) for r in ranked if isinstance(r.outcome, Unsupported)), "")
    case, implementation = first.case, first.target.implementation
    told = dict(case.op.params)
    axes = set(told) == {"axis", "rank"}
    at = told_by(
        results,
        op=case.op.name,
        options="" if axes else str(case.op)[len(case.op.name) + 1 : -1],
        q=f"rank={told['rank']}" if axes else "",
        implementation=exactly(implementation.name),
        framework=implementation.framework,
    )
    return Reading(marks.symbol(first) + (" some" if some else ""), marks.why(first) or (refusal if some else ""), at)
