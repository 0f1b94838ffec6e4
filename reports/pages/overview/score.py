"""One line a framework: how much of what it was judged by conforms, and how it stands beside the run before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.history import counting
from harness.history.news import RANKS
from harness.history.state import DEAD, state
from harness.history.verdict import of_run
from reports import marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.change import Change
    from harness.history.verdict import Verdict
    from harness.model import Case, Implementation, NotRun, Result
    from reports.material import Material

HELD = ("conforms", "known", "deviates", *DEAD)  # states of what was judged, the worst last


@dataclass(frozen=True)
class Score:
    """How many judged questions conform, of how many; each function counted once, however many names it has."""

    conform: int
    judged: int

    @property
    def text(self) -> str:
        """The share in per cent, cut to a tenth: 100 is said only where all conform."""
        return f"{1000 * self.conform // self.judged / 10:g} %" if self.judged else "not judged"


@dataclass(frozen=True)
class Line:
    """A framework: its score, verdict and counts, what is judged otherwise than in the run before, what was not run."""

    framework: str
    score: Score
    verdict: Verdict
    look: str
    counts: Mapping[str, int]
    worse: Sequence[Change] | None
    better: Sequence[Change] | None
    not_run: Sequence[NotRun]


def of_results(results: Iterable[Result], named: Mapping[Implementation, Implementation]) -> Score:
    """Count judged questions; of several names of a function the worst answer is the function's.

    named: of each implementation the one that stands for it, as `lines.functions` has them.
    """
    worst: dict[object, dict[Case, int]] = {}
    for result in results:
        if (found := state(result)) in HELD:
            target, case = result.target, result.case
            function = (named.get(target.implementation, target.implementation), target.mode, target.device)
            asked = worst.setdefault(function, {})
            asked[case] = max(asked.get(case, 0), HELD.index(found))
    every = Counter(place for asked in worst.values() for place in asked.values())
    return Score(every[0], every.total())


def frameworks(material: Material) -> list[Line]:
    """Return a line for each framework that was asked, or that was asked for in vain."""
    named = material.functions
    members: dict[str, list[Result]] = {}
    for result in material.judged:
        members.setdefault(result.target.implementation.framework, []).append(result)
    every = sorted({*members, *(entry.framework for entry in material.not_run)})
    return [_line(name, members.get(name, ()), named, material) for name in every]


def _line(
    name: str, results: Sequence[Result], named: Mapping[Implementation, Implementation], material: Material
) -> Line:
    not_run = [entry for entry in material.not_run if entry.framework == name]
    verdict = of_run(replace(material.recorded, results=results, not_run=not_run))
    worse, better = None, None
    if material.comparison is not None and material.comparison.shared:
        changes = [one for one in material.comparison.moved if one.result.target.implementation.framework == name]
        worse = [one for one in changes if one.news == "judgement"]
        better = [one for one in changes if one.news == "better" and _healed(one)]
    counts = counting.count(results)
    score = of_results(results, named)
    return Line(name, score, verdict, marks.LOOKS[verdict.grade], counts, worse, better, not_run)


def _healed(change: Change) -> bool:
    """Tell whether a question is judged better than before."""
    before, after = change.before, change.after
    return bool(before and after and RANKS[after.judgement] < RANKS[before.judgement])
