"""When to stop asking: after ten answers that show one cause, after the first finding, or where nothing is answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from harness.model import Case, Checked, Failed, Implementation, Result, Score, Target
from suites.judging import mechanism

ALIKE = 10  # answers that show a cause well enough


@dataclass
class Brake:
    """What one process has seen deviate, counted by cause. first: one finding is all that is wanted."""

    first: bool = False
    stopped: bool = False
    answered: set[Implementation] = field(default_factory=set)
    silent: set[Target] = field(default_factory=set)  # which have failed alike, whatever was asked
    counts: Counter[object] = field(default_factory=Counter)
    dtypes: dict[object, set[str]] = field(default_factory=lambda: defaultdict(set))  # in which a cause was seen
    spared: dict[object, set[str]] = field(default_factory=lambda: defaultdict(set))

    def spares(self, case: Case, target: Target) -> bool:
        """Tell whether a question would show once more what is known, in a dtype that has shown it."""
        if self.stopped or (target in self.silent and target.implementation not in self.answered):
            return True
        return case.dtype in self.spared.get((target, mechanism.group(case)), ())

    def learn(self, result: Result) -> None:
        """Take in a result."""
        target, place = result.target, (result.target, mechanism.group(result.case))
        if isinstance(result.outcome, Score | Checked):
            self.answered.add(target.implementation)
        if result.judgement != "deviates":
            return
        self.stopped = self.first
        cause = mechanism.of(result)
        for key in ((place, cause), (target, cause)):
            self.counts[key] += 1
            self.dtypes[key].add(result.case.dtype)
        if self.counts[place, cause] >= ALIKE:
            self.spared[place] |= self.dtypes[place, cause]
        if self.counts[target, cause] >= ALIKE and isinstance(result.outcome, Failed):
            self.silent.add(target)
