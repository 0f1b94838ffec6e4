"""Timings of duels and tournaments as results of a run, each with what its figure holds in its environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import host
from harness.duel import fairness
from harness.duel.fairness import Card
from harness.duel.pairing import Measured
from harness.model import Case, Failed, Outcome, Result, Timing
from harness.store import Store
from suites.contestants import Contestant

STORE = Path("build/speed.sqlite")


@dataclass(frozen=True)
class Timed:
    """A contestant's blocks and card; or why there are none."""

    contestant: Contestant
    blocks: Sequence[Measured]
    card: Card | None
    refused: str = ""

    @property
    def outcome(self) -> Outcome:
        """One sample a block: its lower quartile."""
        if self.card is None:
            return Failed(self.refused)
        seconds = tuple(fairness.seconds(one) for one in self.blocks)
        return Timing(seconds, self.blocks[0].calls, self.card.first_seconds)


def keep(store: Path, what: str, case: Case, timed: Iterable[Timed]) -> str:
    """Store timings as a run of their own; return its uid."""
    run = host.new_run(what)
    with Store(store) as opened:
        opened.begin(run)
        opened.append(run.uid, [_result(opened, case, one) for one in timed])
        opened.finish(run.uid)
    return run.uid


def _result(store: Store, case: Case, timed: Timed) -> Result:
    of = timed.contestant
    facts = {"framework": of.target.implementation.framework, "device": of.target.device, **of.environment}
    settings = timed.card.settings if timed.card else {}
    key = store.add_environment(facts | {f"card: {name}": value for name, value in settings.items()})
    return Result(case, of.target, timed.outcome, "unjudged", "", key)
