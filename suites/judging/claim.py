"""The one way from a question to a judged result: ask, judge, record; by pytest and in somebody's own process alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.adapters import state
from harness.adapters.adapter import Adapter
from harness.model import Case, Checked, Crashed, Failed, Implementation, Outcome, Result, Score, Target
from harness.ops import OPS
from harness.running.measured import UNKEPT, Measured
from reference.golden import Audited
from suites.judging import ask, judge
from suites.judging.brake import Brake
from suites.questions import plan

Answer = Callable[[Adapter, Case, Target, Audited, Measured], Outcome]


class Recorder(Protocol):
    """Where a question and its result go."""

    def begin(self, case: Case, target: Target) -> None:
        """Take note of the question in hand."""

    def end(self, result: Result) -> None:
        """Take its result."""

    def found(self, result: Result) -> None:
        """Take what was found beside the answer."""

    def not_asked(self, case: Case, target: Target) -> None:
        """Take note of a question that is spared."""

    def leave(self) -> None:
        """End the process, where it is one for questions alone, with the question in hand: its device is lost."""

    def note(self, text: str) -> None:
        """Take a remark on a function."""

    def environment(self, adapter: Adapter, device: str) -> str:
        """Return the key of what an answer depends on."""


@dataclass(frozen=True)
class Claim:
    """Asks a question and records what comes back, judged.

    strict: what is recorded otherwise, such as an answer that depends on its batch, deviates.
    measured: what is kept of answers by their bits.
    changes: what each function was seen to change in the process, which is told once.
    """

    recorder: Recorder
    certify: Audited
    known: Sequence[judge.Known]
    brake: Brake | None = None
    strict: bool = False
    measured: Measured = UNKEPT
    changes: dict[Implementation, dict[str, None]] = field(default_factory=dict)

    def __call__(self, question: plan.Item, answer: Answer | None = None) -> Result | None:
        """Ask, and return the judged result, or nothing where asking is spared.

        `answer` replaces the scoring where something else than accuracy is asked.
        """
        adapter, case, target = question
        if self.brake and self.brake.spares(case, target):
            self.recorder.not_asked(case, target)
            return None
        self.recorder.begin(case, target)
        state.changed()  # what was changed before is not of this question
        state.MODE.restore()  # which something that no fence is around may have changed
        shared = ask.asked(case, self.certify, self.measured)
        if answer:
            outcome = answer(adapter, case, target, self.certify, self.measured)
        else:
            outcome = ask.score(adapter, target, shared)
        if how := adapter.died():
            outcome = Crashed(how)
        if isinstance(outcome, Failed) and target.device != "cpu" and adapter.lost(target.device):
            self.recorder.leave()
        self._tell(question)
        result = self._judged(question, outcome, "" if answer else shared.content)
        self.recorder.end(result)
        for text in adapter.catalogue.notes.values():
            self.recorder.note(text)
        if self.brake:
            self.brake.learn(result)
        return result

    def _judged(self, question: plan.Item, outcome: Outcome, content: str = "") -> Result:
        adapter, case, target = question
        judgement, reason = judge.judge(case, target, outcome, self.known, strict=self.strict)
        if judgement == "deviates" and isinstance(outcome, Score) and outcome.worst and OPS[case.op.name].linear:
            shared = ask.asked(case, self.certify, self.measured)
            reason += f"; its budget is {ask.apart(shared, outcome.worst.index)}"
        return Result(
            case, target, outcome, judgement, reason, self.recorder.environment(adapter, target.device), content
        )

    def _tell(self, question: plan.Item) -> None:
        """Record what the calls of a question have changed in the process, as a finding of its own."""
        adapter, case, target = question
        told = self.changes.get(target.implementation, {})
        if new := dict.fromkeys(what for what in state.changed() if what not in told):
            self.changes[target.implementation] = told | new
            outcome = Checked(1, math.inf, detail=state.told(new))
            found = self._judged((adapter, replace(case, check=judge.PROCESS), target), outcome)
            self.recorder.found(found)
            if self.brake and found.judgement == "deviates":
                self.brake.stopped |= self.brake.first
