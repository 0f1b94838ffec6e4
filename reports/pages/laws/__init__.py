"""What holds beside accuracy: laws, invariance and special values; which claims hold, which break, and how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Checked, Result
from reports import layout, lines, marks
from reports.material import Material, exactly, place, told_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TITLE = "Laws, invariance and special values"
NAV = "Laws"
PLACE = 60
SUITES = {
    "special": "Special values",
    "law": "Laws",
    "invariance": "Invariance",
}
NAMED = 4  # cases named in a line; the rest are counted

Where = tuple[str, str, str]  # framework, mode, device


@dataclass(frozen=True)
class Tally:
    """What became of a check in one place: counts by symbol, the one that matters most first; at: its answers."""

    symbol: str
    counts: tuple[tuple[str, int], ...]
    at: str


@dataclass(frozen=True)
class Claim:
    """A check: its claim in words, and a tally a place; policies have a page of their own."""

    check: str
    text: str
    tallies: tuple[Tally | None, ...]


@dataclass(frozen=True)
class Breach:
    """One target that breaks one claim, with its worst case."""

    worst: Result
    count: int
    at: str  # its answers
    worst_at: str
    detail: str
    cases: tuple[str, ...]
    dtypes: tuple[str, ...]


def render(material: Material) -> str:
    """Return the page's HTML; nothing where no check was asked."""
    if not material.checked:
        return ""
    places = sorted({_where(result) for result in material.checked}, key=lambda at: (lines.framework(at[0]), *at))
    return layout.fill(
        "pages/laws/page.html.j2",
        places=places,
        suites=[(title, found) for name, title in SUITES.items() if (found := claims(name, places, material))],
        new=breaches(r for r in material.checked if r.judgement == "deviates"),
        known=breaches(r for r in material.checked if r.judgement == "known"),
    )


def _where(result: Result) -> Where:
    return result.target.implementation.framework, result.target.mode, result.target.device


def claims(suite: str, places: Sequence[Where], material: Material) -> list[Claim]:
    """Return the claims of a suite by name."""
    found: dict[str, dict[Where, list[Result]]] = {}
    for result in material.checked:
        if result.case.check.partition(".")[0] == suite:
            found.setdefault(result.case.check, {}).setdefault(_where(result), []).append(result)
    return [
        Claim(check, material.descriptions.get(check, ""), tuple(_tally(by_place.get(place, [])) for place in places))
        for check, by_place in sorted(found.items())
    ]


def _tally(results: Sequence[Result]) -> Tally | None:
    if not results:
        return None
    ranked = sorted(results, key=marks.rank, reverse=True)
    counts = Counter(marks.symbol(result) for result in ranked)
    framework, mode, device = _where(ranked[0])
    at = told_by(ranked, check=ranked[0].case.check, framework=framework, mode=mode, device=device)
    return Tally(marks.symbol(ranked[0]), tuple(counts.items()), at)


def breaches(results: Iterable[Result]) -> list[Breach]:
    """Gather broken claims by check and target, the furthest broken first."""
    found: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        found.setdefault((result.case.check, str(result.target)), []).append(result)
    gathered = [_breach(members) for members in found.values()]
    return sorted(gathered, key=lambda breach: (-_over(breach.worst), breach.worst.case.check))


def _over(result: Result) -> float:
    return result.outcome.over if isinstance(result.outcome, Checked) else float("inf")


def _breach(members: Sequence[Result]) -> Breach:
    worst = max(members, key=_over)
    detail = worst.outcome.detail if isinstance(worst.outcome, Checked) else ""
    questions = dict.fromkeys(f"{member.case.op} {member.case.quantity}" for member in members)
    shown = tuple(questions)[:NAMED]
    more = (f"and {len(questions) - NAMED} more",) if len(questions) > NAMED else ()
    target = worst.target
    at = told_by(
        members,
        check=worst.case.check,
        implementation=exactly(target.implementation.name),
        mode=target.mode,
        device=target.device,
        state=worst.judgement,
    )
    dtypes = tuple(dict.fromkeys(member.case.dtype for member in members))
    return Breach(worst, len(members), at, place(worst), detail, shown + more, dtypes)
