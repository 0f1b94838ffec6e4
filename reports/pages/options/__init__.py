"""What each function means by its options: every option asked against an exact answer of that meaning."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Result, Unsupported
from reports import layout, marks
from reports.material import Material

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "What the options mean"
NAV = "Options"
PLACE = 70


@dataclass(frozen=True)
class Reading:
    """What a function made of an option: the mark that matters most, and why."""

    symbol: str
    why: str


@dataclass(frozen=True)
class OpOptions:
    """One op: options down, functions across."""

    op: str
    functions: tuple[tuple[str, str], ...]  # framework, name
    rows: tuple[tuple[str, tuple[Reading | None, ...]], ...]


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
        cells.setdefault((meaning(result), (implementation.framework, implementation.name)), []).append(result)
    offered = Counter(function for (_, function), found in cells.items() if not _refused(found))
    functions = tuple(sorted(offered))
    rows = [
        (row, tuple(_reading(cells.get((row, function), [])) for function in functions))
        for row in sorted({row for row, _ in cells}, key=_natural)
    ]
    return OpOptions(op, functions, tuple(rows))


def meaning(result: Result) -> str:
    """Return the options of a case as text; axes of one rank share a line."""
    options = dict(result.case.op.params)
    if set(options) == {"axis", "rank"}:
        return f"rank {options['rank']}, every axis"
    return ", ".join(f"{name} = {value}" for name, value in options.items()) or "none"


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
    some = answered and len(answered) < len(ranked) and "axis" in meaning(first)
    refusal = next((marks.why(r) for r in ranked if isinstance(r.outcome, Unsupported)), "")
    return Reading(marks.symbol(first) + (" some" if some else ""), marks.why(first) or (refusal if some else ""))
