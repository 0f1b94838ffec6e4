"""Time what `xentbench run --speed` asks for: every op and shape of the preset, in a tournament of all frameworks.

The processes are started once and shared by all of it; blocks have a budget, and so a stated time. What a run holds
already is not timed again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.history import ratio
from harness.model import Case, NotRun
from harness.ops import OPS
from harness.running import host
from harness.store import Location, Store
from harness.timing.duel.gateways import Workers
from harness.timing.duel.site import Site
from suites.questions import cases, jobs
from suites.questions.plan import Wanted
from suites.speed import results
from suites.speed.candidates import Candidate, arrays_name
from suites.speed.results import Judge
from suites.speed.tournaments import Tournaments

Progress = Callable[[str, int, int], None]  # what, how many are done, of how many


@dataclass
class SpeedRun:
    """The timings of one run."""

    store: Location
    uid: str
    judge: Judge
    threads: int
    timeout_seconds: float
    progress: Progress

    def run(self, wanted: Wanted) -> dict[str, str]:
        """Time what is wanted; return the frameworks whose timings failed, and why."""
        ops = wanted.ops or wanted.preset.speed_ops or tuple(OPS)
        timed = filter(wanted.takes, cases.speed_cases(wanted.preset, host.memory_bytes()))
        asked = [case for case in timed if case.op.name in ops]
        # numpy, the control, has nothing fused.
        names = [name for name in jobs.slowest_first(wanted) if name != "numpy"] if asked else []
        with Store(self.store) as store:  # what a run that is gone on with could not do then, it may do now
            store.forget_not_run(self.uid, map(_job, names))
        with Workers(self.store.folder / "logs", self.timeout_seconds) as workers:
            tournaments = Tournaments(workers, Site.of(threads=self.threads), _processes(wanted, names))
            tournaments.start(names)
            planned = list(self._planned(tournaments, wanted, asked))
            left = wanted.preset.speed_seconds  # workers start, compile and read memory beside these
            for done, (case, candidates) in enumerate(planned):
                self.progress(f"timings ({case})", done, len(planned))
                left -= self._time(tournaments, case, candidates, left / (len(planned) - done))
                if arrays_name(case) not in {arrays_name(coming) for coming, _ in planned[done + 1 :]}:
                    workers.arrays.forget(arrays_name(case))
        return self._missing(tournaments, wanted)

    def _planned(
        self, tournaments: Tournaments, wanted: Wanted, asked: Sequence[Case]
    ) -> Iterator[tuple[Case, list[Candidate]]]:
        """Yield what is to be timed: a case on a device, unless the run holds all of it."""
        with Store(self.store) as store:
            done = store.done(self.uid)
        devices = dict.fromkeys(device for seen in tournaments.devices.values() for device in seen)
        for case in asked:
            for device in devices:
                if wanted.device in {"", device, device.partition(":")[0]}:
                    candidates = tournaments.candidates(
                        case.op.name, device, wanted.pairs, every=wanted.preset.speed_all
                    )
                    names = {(str(case), candidate.framework, str(candidate.target)) for candidate in candidates}
                    if not names <= done:
                        yield case, candidates

    def _time(self, tournaments: Tournaments, case: Case, candidates: Sequence[Candidate], seconds: float) -> float:
        """Time a case and store it; return the seconds of its blocks."""
        rng = random.Random(0)  # noqa: S311 - the order in which workers are timed
        timed_case, timed = tournaments.run(candidates, case, rng, seconds)
        with Store(self.store) as store:
            results.add(store, self.uid, case, timed, self.judge)
        return timed_case.tournament.measured_seconds

    def _missing(self, tournaments: Tournaments, wanted: Wanted) -> dict[str, str]:
        """Store which frameworks were not there, are not timed, or died; return those that died, and why."""
        died = {}
        for name, reason in tournaments.missing.items():
            answers = name in tournaments.untimed  # and only its times are not there
            entry = NotRun(_job(name) if answers else name, "", wanted.device or "cpu", reason)
            if name in tournaments.died:
                entry = NotRun(_job(name), "", "", f"{reason}; see {self.store.folder / 'logs'}")
                died[_job(name)] = reason
            with Store(self.store) as store:
                store.add_not_run(self.uid, entry)
        return died


def _processes(wanted: Wanted, frameworks: Sequence[str]) -> int:
    """Return how many processes a framework has: of one alone as many as it takes for two runs to be compared."""
    usual = wanted.preset.speed_processes
    return usual if len(frameworks) > 1 else max(usual, ratio.FEW)


def _job(framework: str) -> str:
    """Name a framework's part in the timings, apart from its answers."""
    return f"{framework}-speed"
