"""The first screen: does everything conform, what is new, what did not run, and where all that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.history import counting
from harness.history.difference import CARD, Difference
from harness.history.state import DEAD
from harness.history.verdict import of_comparison, of_run
from harness.model import Result, Score
from reports import layout, lines, marks
from reports.material import Material, place
from reports.pages.overview import score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.change import Change
    from harness.history.compare import Comparison

TITLE = "Verdict"
NAV = "Overview"
PLACE = 10
LISTED = 12  # groups of deviations in sight; the rest one click away
CHANGES_LISTED = 4  # of those that got worse since the run before
BY_HARM = ("bad", "unknown", "good")
SIGNS = {
    "conforms": "✓",
    "known": "!",
    "deviates": "✗",
    "shown": "○",
    "unsupported": "∅",
    **dict.fromkeys(("failed", *DEAD), "⚠"),
}


@dataclass(frozen=True)
class Deviations:
    """Deviations of one implementation in one op and quantity, with the worst of them."""

    worst: Result
    count: int
    modes: tuple[str, ...]
    families: tuple[str, ...]
    dtypes: tuple[str, ...]
    ulp: float | None
    reason: str
    at: str


def render(material: Material) -> str:
    """Return the page's HTML."""
    counts = counting.count(material.results)
    return layout.fill(
        "pages/overview/page.html.j2",
        run=material.run,
        headline=headline(material),
        counts=counts,
        counted=counting.in_words(counts),
        tiles=tiles(counts, material),
        frameworks=score.frameworks(material),
        table=counting.by_target(material.judged),
        states=counting.occurring([counting.count(material.judged)]),
        symbols=SIGNS,
        new=deviations(answer for answer in material.judged if answer.judgement == "deviates"),
        known=deviations(answer for answer in material.judged if answer.judgement == "known"),
        listed=LISTED,
        since=since(material),
        marks=marks.COUNTED,
        not_run=sorted(material.not_run, key=lambda entry: (entry.framework, entry.mode, entry.device)),
        environments=environments(material),
        versions=versions(material),
    )


@dataclass(frozen=True)
class Since:
    """What changed since the run before, with the changes for the worse and the places of their answers on the page."""

    found: Comparison
    versions: tuple[Difference, ...]
    worst: tuple[tuple[Change, str], ...]


def since(material: Material) -> Since | None:
    """Return what changed since the run before; None where there is none, or it shares no question."""
    found = material.comparison
    if found is None or not found.shared:
        return None
    frameworks = {result.target.implementation.framework for result in material.results}
    versions = tuple(one for one in found.environments if one.fact in frameworks)
    worst = tuple((one, place(one.after) if one.after else "#changes") for one in found.turned("worse"))
    return Since(found, versions, worst[:CHANGES_LISTED])


class Headline(NamedTuple):
    """What the page opens with. look: of its colour. beside: the other verdict, where there are two."""

    look: str
    sentence: str
    beside: str = ""


def headline(material: Material) -> Headline:
    """Return the verdict on the run and, beside an earlier one, that on both: the worse of them is the headline.

    The first is what `xentbench run` ends by, the second what `status` and `compare` do, so that neither exit code is
    worse than what the page opens with.
    """
    alone = of_run(material.recorded)
    look, itself = marks.LOOKS[alone.grade], alone.sentence[:1].upper() + alone.sentence[1:]
    if material.comparison is None or not material.comparison.shared:
        return Headline(look, itself)
    both = of_comparison(material.comparison)
    if BY_HARM.index(look) < BY_HARM.index(marks.LOOKS[both.grade]):
        return Headline(look, itself, f"Beside the run before: {both.sentence}.")
    return Headline(marks.LOOKS[both.grade], both.sentence, f"By itself: {alone.sentence}.")


def tiles(counts: Mapping[str, int], material: Material) -> list[tuple[str, str, int, str]]:
    """Return (state, symbol, count, words) of the figures under the headline; what did not happen is no tile."""
    always = ("deviates", "known", "conforms", "shown", "unsupported")
    states = [name for name in (*always, "failed", *DEAD) if counts.get(name) or name in always]
    found = [(name, SIGNS[name], counts.get(name, 0), counting.WORDS[name][1]) for name in states]
    return [*found, ("absent", "\u2013", len(material.not_run), "not run")]


def deviations(answers: Iterable[Result]) -> list[Deviations]:
    """Gather deviations by implementation, op and quantity, worst first."""
    found: dict[Any, list[Result]] = {}
    for answer in answers:
        key = (answer.case.op, answer.target.implementation, answer.case.quantity)
        found.setdefault(key, []).append(answer)
    gathered = [_deviations(members) for members in found.values()]
    return sorted(gathered, key=lambda group: -(group.ulp if group.ulp is not None else -1.0))


def _deviations(members: Sequence[Result]) -> Deviations:
    worst = max(members, key=marks.weight)
    modes = tuple(dict.fromkeys(lines.where(member.target) for member in members))
    families = tuple(dict.fromkeys(member.case.family for member in members))
    dtypes = tuple(dict.fromkeys(member.case.dtype for member in members))
    ulp = worst.outcome.max_ulp if isinstance(worst.outcome, Score) else None
    return Deviations(worst, len(members), modes, families, dtypes, ulp, marks.why(worst), place(worst))


def versions(material: Material) -> list[tuple[str, str]]:
    """Return (framework, its version with threads and instruction set) of each environment used."""
    found = []
    for framework, key in sorted({(r.target.implementation.framework, r.environment) for r in material.results}):
        facts = material.environments.get(key, {})
        threads = next((facts[name] for name in ("threads", "intra_op_threads") if name in facts), "")
        words = {"": "", "0": "threads by its own choice", "1": "1 thread"}.get(threads, f"{threads} threads")
        device = facts.get("device", "cpu")
        known = (words, facts.get("cpu_capability") or facts.get("isa", ""), "" if device == "cpu" else device)
        more = ", ".join(fact for fact in known if fact)
        found.append((framework, f"{framework} {facts.get(framework, '')}".strip() + (f" ({more})" if more else "")))
    return list(dict.fromkeys(found))  # what is timed has an environment of its own, with its card


def environments(material: Material) -> list[tuple[list[str], list[tuple[str, str]]]]:
    """Return (frameworks, facts) of each environment that answers depended on; facts without a value are left out.

    What a figure holds stands on the page of speed.
    """
    used: dict[str, set[str]] = {}
    for result in material.results:
        if result.environment in material.environments:
            used.setdefault(result.environment, set()).add(result.target.implementation.framework)
    listed = sorted((sorted(frameworks), key) for key, frameworks in used.items())
    found = [
        (names, [(fact, value) for fact, value in material.environments[key].items() if value and _is_shown(fact)])
        for names, key in listed
    ]
    return [each for place, each in enumerate(found) if each not in found[:place]]


def _is_shown(fact: str) -> bool:
    return fact != "framework" and not fact.startswith(CARD)
