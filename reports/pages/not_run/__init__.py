"""What gave no answer, and why: a failure of machinery is never a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.history.state import state
from reports import layout, marks
from reports.material import Material, place

if TYPE_CHECKING:
    from harness.model import Result

TITLE = "What did not run, and why"
NAV = "Not run"
PLACE = 95
STATES = {
    "crashed": "The process died with the question in hand.",
    "timed out": "No answer within the time allowed; the process was stopped.",
    "failed": "The framework's call raised.",
    "unsupported": "The framework does not offer this, and says so.",
}
REFUSED = " does not offer "  # as adapters say of a function, by its name
NAMED = 3  # implementations named in a line; the rest are counted


@dataclass(frozen=True)
class Group:
    """Questions without an answer for one reason."""

    framework: str
    reason: str
    count: int
    targets: tuple[str, ...]
    more: int
    example: str
    at: str


def render(material: Material) -> str:
    """Return the section's HTML."""
    states = {name: groups([a for a in material.judged if state(a) == name]) for name in STATES}
    return layout.fill(
        "pages/not_run/page.html.j2",
        states=[(name, STATES[name], found, sum(g.count for g in found)) for name, found in states.items() if found],
        not_run=sorted(material.not_run, key=lambda entry: (entry.framework, entry.mode, entry.device)),
    )


def groups(answers: list[Result]) -> list[Group]:
    """Gather answers by framework and reason, the most frequent first."""
    found: dict[tuple[str, str], list[Result]] = {}
    for answer in answers:
        why = marks.why(answer)
        _, refused, what = why.partition(REFUSED)  # who refused stands in a column of its own
        reason = REFUSED.lstrip() + what if refused else why
        found.setdefault((answer.target.implementation.framework, reason), []).append(answer)
    gathered = [_group(*where, members) for where, members in found.items()]
    return sorted(gathered, key=lambda group: (-group.count, group.framework, group.reason))


def _group(framework: str, reason: str, members: list[Result]) -> Group:
    targets = list(dict.fromkeys(str(member.target) for member in members))
    named = tuple(targets[:NAMED])
    return Group(
        framework, reason, len(members), named, len(targets) - len(named), str(members[0].case), place(members[0])
    )
