"""Two targets side by side: every question that both were asked, value and gradient, with bits and times."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from harness.model import Result, Score
from reports import layout, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.model import Case
    from reports.material import Material

TITLE = "Two targets side by side"
NAV = "Pair"
PLACE = 37


def render(material: Material) -> str:
    """Return the page's HTML: the choice of two, and the places of their tables; nothing where fewer answered."""
    targets = {answer.target for answer in material.answers}
    return layout.fill("pages/pair/page.html.j2") if len(targets) > 1 else ""


def data(material: Material) -> dict[str, Any]:
    """Return, for each answer, a number that only the same bits to the same question share, and every ranked time.

    Of an answer without bits the number is -1. A time is [framework|target, op, what was asked, seconds, peak memory in
    sizes of the logits].
    """
    times = [
        [
            f"{one.result.target.implementation.framework}|{one.result.target}",
            str(ranking.case.op),
            ranking.title,
            numbers.rounded(one.seconds),
            numbers.rounded(one.peak),
        ]
        for ranking in material.rankings
        for one in ranking.targets
    ]
    return {"bits": array("i", _bits(material.told)), "times": times}


def _bits(answers: Sequence[Result]) -> Iterator[int]:
    """Yield the numbers, which begin at 0 for each question, so that most are small."""
    seen: dict[Case, list[str]] = {}
    for answer in answers:
        bits = answer.outcome.bits if isinstance(answer.outcome, Score) else ""
        known = seen.setdefault(answer.case, [])
        if bits and bits not in known:
            known.append(bits)
        yield known.index(bits) if bits else -1
