"""The strongest findings: distinct mistakes of today's frameworks, each with its plainest case, by their harm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.history.course import DEVIATING
from harness.history.state import state
from harness.model import Checked, Result, Score
from harness.scoring import harm, tolerances
from reports import layout, marks
from reports.material import Material
from reports.material import place as place_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from harness.model import Recorded

TITLE = "The strongest findings"
NAV = "Findings"
PLACE = 20
SHOWN = 10
Question = tuple[str, str]  # case, target
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
    version: str  # that it is seen in
    before: tuple[str, ...]  # what earlier runs say of `best`


@dataclass(frozen=True)
class Fixed:
    """One mistake that an earlier run had and this one has not: whose, in how many questions, and since when."""

    reason: str
    best: Result  # as it is now
    at: str
    count: int
    was: str
    since: str


def render(material: Material) -> str:
    """Return the page's HTML; nothing where nothing deviates."""
    found, mended = findings(material), fixed(material)
    if not found and not mended:
        return ""
    return layout.fill("pages/findings/page.html.j2", findings=found[:SHOWN], more=len(found) - SHOWN, fixed=mended)


def findings(material: Material) -> list[Finding]:
    """Gather deviations by what causes them (the stored reason; of new ones, the target and op), by their harm.

    The example of a cause is the judge's: a plain question before a check, then what is ordinary, then what harms most.
    """
    found = [
        (max(members, key=lambda one: (not one.case.check, harm.plain_first(one))), members)
        for members in causes(material.judged).values()
    ]
    found.sort(key=lambda one: harm.rank(one[0]), reverse=True)
    earlier = {id(run): _by_question(run, {_question(best) for best, _ in found}) for run in material.before}
    return [_finding(best, members, material, earlier) for best, members in found]


def causes(results: Iterable[Result]) -> dict[object, list[Result]]:
    """Group what deviates: by the stored reason or, where it is new, by target and check."""
    grouped: dict[object, list[Result]] = {}
    for result in results:
        if result.judgement == "known":
            grouped.setdefault(result.reason, []).append(result)
        elif result.judgement == "deviates":
            grouped.setdefault((result.target.implementation, result.case.check), []).append(result)
    return grouped


def fixed(material: Material) -> list[Fixed]:
    """Return what earlier runs found and this one no longer has, that of most answers first.

    A cause counts as mended in the questions that conform now; it is told with the first run that says so.
    """
    runs = [*material.before, material.recorded]
    asked = {_question(one) for run in material.before for one in run.results if one.judgement in DEVIATING}
    right = [
        {question: one for one in run.results if one.judgement == "conforms" and (question := _question(one)) in asked}
        for run in runs
    ]
    now, found, seen = right[-1], [], set[Question]()
    for place, run in reversed(list(enumerate(material.before))):
        deviating = (one for one in run.results if one.judgement in DEVIATING)
        wrong = [one for one in deviating if _question(one) in now and _question(one) not in seen]
        for members in causes(wrong).values():
            seen.update(map(_question, members))
            best = max(members, key=lambda one: (not one.case.check, harm.plain_first(one)))
            today = now[_question(best)]
            since = next(at for at in range(place + 1, len(runs)) if _question(best) in right[at])
            found.append(
                Fixed(
                    LINK.sub("", best.reason),
                    today,
                    place_of(today),
                    len(members),
                    version(run, best),
                    version(runs[since], right[since][_question(best)]),
                )
            )
    return sorted(found, key=lambda one: -one.count)


def _question(result: Result) -> Question:
    return str(result.case), str(result.target)


def _by_question(run: Recorded, wanted: Container[Question]) -> dict[Question, Result]:
    return {question: result for result in run.results if (question := _question(result)) in wanted}


def version(run: Recorded, result: Result) -> str:
    """Name the version of the framework that gave an answer and, where it is not stored, the run."""
    framework = result.target.implementation.framework
    facts = run.environments.get(result.environment, {})
    return f"{framework} {facts[framework]}" if framework in facts else f"run {run.run.uid}"


def _finding(
    best: Result,
    members: Sequence[Result],
    material: Material,
    earlier: Mapping[int, Mapping[Question, Result]],
) -> Finding:
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
        at=place_of(best),
        version=version(material.recorded, best),
        before=tuple(
            f"{state(found)} in {version(run, found)}"
            for run in material.before
            if (found := earlier[id(run)].get(_question(best)))
        ),
    )
