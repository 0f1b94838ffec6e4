"""Two targets side by side, as text: every question that both were asked, and their times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.history.counting import number, plural
from harness.model import Case, Result, Score, Timing
from reports import gfm, marks, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.ranked import Ranking

HEAD = ("quantity", "dtype", "input family", "A ulp", "B ulp", "A over bound S", "B over bound S", "bits", "nearer")


@dataclass(frozen=True)
class Row:
    """One question, and what both said."""

    case: Case
    a: Result
    b: Result

    @property
    def bits(self) -> str:
        """Whether the answers are the same bit by bit."""
        bits = [one.outcome.bits for one in (self.a, self.b) if isinstance(one.outcome, Score) and one.outcome.bits]
        return "not kept" if len(bits) < 2 else "same" if bits[0] == bits[1] else "other"

    @property
    def nearer(self) -> str:
        """Who is nearer to the exact answer; nothing where both are as near, or one gave none."""
        a, b = (one.outcome.max_ulp if isinstance(one.outcome, Score) else None for one in (self.a, self.b))
        return "" if a is None or b is None or a == b else "A" if a < b else "B"


def rows(results: Sequence[Result], a: str, b: str) -> list[Row]:
    """Return what both targets were asked, in the order of the first; checks, which hold many answers, left out."""
    asked = [one for one in results if not one.case.check and not isinstance(one.outcome, Timing)]
    second = {one.case: one for one in asked if str(one.target) == b}
    first = (one for one in asked if str(one.target) == a)
    return [Row(one.case, one, second[one.case]) for one in first if one.case in second]


def markdown(found: Sequence[Row], a: str, b: str, rankings: Sequence[Ranking]) -> str:
    """Return counts, times, and a line a question."""
    nearer, bits = (Counter(getattr(row, name) for row in found) for name in ("nearer", "bits"))
    said = (
        f"{plural(len(found), 'question')} asked of both: A is nearer in {number(nearer['A'])}, B in"
        f" {number(nearer['B'])}; the bits are the same in {number(bits['same'])}, others in {number(bits['other'])}."
    )
    parts = [
        f"# A: {gfm.code(a)}, B: {gfm.code(b)}\n",
        f"{said}\n",
        _times(a, b, rankings),
    ]
    for op in dict.fromkeys(str(row.case.op) for row in found):
        cells = [_cells(row) for row in found if str(row.case.op) == op]
        parts.append(f"## {op}\n\n{gfm.table(HEAD, cells)}")
    return "\n".join(parts)


def _cells(row: Row) -> list[str]:
    case = row.case
    figures = [_figure(one) for one in (row.a, row.b)] + [_over(one) for one in (row.a, row.b)]
    return [case.quantity, case.dtype, f"{case.family} {case.rows}x{case.classes}", *figures, row.bits, row.nearer]


def _figure(result: Result) -> str:
    if isinstance(result.outcome, Score):
        return f"{numbers.short(result.outcome.max_ulp)} {marks.symbol(result)}"
    return gfm.plain(f"{marks.symbol(result)} {marks.why(result)}", 60)


def _over(result: Result) -> str:
    if not isinstance(result.outcome, Score):
        return ""
    return numbers.short(marks.ratio(result.outcome)[0])


def _times(a: str, b: str, rankings: Sequence[Ranking]) -> str:
    cells = []
    for ranking in rankings:
        of = {str(one.result.target): one for one in ranking.targets}
        if a in of and b in of:
            seconds = [of[name].seconds for name in (a, b)]
            peaks = [numbers.short(of[name].peak) or "not measured" for name in (a, b)]
            shown = [*map(numbers.duration, seconds), f"{seconds[1] / seconds[0]:.3g}", *peaks]
            cells.append([f"{ranking.case.op}, {ranking.title}", *shown])
    if not cells:
        return "Not both were timed in one tournament; try: xentbench tournament\n"
    return gfm.table(("timed in one tournament", "A", "B", "B over A", "A peak / logits", "B peak / logits"), cells)
