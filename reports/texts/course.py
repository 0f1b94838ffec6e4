"""Several runs one after the other, in words: Markdown for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from harness.history.change import Change, same_bits
from harness.history.compare import Comparison
from harness.history.counting import number
from harness.history.course import Cell, Course
from harness.history.news import News
from harness.history.verdict import NEWS_WORDS, of_comparison
from reports import gfm
from reports.texts import comparison
from reports.texts.comparison import SENTENCE

KINDS: Mapping[News, tuple[str, str]] = {  # of one, of many
    **NEWS_WORDS,
    "accepted": ("worse and accepted", "worse and accepted"),
    "better": ("better", "better"),
    "untold": ("time cannot be told", "times cannot be told"),
    "settled": ("time found the same in a duel", "times found the same in duels"),
    "figures": ("other figure", "other figures"),
    "unjudged": ("not judged moved", "not judged moved"),
    "added": ("added", "added"),
    "removed": ("removed", "removed"),
}


class Part(NamedTuple):
    """One thing that became of a function at a step, with the change that moved furthest."""

    kind: News
    text: str
    change: Change


def parts(cell: Cell) -> Iterator[Part]:
    """Yield what became of a function, what matters most first; nothing where all stayed as it was."""
    other, told = cell.bits
    beside: Mapping[News, str] = {
        "judgement": f", {number(cell.came)} deviate now" if cell.came else "",
        "better": f", {number(cell.went)} deviated before" if cell.went else "",
    }
    for kind, changes in cell.news.items():
        if kind in KINDS:
            count = len(changes)
            yield Part(kind, f"{number(count)} {KINDS[kind][count > 1]}{beside.get(kind, '')}", changes[0])
    if other:
        first = next(one for one in cell.changes if same_bits(one.before, one.after) is False)
        yield Part("bits", f"{number(other)} of {number(told)} differ in bits", first)
    if cell.times is not None:
        first = next(one for one in cell.changes if one.aspect == "speed")
        yield Part("none", f"{cell.times:.3g} times as long", first)


def markdown(course: Course, rows: int) -> str:
    """Return a verdict a step, what came and went, and what changed at which step, at most so many rows a table."""
    names = " → ".join(map(gfm.plain, course.names))
    texts = [f"# {names}\n", f"**{gfm.plain(course.verdict.sentence, SENTENCE)}**\n"]
    texts.append("".join(map(_step, course.steps)))
    if course.deviations:
        texts.append(f"## Deviations that were seen, and how many answers each has\n\n{_deviations(course, rows)}")
    moved = [function for function in course.functions if any(cell.news for cell in function.cells)]
    texts.append(_functions(course, rows) if moved else "Nothing changed at any step.\n")
    return "\n".join(texts)


def _step(found: Comparison) -> str:
    """Return an item of a list: the verdict of a step, what matters most below it."""
    lines = [gfm.plain(of_comparison(found).sentence, SENTENCE), *map(gfm.plain, comparison.first(found))]
    lines += [gfm.plain(warning) for warning in comparison.warnings(found)]
    return "\n  - ".join([f"- {lines[0]}", *lines[1:]]) + "\n"


def _deviations(course: Course, rows: int) -> str:
    head = ("deviation", "functions", *map(gfm.plain, course.names))
    cells = [
        [
            gfm.plain(one.reason or "not listed"),
            ", ".join(map(gfm.code, one.functions)),
            *map(number, one.counts),
        ]
        for one in course.deviations[:rows]
    ]
    return gfm.table(head, cells) + _more(course.deviations, rows)


def _functions(course: Course, rows: int) -> str:
    moved = [function for function in course.functions if any(cell.news for cell in function.cells)]
    head = ("op", "function", *(f"→ {gfm.plain(name)}" for name in course.names[1:]))
    cells = [
        [
            gfm.plain(one.target.implementation.op),
            gfm.code(str(one.target)),
            *(gfm.plain("; ".join(part.text for part in parts(cell)) or "as before") for cell in one.cells),
        ]
        for one in moved[:rows]
    ]
    return f"## What changed at which step\n\n{gfm.table(head, cells)}{_more(moved, rows)}"


def _more(every: Sequence[object], rows: int) -> str:
    return f"\nand {len(every) - rows} more; --rows shows more, --json all changes\n" if len(every) > rows else ""


def plain(course: Course) -> dict[str, Any]:
    """Return the comparisons as JSON takes them: each step, and the first run beside the last."""
    return {
        "names": list(course.names),
        "verdict": asdict(course.verdict),
        "deviations": [asdict(one) for one in course.deviations],
        "steps": [comparison.plain(step) for step in course.steps],
        "whole": comparison.plain(course.whole),
    }
