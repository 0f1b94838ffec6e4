"""What gave no answer, and why: a failure of the machinery is never a score."""

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
class Reason:
    """Why questions have no answer, and of whom."""

    framework: str
    text: str
    count: int
    targets: tuple[str, ...]
    more: int
    example: str
    at: str


def render(material: Material) -> str:
    """Return the page's HTML."""
    states = {name: reasons([answer for answer in material.judged if state(answer) == name]) for name in STATES}
    return layout.fill(
        "pages/not_run/page.html.j2",
        states=[
            (name, STATES[name], found, sum(reason.count for reason in found))
            for name, found in states.items()
            if found
        ],
        not_run=sorted(material.not_run, key=lambda entry: (entry.framework, entry.mode, entry.device)),
    )


def reasons(answers: list[Result]) -> list[Reason]:
    """Gather answers by framework and reason, the most frequent first."""
    found: dict[tuple[str, str], list[Result]] = {}
    for answer in answers:
        why = marks.why(answer)
        _, refused, what = why.partition(REFUSED)  # who refused stands in a column of its own
        text = REFUSED.lstrip() + what if refused else why
        found.setdefault((answer.target.implementation.framework, text), []).append(answer)
    gathered = [_reason(*key, members) for key, members in found.items()]
    return sorted(gathered, key=lambda reason: (-reason.count, reason.framework, reason.text))


def _reason(framework: str, text: str, members: list[Result]) -> Reason:
    targets = list(dict.fromkeys(str(member.target) for member in members))
    named = tuple(targets[:NAMED])
    return Reason(
        framework, text, len(members), named, len(targets) - len(named), str(members[0].case), place(members[0])
    )
