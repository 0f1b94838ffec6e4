"""Tournaments as they were stored: each question's targets by rank, with all that stands beside a time."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.model import Result, Timing
from harness.timing import traffic
from harness.timing.duel import ranking
from harness.timing.traffic import Bandwidth
from reports.axis import Axis
from reports.numbers import duration, plural, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.model import Case
    from harness.timing.duel.ranking import Rank

WORK = {"value": "forward", "grad_logits": "forward + backward", "grad_labels": "forward + backward (labels)"}
Card = tuple[str, list[tuple[str, str]]]  # device, its facts
CARD = "card: "  # the facts of an environment that say what a figure holds


@dataclass(frozen=True)
class Line:
    """A target in its question: where it stands, and what was measured beside its time."""

    result: Result
    rank: Rank
    seconds: float
    of_limit: float | None  # the least time that memory allows, over this one
    compiling: float  # the first call less a usual one

    @property
    def timing(self) -> Timing:
        """What was stored."""
        assert isinstance(self.result.outcome, Timing)
        return self.result.outcome

    @property
    def share(self) -> str:
        """The part of the limit that was reached, as it is printed."""
        if self.of_limit is None:
            return ""
        if self.of_limit < 0.001:
            return "< 0.1 %"
        return f"{100 * self.of_limit:.{0 if self.of_limit >= 0.01 else 1}f} %"

    @property
    def peak(self) -> float | None:
        """Peak memory beyond the inputs, in sizes of the logits."""
        of = self.timing
        return of.peak_bytes / of.peak_logits_bytes if of.peak_bytes is not None and of.peak_logits_bytes else None

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The part of the fairness card that is the figure's own."""
        of = self.timing
        told = [
            ("samples", f"{len(of.seconds)} of {plural(of.calls, 'call')} each, from {of.workers} processes"),
            ("first call", f"{duration(of.first_call_seconds)}, not in the figure"),
            ("inputs", of.cache),
            ("overhead", f"{duration(of.overhead_seconds)}, in the figure" if of.overhead_seconds is not None else ""),
            ("page faults", _faults(of)),
            ("pre-empted", f"{short(100 * of.preempted)} % of samples" if of.preempted is not None else ""),
        ]
        return [(name, text) for name, text in told if text]


@dataclass(frozen=True)
class Question:
    """One question, and its targets, fastest first."""

    case: Case
    device: str
    lines: Sequence[Line]
    limit: Bandwidth | None

    @property
    def title(self) -> str:
        """What was asked, apart from the op."""
        where = "" if self.device == "cpu" else f", {self.device}"
        return f"{self.case.rows} \u00d7 {self.case.classes}, {self.case.dtype}, {WORK[self.case.quantity]}{where}"

    @property
    def first(self) -> list[Line]:
        """The targets that may be the fastest."""
        return [line for line in self.lines if line.rank.first == 1]

    @property
    def axis(self) -> Axis:
        """An axis of times over the fastest's."""
        return Axis.steps([bound for line in self.lines for bound in (line.rank.low, line.rank.high)])

    @property
    def floor_seconds(self) -> float | None:
        """The least time that memory allows."""
        return traffic.least(self.case).floor_seconds(self.limit) if self.limit else None


def questions(results: Iterable[Result]) -> list[Question]:
    """Rank the timings of tournaments, question by question: by op, size, dtype, work and device."""
    found: dict[tuple[Any, ...], dict[str, Result]] = {}
    for result in results:
        if isinstance(result.outcome, Timing) and result.outcome.workers > 1 and min(result.outcome.seconds) > 0:
            case = result.case
            shape = (case.rows * case.classes, case.rows, case.classes)
            key = (str(case.op), shape, case.dtype, list(WORK).index(case.quantity), result.target.device)
            found.setdefault(key, {})[str(result.target)] = result
    return [_question(found[key]) for key in sorted(found)]


def _question(of: Mapping[str, Result]) -> Question:
    timings = {name: result.outcome for name, result in of.items() if isinstance(result.outcome, Timing)}
    ranks = ranking.of_timings(timings)
    fastest = timings[ranks[0].name]
    copy, read = fastest.copy_bytes_per_second, fastest.read_bytes_per_second
    case, device = next((result.case, result.target.device) for result in of.values())
    limit = Bandwidth(copy, read) if copy and read else None
    floor = traffic.least(case).floor_seconds(limit) if limit else None
    return Question(case, device, [_line(of[one.name], timings[one.name], one, floor) for one in ranks], limit)


def _line(result: Result, timing: Timing, rank: Rank, floor: float | None) -> Line:
    seconds = median(timing.seconds)
    compiling = max(0.0, timing.first_call_seconds - seconds)
    return Line(result, rank, seconds, floor / seconds if floor else None, compiling)


def _faults(of: Timing) -> str:
    if of.minor_faults is None or of.major_faults is None:
        return ""
    return f"{short(float(f'{of.minor_faults:.3g}'))} minor, {short(float(f'{of.major_faults:.3g}'))} major a call"


def cards(asked: Iterable[Question], environments: Mapping[str, Mapping[str, str]]) -> list[Card]:
    """Return what all figures of a device hold: the part of the fairness card that no figure has for itself."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for question in asked:
        card = found.setdefault(question.device, {})
        for line in question.lines:
            for fact, value in environments.get(line.result.environment, {}).items():
                if fact.startswith(CARD):
                    of = card.setdefault(fact.removeprefix(CARD), {}).setdefault(value, [])
                    of += {line.result.target.implementation.framework} - {*of}
    return [(device, [(fact, _said(values)) for fact, values in card.items()]) for device, card in found.items()]


def _said(values: Mapping[str, Sequence[str]]) -> str:
    """Return the one value, or each with the frameworks that it is of."""
    if len(values) == 1:
        return next(iter(values))
    return "; ".join(f"{value} ({', '.join(sorted(names))})" for value, names in values.items())
