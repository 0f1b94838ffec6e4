"""This run beside an earlier one: what differs in the environments, in the answers bit by bit, in accuracy and speed.

Changes are gathered by target, op and quantity, because an upgrade moves hundreds of answers by one cause; each group
shows what moved furthest, and opens to all of its cases.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness import statistics
from harness.history import change, ratio
from harness.history.change import Change
from harness.history.news import COUNTED, FACTOR, LEVEL, NEWS
from harness.history.state import incomplete
from harness.history.verdict import of_comparison
from harness.model import FORMATS, Result, Score, Timing
from reports import layout, marks, numbers
from reports.material import Material, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.compare import Comparison

TITLE = "Beside an earlier run"
NAV = "Changes"
PLACE = 15
MARKS: dict[str, str] = {
    NEWS[kind]: mark for word, mark in marks.COUNTED.items() if word != "unchanged" for kind in COUNTED[word]
}
RELEVANT = 7  # kinds of change whose first groups are in sight; all else is one click away
LISTED, SHOWN = 10, 50  # groups of a kind in sight, and with those behind a click; `compare` lists the rest


@dataclass(frozen=True)
class ChangeGroup:
    """Changes of one target in one op, quantity and check, with the one that moved most."""

    number: int
    worst: Change
    members: tuple[Change, ...]

    @property
    def families(self) -> list[str]:
        """The input families, in the order of the changes."""
        return list(dict.fromkeys(member.result.case.family for member in self.members))

    @property
    def dtypes(self) -> list[str]:
        """The dtypes, narrow ones first."""
        return sorted({member.result.case.dtype for member in self.members}, key=list(FORMATS).index)


@dataclass(frozen=True)
class ChangeKind:
    """Every change of one kind: so many, and the groups that are shown; `more` are not."""

    title: str
    mark: str
    count: int
    groups: tuple[ChangeGroup, ...]
    more: int


@dataclass(frozen=True)
class SameBits:
    """How many answers of a framework, mode, device and op are the same bit by bit, by dtype: (same, all), or None."""

    where: tuple[str, str, str, str]
    cells: tuple[tuple[int, int] | None, ...]

    @property
    def whole(self) -> bool:
        """Whether all are the same."""
        return all(cell is None or cell[0] == cell[1] for cell in self.cells)


def render(material: Material) -> str:
    """Return the page's HTML; nothing where there is no earlier run."""
    found = material.comparison
    if found is None:
        return ""
    dtypes, shares = bits(found)
    every = kinds(found)
    relevant = [kind for kind in every[:RELEVANT] if kind.count]
    return layout.fill(
        "pages/changes/page.html.j2",
        found=found,
        few=ratio.FEW,
        classes=ratio.CLASSES,
        factor=FACTOR,
        level=LEVEL,
        incomplete=[(run.uid, text) for run in (found.before, found.after) if (text := incomplete(run))],
        sentence=of_comparison(found).sentence,
        marks=marks.COUNTED,
        dtypes=dtypes,
        shares=shares,
        relevant=relevant,
        rest=[kind for kind in every if kind not in relevant],
        listed=LISTED,
        figure=figure,
        at=at,
    )


def data(material: Material) -> list[list[list[str]]]:
    """Return the cases of every group that has more than one, by the group's number."""
    assert material.comparison is not None
    return [
        [
            [str(member.result.case), at(member), figure(member.before), figure(member.after), member.reason]
            for member in (group.members if len(group.members) > 1 else ())
        ]
        for kind in kinds(material.comparison)
        for group in kind.groups
    ]


def bits(found: Comparison) -> tuple[list[str], list[SameBits]]:
    """Return the dtypes, and a share a (framework, mode, device, op); answers without bits on both sides left out."""
    tallies: dict[tuple[str, str, str, str], dict[str, Counter[bool]]] = {}
    for was, now in found.pairs:
        same = change.same_bits(was, now)
        if now is not None and same is not None:
            case, target = now.case, now.target
            where = (target.implementation.framework, target.mode, target.device, case.op.name)
            tallies.setdefault(where, {}).setdefault(case.dtype, Counter())[same] += 1
    dtypes = [dtype for dtype in FORMATS if any(dtype in tally for tally in tallies.values())]
    return dtypes, [
        SameBits(where, tuple((cell[True], cell.total()) if (cell := tally.get(dtype)) else None for dtype in dtypes))
        for where, tally in sorted(tallies.items())
    ]


def kinds(found: Comparison) -> list[ChangeKind]:
    """Return every kind of change with its groups, those that moved furthest first, numbered through."""
    made, number = [], 0
    for title, changes in found.sections.items():
        gathered = gather(changes)
        shown = tuple(ChangeGroup(number + place, group[0], group) for place, group in enumerate(gathered[:SHOWN]))
        number += len(shown)
        made.append(ChangeKind(title, MARKS.get(title, ""), len(changes), shown, len(gathered) - len(shown)))
    return made


def gather(changes: Sequence[Change]) -> list[tuple[Change, ...]]:
    """Gather changes by target, op, quantity and check, in the order in which the first of each comes."""
    members: dict[tuple[object, ...], list[Change]] = {}
    for one in changes:
        case = one.result.case
        members.setdefault((one.result.target, str(case.op), case.quantity, case.check), []).append(one)
    return [tuple(group) for group in members.values()]


def figure(result: Result | None) -> str:
    """Print what came back in a few words; a time with the interval of its median."""
    match result:
        case None:
            return "\u2013"
        case Result(outcome=Score(max_ulp=most, budget_class=met)):
            return f"{numbers.short(most)} ulp {met or ''}".rstrip()
        case Result(outcome=Timing(seconds=seconds)) if seconds:
            low, high, _ = statistics.interval(seconds)
            return f"{numbers.duration(median(seconds))} ({numbers.duration(low)} to {numbers.duration(high)})"
    return change.in_words(result.outcome)


def at(one: Change) -> str:
    """Return where the report tells of a change's later answer; nothing where it has none."""
    if one.after is None:
        return ""
    return "#speed" if one.aspect == "speed" else place(one.after)
