"""The strongest findings: distinct mistakes of today's frameworks, each with its worst case."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Checked, Result, Score
from reports import layout, marks
from reports.material import EXTREME, Material, place

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "The strongest findings"
NAV = "Findings"
PLACE = 20
SHOWN = 10
LINK = re.compile(r" \((https://[^\s()]+)\)$")  # as a known deviation's link is stored behind its reason
USUAL = ("float32", "bfloat16", "float16", "float64")  # what most people compute in comes first


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
    """Gather deviations by what causes them (the stored reason; of new ones, the target and op), strongest first."""
    causes: dict[object, list[Result]] = {}
    for result in results:
        if result.judgement == "known":
            causes.setdefault(result.reason, []).append(result)
        elif result.judgement == "deviates":
            causes.setdefault((result.target.implementation, result.case.check), []).append(result)
    ordered = sorted(causes.values(), key=lambda members: max(map(_strength, members)), reverse=True)
    return [_finding(members) for members in ordered]


def _strength(result: Result) -> tuple[bool, int, float, int]:
    """Rank first what ordinary inputs show, then what leaves no correct digit, then the size."""
    family = result.case.family
    over = result.outcome.over_bound["S"] if isinstance(result.outcome, Score) else math.inf
    over = result.outcome.over if isinstance(result.outcome, Checked) else over
    lost = 0
    if isinstance(result.outcome, Score):
        lost = int(result.outcome.max_ulp > 1000 or bool(result.outcome.verdicts.keys() - {"flushed"}))
    return family not in EXTREME and not result.case.check, lost, over, -USUAL.index(result.case.dtype)


def _finding(members: Sequence[Result]) -> Finding:
    best = max(members, key=_strength)
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
        count=len(members),
        targets=tuple(dict.fromkeys(str(member.target) for member in members)),
        families=tuple(dict.fromkeys(member.case.family for member in members)),
        command=f"xentbench explain '{best.case}@{best.target}' --issue",
        at=place(best),
    )
