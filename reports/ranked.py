"""Rankings from stored timings: the targets of each case by speed, with all that was measured beside a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.history.difference import CARD
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

WORK = {
    "value": "forward",
    "grad_logits": "forward + backward",
    "grad_labels": "forward + backward (labels)",
    **{f"grad_{name}": f"forward + backward ({name})" for name in ("hidden", "weight", "bias")},
}
Card = tuple[str, list[tuple[str, str]]]  # device, its facts


@dataclass(frozen=True)
class RankedTarget:
    """A target in its ranking: where it stands, and what was measured beside its time."""

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
        most, logits = self.timing.peak_bytes, self.timing.peak_logits_bytes
        return most / logits if most is not None and logits else None

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The part of the fairness card that is the figure's own."""
        timing, overhead, preempted = self.timing, self.timing.overhead_seconds, self.timing.preempted
        facts = [
            (
                "samples",
                f"{len(timing.seconds)} of {plural(timing.calls, 'call')} each, from {timing.workers} processes",
            ),
            ("first call", f"{duration(timing.first_call_seconds)}, not in the figure"),
            ("inputs", timing.cache),
            ("overhead", f"{duration(overhead)}, in the figure" if overhead is not None else ""),
            ("page faults", _faults(timing)),
            ("pre-empted", f"{short(100 * preempted)} % of samples" if preempted is not None else ""),
        ]
        return [(name, text) for name, text in facts if text]


@dataclass(frozen=True)
class Ranking:
    """One case on one device, and its targets, fastest first."""

    case: Case
    device: str
    targets: Sequence[RankedTarget]
    limit: Bandwidth | None

    @property
    def title(self) -> str:
        """What was asked, apart from the op."""
        where = "" if self.device == "cpu" else f", {self.device}"
        return f"{self.case.rows} \u00d7 {self.case.classes}, {self.case.dtype}, {WORK[self.case.quantity]}{where}"

    @property
    def first(self) -> list[RankedTarget]:
        """The targets that may be the fastest."""
        return [target for target in self.targets if target.rank.first == 1]

    @cached_property
    def shared(self) -> list[tuple[str, str]]:
        """The facts of the cards that all of them have in common, which are said once."""
        every = [target.facts for target in self.targets]
        return [fact for fact in every[0] if all(fact in facts for facts in every)] if len(every) > 1 else []

    @property
    def axis(self) -> Axis:
        """An axis of times over the fastest's."""
        return Axis.steps([bound for target in self.targets for bound in (target.rank.low, target.rank.high)])

    @property
    def floor_seconds(self) -> float | None:
        """The least time that memory allows."""
        return traffic.least(self.case).floor_seconds(self.limit) if self.limit else None


def rankings(results: Iterable[Result]) -> list[Ranking]:
    """Rank the timings of tournaments, case by case: by op, size, dtype, work and device."""
    found: dict[tuple[Any, ...], dict[str, Result]] = {}
    for result in results:
        if isinstance(result.outcome, Timing) and result.outcome.workers > 1 and min(result.outcome.seconds) > 0:
            case = result.case
            shape = (case.rows * case.classes, case.rows, case.classes)
            key = (str(case.op), shape, case.dtype, list(WORK).index(case.quantity), result.target.device)
            found.setdefault(key, {})[str(result.target)] = result
    return [_ranking(found[key]) for key in sorted(found)]


def _ranking(results: Mapping[str, Result]) -> Ranking:
    timings = {name: result.outcome for name, result in results.items() if isinstance(result.outcome, Timing)}
    ranks = ranking.of_timings(timings)
    fastest = timings[ranks[0].name]
    copy, read = fastest.copy_bytes_per_second, fastest.read_bytes_per_second
    case, device = next((result.case, result.target.device) for result in results.values())
    limit = Bandwidth(copy, read) if copy and read else None
    floor = traffic.least(case).floor_seconds(limit) if limit else None
    targets = [_target(results[rank.name], timings[rank.name], rank, floor) for rank in ranks]
    return Ranking(case, device, targets, limit)


def _target(result: Result, timing: Timing, rank: Rank, floor: float | None) -> RankedTarget:
    seconds = median(timing.seconds)
    compiling = max(0.0, timing.first_call_seconds - seconds)
    return RankedTarget(result, rank, seconds, floor / seconds if floor else None, compiling)


def _faults(timing: Timing) -> str:
    if timing.minor_faults is None or timing.major_faults is None:
        return ""
    return f"{short(timing.minor_faults)} minor, {short(timing.major_faults)} major a call"


def cards(every: Iterable[Ranking], environments: Mapping[str, Mapping[str, str]]) -> list[Card]:
    """Return what all figures of a device hold: the part of the fairness card that no figure has for itself."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for one in every:
        card = found.setdefault(one.device, {})
        for target in one.targets:
            for fact, value in environments.get(target.result.environment, {}).items():
                if fact.startswith(CARD):
                    frameworks = card.setdefault(fact.removeprefix(CARD), {}).setdefault(value, [])
                    frameworks += {target.result.target.implementation.framework} - {*frameworks}
    return [(device, [(fact, _value(values)) for fact, values in card.items()]) for device, card in found.items()]


def _value(values: Mapping[str, Sequence[str]]) -> str:
    """Return the one value, or each with the frameworks that it is of."""
    if len(values) == 1:
        return next(iter(values))
    return "; ".join(f"{value} ({', '.join(sorted(names))})" for value, names in values.items())
