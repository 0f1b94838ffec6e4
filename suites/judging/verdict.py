"""Results of one function -> its verdict, its findings, and what was not judged of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, overload

from harness.model import Checked, Crashed, Failed, Implementation, Result, Score, TimedOut, Unsupported
from suites.judging import findings, judge, refusal
from suites.judging.findings import Finding, Question

NOTHING: Mapping[Implementation, int] = {}
Word = Literal["conforms", "deviates", "failed", "incomplete", "not judged"]


@dataclass(frozen=True)
class NotJudged:
    """A part of what is asked that a function refuses aloud, which is no wrong answer."""

    what: str
    reason: str
    questions: int


@dataclass(frozen=True)
class Judged(Sequence[Finding]):
    """One function and what was found; a sequence of its findings, empty where it conforms.

    `failed` where it died, hung or raised for all that it was asked, `not judged` where it answers nothing of the kind,
    `incomplete` where questions have no outcome and nothing deviates in what came. planned: questions that were to be
    asked; came: those with an outcome, or spared.
    recorded: what is no deviation unless `strict`; notes: what the judge did about how the function is written.
    """

    implementation: str
    op: str
    framework: str
    verdict: Word = "conforms"
    answers: int = 0
    findings: tuple[Finding, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
    recorded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    not_asked: int = 0
    planned: int = 0
    came: int = 0

    def __len__(self) -> int:
        return len(self.findings)

    @overload
    def __getitem__(self, place: int) -> Finding: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Finding]: ...
    def __getitem__(self, place: int | slice) -> Finding | Sequence[Finding]:
        return self.findings[place]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)


@dataclass
class Answers:
    """All that one function was asked."""

    results: list[Result] = field(default_factory=list)
    not_asked: list[Question] = field(default_factory=list)
    planned: int = 0

    @property
    def came(self) -> int:
        """Count the questions with an outcome, and those spared; what was found beside an answer is no question."""
        asked = {(result.case, result.target) for result in self.results if result.case.check != judge.PROCESS}
        return len(asked | set(self.not_asked))


def verdicts(
    results: Iterable[Result],
    not_asked: Iterable[Question] = (),
    notes: Sequence[str] = (),
    planned: Mapping[Implementation, int] = NOTHING,
) -> list[Judged]:
    """Return a verdict a function, in the order in which they were asked; of those planned and never asked too."""
    grouped: dict[Implementation, Answers] = {}
    for result in results:
        grouped.setdefault(result.target.implementation, Answers()).results.append(result)
    for case, target in not_asked:
        grouped.setdefault(target.implementation, Answers()).not_asked.append((case, target))
    for implementation, count in planned.items():
        grouped.setdefault(implementation, Answers()).planned = count
    return [_judged(function, answers, notes) for function, answers in grouped.items()]


def _judged(function: Implementation, answers: Answers, notes: Sequence[str]) -> Judged:
    refused = {id(result): what for result in answers.results if (what := _refused_dtype(result, answers.results))}
    rest = [result for result in answers.results if id(result) not in refused]
    found = findings.findings(rest, answers.not_asked)
    whole = answers.came >= answers.planned
    return Judged(
        function.name,
        function.op,
        function.framework,
        _word(rest, found, whole=whole),
        sum(isinstance(result.outcome, Score | Checked) and result.case.check != judge.PROCESS for result in rest),
        found,
        tuple(not_judged(answers.results, refused)),
        tuple(recorded(rest)),
        tuple(note for note in notes if note.startswith(f"`{function.name}` ")),
        len(answers.not_asked),
        max(answers.planned, answers.came),
        answers.came,
    )


def _word(results: Sequence[Result], found: Sequence[Finding], *, whole: bool) -> Word:
    if any(isinstance(result.outcome, Crashed | TimedOut) for result in results):
        return "failed"
    # What is recorded alone, as what a call raises for infinite logits, is no answer that conforms.
    if any(isinstance(one.outcome, Score | Checked) and one.judgement != "unjudged" for one in results):
        return "deviates" if found else "conforms" if whole else "incomplete"
    raised = any(isinstance(result.outcome, Failed) and result.outcome.kind != "shape" for result in results[:1])
    return "failed" if raised else "not judged" if whole else "incomplete"


def _refused_dtype(result: Result, results: Sequence[Result]) -> str:
    """Return the dtype where a call raised in a dtype that the function never answers in; it answers in another."""
    outcome = result.outcome
    if not (isinstance(outcome, Failed) and outcome.kind == "raised"):
        return ""
    answered = {other.case.dtype for other in results if isinstance(other.outcome, Score)}
    return result.case.dtype if answered and result.case.dtype not in answered else ""


def not_judged(results: Sequence[Result], dtypes: Mapping[int, str]) -> Iterator[NotJudged]:
    """Yield what is refused aloud, named by what the refused questions have in common, each name once."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if dtype := dtypes.get(id(result), ""):
            groups.setdefault((dtype, ""), []).append(result)
        elif isinstance(result.outcome, Unsupported) and (reason := refusal.reason(result.outcome)):
            name, _, said = reason.partition(": ")
            groups.setdefault((name, said) if name != refusal.ALOUD else ("", reason), []).append(result)
        elif isinstance(result.outcome, Checked) and result.outcome.policy in refusal.IN_PART:
            said = f"{result.outcome.policy}, {result.outcome.detail}"
            groups.setdefault(("", said), []).append(result)
    answered = {result.case.dtype for result in results if isinstance(result.outcome, Score)}
    named: dict[str, list[tuple[str, int]]] = {}
    for (what, reason), members in groups.items():
        said = reason or members[0].reason
        named.setdefault(what or _in_common(members, answered), []).append((said, len(members)))
    for what, reasons in named.items():
        yield NotJudged(what, "; ".join(dict.fromkeys(said for said, _ in reasons)), sum(count for _, count in reasons))


def _in_common(members: Sequence[Result], answered: set[str]) -> str:
    """Name what refused questions are of: a dtype, the options of their ops, a check, or a size."""
    cases = [member.case for member in members]
    names = {name for case in cases for name in case.op.options}
    checks = list(dict.fromkeys(case.check for case in cases if case.check))
    dtypes = {case.dtype for case in cases}
    if not dtypes & answered:
        return ", ".join(sorted(dtypes))
    parts = [", ".join(sorted(names)), ", ".join(checks)]
    if not any(parts):
        parts = list(dict.fromkeys(f"{case.rows} x {case.classes}" for case in cases))
    return "; ".join(filter(None, parts))


def recorded(results: Sequence[Result]) -> Iterator[str]:
    """Yield what is recorded and would deviate under `strict`, a line a check."""
    lines: dict[str, str] = {}
    for result in results:
        outcome = result.outcome
        if isinstance(outcome, Checked) and judge.lenient(result.case, outcome):
            said = f"{outcome.policy}: {outcome.detail}" if outcome.detail else outcome.policy
            lines.setdefault(result.case.check, f"{result.case.check}: {said}")
    yield from lines.values()
