"""The one way from a question to a judged result: ask, judge, record; by pytest and in somebody's own process alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.adapters.adapter import Adapter
from harness.model import Case, Outcome, Result, Target
from reference.golden import Audited
from suites.judging import ask, judge
from suites.judging.brake import Brake
from suites.questions import plan

Answer = Callable[[Adapter, Case, Target, Audited], Outcome]


class Recorder(Protocol):
    """Where a question and its result go."""

    def begin(self, case: Case, target: Target) -> None:
        """Take note of the question in hand."""

    def end(self, result: Result) -> None:
        """Take its result."""

    def not_asked(self, case: Case, target: Target) -> None:
        """Take note of a question that is spared."""

    def note(self, text: str) -> None:
        """Take a remark on a function."""

    def environment(self, adapter: Adapter, device: str) -> str:
        """Return the key of what an answer depends on."""


@dataclass(frozen=True)
class Claim:
    """Asks a question and records what comes back, judged.

    strict: what is recorded otherwise, such as an answer that depends on its batch, deviates.
    """

    recorder: Recorder
    certify: Audited
    known: Sequence[judge.Known]
    brake: Brake | None = None
    strict: bool = False

    def __call__(self, question: plan.Item, answer: Answer | None = None) -> Result | None:
        """Ask, and return the judged result, or nothing where asking is spared.

        `answer` replaces the scoring where something else than accuracy is asked.
        """
        adapter, case, target = question
        if self.brake and self.brake.spares(case, target):
            self.recorder.not_asked(case, target)
            return None
        self.recorder.begin(case, target)
        shared = ask.asked(case, self.certify)
        outcome = answer(adapter, case, target, self.certify) if answer else ask.score(adapter, target, shared)
        judgement, reason = judge.judge(case, target, outcome, self.known, strict=self.strict)
        environment = self.recorder.environment(adapter, target.device)
        result = Result(case, target, outcome, judgement, reason, environment, "" if answer else shared.content)
        self.recorder.end(result)
        for text in adapter.catalogue.notes.values():
            self.recorder.note(text)
        if self.brake:
            self.brake.learn(result)
        return result
