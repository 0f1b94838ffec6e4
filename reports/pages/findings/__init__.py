"""The strongest findings: distinct mistakes of today's frameworks, each with its plainest case, by their harm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Checked, Result, Score
from harness.scoring import harm, tolerances
from reports import layout, marks
from reports.material import Material, place

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "The strongest findings"
NAV = "Findings"
PLACE = 20
SHOWN = 10
LINK = re.compile(r" \((https://[^\s()]+)\)$")  # as a known deviation's link is stored behind its reason


@dataclass(frozen=True)
class Finding:
    """One mistake: who makes it, in how many questions, and the question that shows it best."""

    reason: str
    link: str
    state: str
    best: Result
    exact: str
    expected: float | None
    got: float | None
    noticed: str
    count: int
    targets: tuple[str, ...]
    families: tuple[str, ...]
    command: str
    at: str  # where the page tells of `best`


def render(material: Material) -> str:
    """Return the page's HTML; nothing where nothing deviates."""
    found = findings(material.judged)
    if not found:
        return ""
    return layout.fill("pages/findings/page.html.j2", findings=found[:SHOWN], more=len(found) - SHOWN)


def findings(results: Sequence[Result]) -> list[Finding]:
    """Gather deviations by what causes them (the stored reason; of new ones, the target and op), by their harm."""
    causes: dict[object, list[Result]] = {}
    for result in results:
        if result.judgement == "known":
            causes.setdefault(result.reason, []).append(result)
        elif result.judgement == "deviates":
            causes.setdefault((result.target.implementation, result.case.check), []).append(result)
    found = [(max(members, key=harm.plain_first), members) for members in causes.values()]
    found.sort(key=lambda one: harm.rank(one[0]), reverse=True)
    return [_finding(best, members) for best, members in found]


def _finding(best: Result, members: Sequence[Result]) -> Finding:
    link = LINK.search(best.reason)
    worst = best.outcome.worst if isinstance(best.outcome, Score | Checked) else None
    return Finding(
        reason=LINK.sub("", marks.why(best)),
        link=link[1] if link else "",
        state=best.judgement,
        best=best,
        exact=worst.exact if worst else "",
        expected=float.fromhex(worst.expected) if worst and worst.expected else None,
        got=float.fromhex(worst.got) if worst and worst.got else None,
        noticed=tolerances.in_words(tolerances.noticed(best.case.dtype, best.outcome)),
        count=len(members),
        targets=tuple(dict.fromkeys(str(member.target) for member in members)),
        families=tuple(dict.fromkeys(member.case.family for member in members)),
        command=f"xentbench explain '{best.case}@{best.target}' --issue",
        at=place(best),
    )
