"""Several runs one after the other, such as of one release each: what changed at which step, function by function."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from harness.history.news import COUNTED, WORSE
from harness.history.verdict import of_comparison
from reports import layout, marks
from reports.material import Material, place
from reports.texts.course import parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.history.change import Change
    from harness.history.course import Cell, Function
    from harness.history.news import News
    from harness.model import Result, Target

    Question = tuple[str, Target]

TITLE = "What changed at which release"
NAV = "Releases"
PLACE = 14
MARKS: dict[News, str] = {
    kind: mark for word, mark in marks.COUNTED.items() if word != "unchanged" for kind in COUNTED[word]
}
GROUPS: dict[str, tuple[News, ...]] = {  # the title of a table -> the news that a function is in it for
    "Worse or better at some step": (*WORSE, "accepted", "better"),
    "Other bits or figures, as accurate as before": ("bits", "figures", "untold", "settled", "added", "removed"),
    "Not judged": ("unjudged",),
    "As before at every step": ("none",),
}


class Said(NamedTuple):
    """One line of a cell: a mark, its words, where the report tells of it, and why."""

    mark: str
    text: str
    link: str
    why: str


def render(material: Material) -> str:
    """Return the page's HTML; nothing where there are fewer than three runs."""
    course = material.course
    if course is None or len(course.steps) < 2:
        return ""
    there = {(str(result.case), result.target): result for result in material.results}
    return layout.fill(
        "pages/releases/page.html.j2",
        course=course,
        sentence=course.verdict.sentence,
        steps=[
            (f"{before} → {after}", found, of_comparison(found))
            for (before, after), found in zip(pairwise(course.names), course.steps, strict=True)
        ],
        groups=[(title, members) for title in GROUPS if (members := list(_of_group(course.functions, title)))],
        said=lambda cell: list(said(cell, there)),
    )


def _of_group(functions: list[Function], title: str) -> Iterator[Function]:
    """Yield the functions of a table: those whose weightiest news is of its kinds."""
    for function in functions:
        kinds = {kind for cell in function.cells for kind in cell.news} or {"none"}
        first = next(name for name, group in GROUPS.items() if kinds & set(group))
        if first == title:
            yield function


def said(cell: Cell, there: Mapping[Question, Result]) -> Iterator[Said]:
    """Yield the lines of a cell. there: the answers that the report tells of, by case and target."""
    for part in parts(cell):
        yield Said(MARKS.get(part.kind, ""), part.text, _at(part.change, there), part.change.reason)


def _at(one: Change, there: Mapping[Question, Result]) -> str:
    """Return where the report tells of a question, as its own run answered it; nothing where it was not asked."""
    found = there.get((str(one.result.case), one.result.target))
    if found is None:
        return ""
    return "#speed" if one.aspect == "speed" else place(found)
