"""Settle suspicious times of two runs: each is timed in a duel between the two environments, at once.

Two runs take their times hours apart, in other processes, on a machine that is warm or busy by then: what a run says of
another is a suspicion. A duel times both in turn, in fresh processes, and its ratio stands for theirs from then on.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.history.difference import CARD
from harness.model import Case, Recorded, Result, Settled, Target, Timing
from harness.store import Location
from harness.timing.duel import record
from harness.timing.duel.decision import Rule
from harness.timing.duel.gateways import Refused, WorkerLost, Workers
from harness.timing.duel.site import Site
from harness.timing.duel.waves import Duel, Sides
from suites.speed import candidates

Progress = Callable[[str, int, int], None]  # what, how many are done, of how many
Group = tuple[str, str, str, str]  # framework, device, and the environments of both


@dataclass(frozen=True)
class Settling:
    """Duels between the environments of two runs.

    pythons: their interpreters. size: the relative difference of times from which one counts.
    """

    before: Recorded
    after: Recorded
    pythons: tuple[str, str]
    size: float
    store: Location
    progress: Progress

    def run(self, suspicious: Sequence[tuple[Result, Result]]) -> Iterator[Result | str]:
        """Yield, for each, the later result with what a duel found, or why none could be played.

        Raises ValueError where an interpreter is another environment than its run had.
        """
        for python in self.pythons:
            if shutil.which(python) is None:
                raise ValueError(f"--python is {python!r}, expected an interpreter, such as .venv/bin/python")
        groups: dict[Group, list[tuple[Result, Result]]] = {}
        for pair in suspicious:
            groups.setdefault(_group(*pair), []).append(pair)
        done = 0
        with Workers(self.store.folder / "logs") as workers:
            for group, pairs in groups.items():
                sides = self._sides(workers, group)
                for _, after in pairs:
                    self.progress(f"duels ({after.case})", done, len(suspicious))
                    self._check(sides, group)
                    yield self._settle(sides, after)
                    done += 1
                sides.stop()

    def _settle(self, sides: Sides, after: Result) -> Result | str:
        order = candidates.order(sides.workers, after.case, after.target)
        rule = Rule(min_effect=self.size)
        try:
            duel, _ = sides.duel(str(after.case), (order, order), rule, random.Random(0))  # noqa: S311 - an order
        except (WorkerLost, Refused) as error:
            sides.stop()
            return f"{after.case} {after.target}: {error}"
        self._record(duel, rule, after.case, after.target)
        return with_duel(after, self.before.run.uid, duel)

    def _sides(self, workers: Workers, group: Group) -> Sides:
        framework, device, *keys = group
        sites = [
            Site.of(python, threads=_threads(run, key))
            for python, run, key in zip(self.pythons, (self.before, self.after), keys, strict=True)
        ]
        where = (framework, "", device)
        return Sides(workers, (sites[0], sites[1]), Rule().waves, (where, where))

    def _check(self, sides: Sides, group: Group) -> None:
        """Raise ValueError where the environments are not those of the runs: a duel of others would settle nothing."""
        framework, device, *keys = group
        try:
            sides.wave(0)
        except Refused as error:
            raise ValueError(f"{framework} on {device} cannot be timed: {error}") from error
        for side, (run, key) in enumerate(zip((self.before, self.after), keys, strict=True)):
            facts = run.environments.get(key, {})
            for name, value in sides.found[side].items():
                if facts.get(name, value) != value:
                    raise ValueError(
                        f"--python {self.pythons[side]} has {name} {value}, expected {facts[name]}, "
                        f"as run {run.run.uid}; try: the environment that it was asked in"
                    )

    def _record(self, duel: Duel, rule: Rule, case: Case, target: Target) -> None:
        """Keep the raw blocks, from which the ratio can be computed anew."""
        runs = [self.before.run.uid, self.after.run.uid]
        name = hashlib.sha256("\n".join([*runs, str(case), str(target)]).encode()).hexdigest()[:16]
        facts = {"case": str(case), "target": str(target), "runs": runs, **record.plain(duel, rule)}
        record.write(self.store.folder / "duels" / f"{name}.json", "settled", facts)


def with_duel(after: Result, earlier: str, duel: Duel) -> Result:
    """Return a timing with what a duel found of it beside an earlier run; one that was found before is replaced."""
    assert isinstance(after.outcome, Timing)
    verdict = duel.verdict
    found = Settled(earlier, verdict.ratio, verdict.low, verdict.high, verdict.workers)
    others = tuple(one for one in after.outcome.settled if one.run != earlier)
    return replace(after, outcome=replace(after.outcome, settled=(*others, found)))


def _group(before: Result, after: Result) -> Group:
    target = after.target
    return target.implementation.framework, target.device, before.environment, after.environment


def _threads(run: Recorded, environment: str) -> int:
    """Return how many threads a time was taken with; a run of older programs says none."""
    said = run.environments.get(environment, {}).get(f"{CARD}threads", "")
    return int(said) if said.isdecimal() else 1
