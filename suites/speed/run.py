"""What `xentbench run --speed` times: every op and shape of the preset, each in one tournament of all frameworks.

The processes are started once and shared by all of it; blocks have a budget, and so a stated time. What a run holds
already is not timed again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.history import ratio
from harness.model import Case, NotRun
from harness.ops import OPS
from harness.running import host
from harness.store import Location, Store
from harness.timing.duel.gateways import Place, Staff
from suites.questions import cases, jobs
from suites.questions.plan import Wanted
from suites.speed import contestants, results
from suites.speed.contestants import Contestant
from suites.speed.results import Judge
from suites.speed.tournaments import FEWER_WORKERS, League

# Of blocks, all tournaments together; at least one round of each is always played. Worker start, compilation and the
# reading of memory come on top.
SECONDS: Mapping[str, float] = {"quick": 60.0, "standard": 600.0, "full": 1800.0}

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
        with Staff(self.store.folder / "logs", self.timeout_seconds) as staff:
            place = Place.of("", "", self.threads, {})
            # Elsewhere as many as it takes for two runs to be compared.
            workers = FEWER_WORKERS if wanted.preset.name == "quick" else ratio.FEW
            league = League(staff, place, workers)
            league.start(names)
            games = list(self._games(league, wanted, asked))
            left = SECONDS[wanted.preset.name]
            for done, (case, entrants) in enumerate(games):
                self.progress(f"timings ({case})", done, len(games))
                left -= self._play(league, case, entrants, left / (len(games) - done))
                if contestants.drawn(case) not in {contestants.drawn(coming) for coming, _ in games[done + 1 :]}:
                    staff.deposit.forget(contestants.drawn(case))
        return self._missing(league, wanted)

    def _games(self, league: League, wanted: Wanted, asked: Sequence[Case]) -> Iterator[tuple[Case, list[Contestant]]]:
        """Yield what is to be played: a case on a device, unless the run holds all of it."""
        with Store(self.store) as store:
            done = store.done(self.uid)
        devices = dict.fromkeys(device for seen in league.devices.values() for device in seen)
        for case in asked:
            for device in devices:
                if wanted.device in {"", device, device.partition(":")[0]}:
                    entrants = league.entrants(case.op.name, device, wanted.pairs, every=wanted.preset.speed_all)
                    names = {(str(case), one.target.implementation.framework, str(one.target)) for one in entrants}
                    if not names <= done:
                        yield case, entrants

    def _play(self, league: League, case: Case, entrants: Sequence[Contestant], seconds: float) -> float:
        """Play a case and store it; return the seconds of its blocks."""
        rng = random.Random(0)  # noqa: S311 - an order of play
        played, timed = league.tournament(entrants, case, rng, seconds)
        with Store(self.store) as store:
            results.add(store, self.uid, case, timed, self.judge)
        return played.tournament.measured_seconds

    def _missing(self, league: League, wanted: Wanted) -> dict[str, str]:
        """Store which frameworks were not there, or died; return the latter, and why."""
        died = {}
        for name, reason in league.missing.items():
            entry = NotRun(name, "", wanted.device or "cpu", reason)
            if name in league.died:
                entry = NotRun(_job(name), "", "", f"{reason}; see {self.store.folder / 'logs'}")
                died[_job(name)] = reason
            with Store(self.store) as store:
                store.add_not_run(self.uid, entry)
        return died


def _job(framework: str) -> str:
    """Name a framework's part in the timings, apart from its answers."""
    return f"{framework}-speed"
