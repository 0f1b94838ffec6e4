"""Store the timings of duels and tournaments as results of a run; their environment says what a figure holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from harness.history.difference import CARD
from harness.model import Case, Outcome, Result, Target, Timing
from harness.running import host
from harness.store import Location, Store
from harness.timing.duel import fairness
from harness.timing.duel.fairness import Card
from harness.timing.duel.pairing import Measured
from suites.speed.candidates import Candidate

STORE = Location.of("build/speed.sqlite")

Judge = Callable[[Case, Target, Outcome], Result]


def unjudged(case: Case, target: Target, outcome: Outcome) -> Result:
    """Return a result that nobody judges."""
    return Result(case, target, outcome, "unjudged")


@dataclass(frozen=True)
class Timed:
    """A candidate's blocks, worker after worker, and card; or why there are none."""

    candidate: Candidate
    blocks: Sequence[Measured] = ()
    workers: int = 1
    card: Card | None = None
    why: Outcome | None = None

    @property
    def outcome(self) -> Outcome:
        """One sample a block: its lower quartile."""
        if self.why:
            return self.why
        card = self.card
        assert card is not None
        return Timing(
            tuple(fairness.seconds(block) for block in self.blocks),
            self.blocks[0].calls,
            card.first_seconds,
            self.workers,
            cache=card.cache,
            cached=card.cached,
            copy_bytes_per_second=card.limit.copy if card.limit else None,
            read_bytes_per_second=card.limit.read if card.limit else None,
            dispatch_seconds=card.dispatch_seconds,
            overhead_seconds=card.overhead_seconds,
            minor_faults=card.minor_faults,
            major_faults=card.major_faults,
            preempted=card.preempted,
            peak_bytes=card.peak.bytes if card.peak else None,
            peak_logits_bytes=card.peak.logits_bytes if card.peak else None,
        )


def keep(store: Location, what: str, case: Case, timed: Iterable[Timed], uid: str = "") -> str:
    """Store timings in a run of their own, or in the one of this uid; return its uid."""
    with Store(store) as opened:
        run = opened.run(uid) if uid else host.new_run(what)
        opened.begin(run)
        add(opened, run.uid, case, timed)
        opened.finish(run.uid)
    return run.uid


def add(store: Store, uid: str, case: Case, timed: Iterable[Timed], judge: Judge = unjudged) -> None:
    """Add the timings of a case to a run, all of them or none."""
    store.append(uid, [_result(store, case, one, judge) for one in timed])


def _result(store: Store, case: Case, timed: Timed, judge: Judge) -> Result:
    candidate = timed.candidate
    facts = {"framework": candidate.framework, "device": candidate.target.device, **candidate.environment}
    settings = timed.card.settings if timed.card else {}
    key = store.add_environment(facts | {f"{CARD}{name}": value for name, value in settings.items()})
    return replace(judge(case, candidate.target, timed.outcome), environment=key)
