"""All fused targets of a case timed against one another: processes are shared, and a death is survived."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from harness.model import Case, Crashed, Implementation, Outcome, Target, TimedOut, Unsupported
from harness.spelling import choice
from harness.timing.duel import tournament
from harness.timing.duel.fairness import Peak
from harness.timing.duel.gateways import Loaded, Refused, Worker, WorkerHung, WorkerLost, Workers
from harness.timing.duel.order import Preparation
from harness.timing.duel.site import Site
from harness.timing.duel.tournament import Tournament
from harness.timing.duel.waves import unload
from harness.timing.traffic import Bandwidth, logits_bytes
from suites.speed import candidates
from suites.speed.candidates import Candidate
from suites.speed.peaks import PeakMemory
from suites.speed.results import Timed

PROCESSES = 3  # a framework; what differs by less than its processes do is called level
FEWER_PROCESSES = 2  # where one call of every mode takes a minute
LARGE_BYTES = 64 << 20  # of logits
DEATHS_AT_MOST = 3  # of one framework's processes; one that dies on every case would go on for ever


def processes(case: Case) -> int:
    """Return how many processes a framework has for a case."""
    return FEWER_PROCESSES if logits_bytes(case) > LARGE_BYTES else PROCESSES


@dataclass(frozen=True)
class TimedCase:
    """A case as it was timed: its blocks, what was prepared of each target, and which targets are out and why."""

    case: Case
    tournament: Tournament
    preparations: Mapping[str, Preparation]
    out: Mapping[str, Outcome]


@dataclass
class Tournaments:
    """Every framework's processes, `count` each, kept from one tournament to the next."""

    workers: Workers
    site: Site
    count: int
    graph: bool = False

    def __post_init__(self) -> None:
        """Begin with no framework."""
        self.missing: dict[str, str] = {}  # framework -> why it takes no part, or no part any more
        self.died: set[str] = set()  # of those, the ones that were there
        self.untimed: set[str] = set()  # of those, the ones that are there and whose calls are not timed
        self.devices: dict[str, tuple[str, ...]] = {}
        self._peak_memory = PeakMemory(self.workers, self.site)
        self._running: dict[str, list[Worker]] = {}
        self._deaths: dict[str, int] = {}
        self._bandwidths: dict[str, Bandwidth | None] = {}
        self._dispatch: dict[tuple[str, str, str, str], float | None] = {}

    def start(self, frameworks: Iterable[str]) -> None:
        """Import frameworks, each in processes of its own, all at once."""
        wanted = list(frameworks)
        for name in wanted:
            try:
                self._running[name] = [self._importing(name) for _ in range(self.count)]
            except WorkerLost as lost:
                self._give_up(name, str(lost))
        for name in wanted:
            if name in self._running:
                self._wait_for_import(name)

    def candidates(
        self, op: str, device: str, pairs: Sequence[tuple[str, str]], *, every: bool = True
    ) -> list[Candidate]:
        """Return the fused targets of an op on a device, each function once; not `every`: a framework's first alone.

        pairs: (framework, mode), a mode of "" for all of them; none for all. Raises ValueError for a mode there is not.
        """
        found: list[Candidate] = []
        for name in [name for name in self._running if device in self.devices[name]]:
            worker = self._running[name][0]
            try:
                environment, surroundings = worker.ask("environment", name, "", device), worker.ask("surroundings")
                fused = worker.ask("fused", name, "", op)
            except WorkerLost as lost:
                self._give_up(name, str(lost))
                continue
            modes = _modes(name, pairs, tuple(dict.fromkeys(mode for _, mode in fused)))
            targets = [
                Target(Implementation(name, op, function, "fused"), mode, device)
                for function, mode in fused
                if mode in modes and (every or function == fused[0][0])
            ]
            found += [
                Candidate(target, "", self.site, worker, environment, surroundings, self.graph) for target in targets
            ]
        return found

    def run(
        self, wanted: Sequence[Candidate], case: Case, rng: random.Random, seconds: float
    ) -> tuple[TimedCase, list[Timed]]:
        """Time one case; return how it went, and what is to be stored of each candidate whose framework is there."""
        for device in {one.target.device for one in wanted}:
            self.bandwidth(device)  # before anything else takes up memory
        timed = self._time(wanted, case, rng, seconds)
        finished = [one for one in wanted if str(one.target) in timed.preparations]
        peaks: dict[str, Peak] = {}
        with suppress(WorkerLost):  # a figure without a peak is one all the same
            peaks = self._peak_memory.peaks(finished, case)
        self._measure_dispatch(finished, case)
        return timed, [
            self._result(one, timed, peaks.get(str(one.target)))
            for one in wanted
            if str(one.target) in {*timed.preparations, *timed.out}
        ]

    def _time(self, wanted: Sequence[Candidate], case: Case, rng: random.Random, seconds: float) -> TimedCase:
        """Time one case, in about so many seconds of blocks.

        A target that its process dies of, or hangs in, is out; its framework starts again, and all is timed as if that
        target had not come. A framework that cannot start again is missing.
        """
        out: dict[str, Outcome] = {}
        sides: dict[str, list[Loaded]] = {}
        framework = {str(one.target): one.framework for one in wanted}
        while True:
            present = [one for one in wanted if one.framework in self._running]
            try:
                self._load([one for one in present if str(one.target) not in {*sides, *out}], case, sides, out)
                blocks = tournament.run(sides, rng, seconds)
                break
            except WorkerLost as lost:
                hung = isinstance(lost, WorkerHung)
                out[lost.key] = TimedOut(self.workers.timeout_seconds) if hung else Crashed(str(lost))
                sides = {
                    key: side
                    for key, side in sides.items()
                    if framework[key] != framework[lost.key] and len(side) == self.count
                }
                self._restart(framework[lost.key], str(lost))
        for side in sides.values():
            with suppress(WorkerLost):  # which the next order meets again
                unload(side)
        return TimedCase(case, blocks, {key: side[0].preparation for key, side in sides.items()}, out)

    def _load(
        self, wanted: Sequence[Candidate], case: Case, sides: dict[str, list[Loaded]], out: dict[str, Outcome]
    ) -> None:
        """Let all processes prepare the case; first workers come first, so that the others find what was compiled."""
        orders = [
            (self._running[one.framework][rank], str(one.target), one.order(self.workers, case))
            for rank in range(self.count)
            for one in wanted
        ]
        lost: list[WorkerLost] = []
        for key, answer in self.workers.load_in_turn(orders):
            match answer:
                case Loaded():
                    sides.setdefault(key, []).append(answer)
                case WorkerLost():
                    lost.append(answer)
                case Refused():
                    out[key] = answer.outcome
        for key in out:
            with suppress(WorkerLost):  # which is raised here, or met again
                unload(sides.pop(key, []))
        if lost:
            raise lost[0]

    def _result(self, candidate: Candidate, timed: TimedCase, peak: Peak | None) -> Timed:
        """Put what was measured beside it to a candidate's blocks."""
        name = str(candidate.target)
        if name in timed.out:
            return Timed(candidate, why=timed.out[name])
        side = timed.tournament.blocks[name]
        blocks = [block for worker in side for block in worker]
        dispatch = self._dispatch.get(_smallest_key(candidate, timed.case))
        bandwidth = self.bandwidth(candidate.target.device)
        card = candidates.card(candidate, timed.case, timed.preparations[name], blocks, dispatch, bandwidth, peak)
        return Timed(candidate, blocks, len(side), card)

    def bandwidth(self, device: str) -> Bandwidth | None:
        """Return how fast memory is where a device computes, measured when first asked for."""
        name = next((name for name in self._running if device in self.devices[name]), "")
        if name and device not in self._bandwidths:
            self._bandwidths[device] = None
            try:
                worker = self._running[name][0]
                self._bandwidths[device] = candidates.bandwidth(worker, name, device, self.site.threads)
            except WorkerLost as lost:
                self._restart(name, str(lost))
        return self._bandwidths.get(device)

    def _measure_dispatch(self, wanted: Sequence[Candidate], case: Case) -> None:
        """Time the smallest op of all candidates, once for all shapes; prepared together, timed one by one."""
        new = {str(one.target): one for one in wanted if _smallest_key(one, case) not in self._dispatch}
        self._dispatch |= {_smallest_key(one, case): None for one in new.values()}
        first = {name: workers[0] for name, workers in self._running.items()}
        orders = [
            (first[one.framework], key, candidates.smallest(self.workers, one, case))
            for key, one in new.items()
            if one.framework in first
        ]
        for key, answer in self.workers.load_in_turn(orders):
            try:
                if isinstance(answer, Loaded):
                    self._dispatch[_smallest_key(new[key], case)] = candidates.dispatch_seconds(answer)
                elif isinstance(answer, WorkerLost):
                    raise answer
            except WorkerLost as lost:
                if first.pop(new[key].framework, None):  # what else it has prepared is lost with it
                    self._restart(new[key].framework, str(lost))

    def _restart(self, name: str, reason: str) -> None:
        """Start a framework's processes again, where one has died or hangs; too many deaths, and it is missing."""
        self._deaths[name] = self._deaths.get(name, 0) + 1
        if self._deaths[name] > DEATHS_AT_MOST:
            self._give_up(name, f"died {self._deaths[name]} times; the last time: {reason}")
        else:
            self.workers.stop(self._running.pop(name))
            self.start([name])

    def _give_up(self, name: str, reason: str) -> None:
        """Go on without a framework that has died."""
        self.workers.stop(self._running.pop(name, []))
        self.missing[name] = reason
        self.died.add(name)

    def _importing(self, name: str) -> Worker:
        worker = self.workers.start(self.site)
        worker.send("devices", name)
        return worker

    def _wait_for_import(self, name: str) -> None:
        """Wait until a framework's processes have imported it; else, or where calls are not timed, it is missing."""
        try:
            *_, self.devices[name] = [tuple(worker.receive()) for worker in self._running[name]]
            if reason := self._running[name][0].ask("untimed", name):
                self.workers.stop(self._running.pop(name))
                self.missing[name] = reason
                self.untimed.add(name)
        except (Refused, WorkerLost) as error:
            self._give_up(name, str(error))
            if isinstance(error, Refused) and isinstance(error.outcome, Unsupported):  # it is not installed
                self.died.remove(name)


def _smallest_key(candidate: Candidate, case: Case) -> tuple[str, str, str, str]:
    """Return what a candidate's smallest op is known by."""
    return str(candidate.target), str(case.op), case.dtype, case.quantity


def _modes(framework: str, pairs: Sequence[tuple[str, str]], known: tuple[str, ...]) -> set[str]:
    """Return the modes of a framework that are wanted, of those that it has."""
    wanted = {mode for name, mode in pairs if name == framework}
    for mode in wanted - {"", *known} if known else ():
        choice("--on", f"{framework}:{mode}", tuple(f"{framework}:{each}" for each in known))
    return set(known) if not wanted or "" in wanted else wanted
