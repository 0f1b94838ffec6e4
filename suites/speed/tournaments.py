"""All fused targets of a question against one another: processes are shared, and a death is survived."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harness.model import Case, Crashed, Failed, Implementation, Outcome, Target, TimedOut, Unsupported
from harness.spelling import choice
from harness.timing.duel.contest import leave
from harness.timing.duel.fairness import Peak
from harness.timing.duel.gateways import Place, Refused, Seat, Staff, Worker, WorkerHung, WorkerLost
from harness.timing.duel.seating import seat_in_turn
from harness.timing.duel.tournament import Tournament, play
from harness.timing.traffic import Limit, logits_bytes
from suites.speed import contestants
from suites.speed.contestants import Contestant
from suites.speed.peaks import Witnesses
from suites.speed.results import Timed

WORKERS = 3  # a framework; what differs by less than its processes do is called level
FEWER_WORKERS = 2  # where one call of every mode takes a minute
LARGE_BYTES = 64 << 20  # of logits
DEATHS_AT_MOST = 3  # of one framework's processes; one that dies on every question would go on for ever


def league_size(case: Case) -> int:
    """Return how many processes a framework has for a case."""
    return FEWER_WORKERS if logits_bytes(case) > LARGE_BYTES else WORKERS


@dataclass(frozen=True)
class Played:
    """A tournament as it went: its blocks, what was prepared of each target, and who is out and why."""

    case: Case
    tournament: Tournament
    held: Mapping[str, Mapping[str, Any]]
    out: Mapping[str, Outcome]


@dataclass
class League:
    """Every framework's processes, `workers` each, kept from one tournament to the next."""

    staff: Staff
    place: Place
    workers: int
    graph: bool = False

    def __post_init__(self) -> None:
        """Start with no framework."""
        self.missing: dict[str, str] = {}  # framework -> why it takes no part, or no part any more
        self.died: set[str] = set()  # of those, the ones that were there
        self.devices: dict[str, tuple[str, ...]] = {}
        self._witnesses = Witnesses(self.staff, self.place)
        self._hired: dict[str, list[Worker]] = {}
        self._deaths: dict[str, int] = {}
        self._limits: dict[str, Limit | None] = {}
        self._dispatch: dict[tuple[str, str, str, str], float | None] = {}

    def start(self, names: Iterable[str]) -> None:
        """Import frameworks, each in processes of its own, all at once."""
        told = list(names)
        for name in told:
            try:
                self._hired[name] = [self._called(name) for _ in range(self.workers)]
            except WorkerLost as lost:
                self._leave(name, str(lost))
        for name in told:
            if name in self._hired:
                self._arrive(name)

    def entrants(
        self, op: str, device: str, pairs: Sequence[tuple[str, str]], *, every: bool = True
    ) -> list[Contestant]:
        """Return the fused targets of an op on a device, each function once; not `every`: a framework's first alone.

        pairs: (framework, mode), a mode of "" for all of them; none for all. Raises ValueError for a mode there is not.
        """
        found: list[Contestant] = []
        for name in [name for name in self._hired if device in self.devices[name]]:
            clerk = self._hired[name][0]
            try:
                environment, surroundings = clerk.ask("environment", name, "", device), clerk.ask("surroundings")
                fused = clerk.ask("fused", name, "", op)
            except WorkerLost as lost:
                self._leave(name, str(lost))
                continue
            modes = _modes(name, pairs, tuple(dict.fromkeys(mode for _, mode in fused)))
            targets = [
                Target(Implementation(name, op, function, "fused"), mode, device)
                for function, mode in fused
                if mode in modes and (every or function == fused[0][0])
            ]
            found += [
                Contestant(target, "", self.place, clerk, environment, surroundings, self.graph) for target in targets
            ]
        return found

    def tournament(
        self, entrants: Sequence[Contestant], case: Case, rng: random.Random, seconds: float
    ) -> tuple[Played, list[Timed]]:
        """Play one case; return how it went, and what is to be stored of each entrant whose framework is there."""
        for device in {one.target.device for one in entrants}:
            self.limit(device)  # before anything else takes up memory
        played = self._play(entrants, case, rng, seconds)
        timed = [one for one in entrants if str(one.target) in played.held]
        peaks: dict[str, Peak] = {}
        with suppress(WorkerLost):  # a figure without a peak is one all the same
            peaks = self._witnesses.peaks(timed, case)
        self._measure_dispatch(timed, case)
        there = [one for one in entrants if str(one.target) in {*played.held, *played.out}]
        return played, [self._timed(one, played, peaks.get(str(one.target))) for one in there]

    def _play(self, entrants: Sequence[Contestant], case: Case, rng: random.Random, seconds: float) -> Played:
        """Play one case, in about so many seconds of blocks.

        A target that its process dies of, or hangs in, is out; its framework starts again, and all is played as if that
        target had not come. A framework that cannot start again is missing.
        """
        out: dict[str, Outcome] = {}
        sides: dict[str, list[Seat]] = {}
        of = {str(one.target): one.target.implementation.framework for one in entrants}
        while True:
            present = [one for one in entrants if of[str(one.target)] in self._hired]
            try:
                self._seat([one for one in present if str(one.target) not in {*sides, *out}], case, sides, out)
                found = play(sides, rng, seconds)
                break
            except WorkerLost as lost:
                hung = isinstance(lost, WorkerHung)
                out[lost.key] = TimedOut(self.staff.timeout_seconds) if hung else Crashed(str(lost))
                sides = {
                    key: seats for key, seats in sides.items() if of[key] != of[lost.key] and len(seats) == self.workers
                }
                self._restart(of[lost.key], str(lost))
        held = {key: seats[0].held for key, seats in sides.items()}
        for seats in sides.values():
            with suppress(WorkerLost):  # which the next order meets again
                leave(seats)
        return Played(case, found, held, out)

    def _seat(
        self, entrants: Sequence[Contestant], case: Case, sides: dict[str, list[Seat]], out: dict[str, Outcome]
    ) -> None:
        """Give everybody the question; first workers come first, so that the others find what was compiled."""
        given = [
            (self._hired[one.target.implementation.framework][rank], str(one.target), one.question(self.staff, case))
            for rank in range(self.workers)
            for one in entrants
        ]
        lost: list[WorkerLost] = []
        for key, found in seat_in_turn(self.staff, given):
            match found:
                case Seat():
                    sides.setdefault(key, []).append(found)
                case WorkerLost():
                    lost.append(found)
                case Refused():
                    out[key] = Unsupported(str(found)) if found.state == "unsupported" else Failed(str(found))
        for key in out:
            with suppress(WorkerLost):  # which is raised here, or met again
                leave(sides.pop(key, []))
        if lost:
            raise lost[0]

    def _timed(self, entrant: Contestant, played: Played, peak: Peak | None) -> Timed:
        """Put what was measured beside it to an entrant's blocks."""
        name = str(entrant.target)
        if name in played.out:
            return Timed(entrant, why=played.out[name])
        workers = played.tournament.blocks[name]
        blocks = [one for worker in workers for one in worker]
        dispatch = self._dispatch.get(_smallest_of(entrant, played.case))
        limit = self.limit(entrant.target.device)
        card = contestants.card(entrant, played.case, played.held[name], blocks, dispatch, limit, peak)
        return Timed(entrant, blocks, len(workers), card)

    def limit(self, device: str) -> Limit | None:
        """Return how fast memory is where a device computes, measured when first asked for."""
        name = next((name for name in self._hired if device in self.devices[name]), "")
        if name and device not in self._limits:
            self._limits[device] = None
            try:
                self._limits[device] = contestants.limit(self._hired[name][0], name, device, self.place.threads)
            except WorkerLost as lost:
                self._restart(name, str(lost))
        return self._limits.get(device)

    def _measure_dispatch(self, entrants: Sequence[Contestant], case: Case) -> None:
        """Time the smallest op of all entrants, once for all shapes; prepared together, timed one by one."""
        new = [one for one in entrants if _smallest_of(one, case) not in self._dispatch]
        self._dispatch |= {_smallest_of(one, case): None for one in new}
        of = {str(one.target): one for one in new}
        clerks = {name: workers[0] for name, workers in self._hired.items()}
        given = [
            (clerks[name], str(one.target), contestants.smallest(self.staff, one, case))
            for one in new
            if (name := one.target.implementation.framework) in clerks
        ]
        for key, found in seat_in_turn(self.staff, given):
            try:
                if isinstance(found, Seat):
                    self._dispatch[_smallest_of(of[key], case)] = contestants.dispatch_seconds(found)
                elif isinstance(found, WorkerLost):
                    raise found
            except WorkerLost as lost:
                name = of[key].target.implementation.framework
                if clerks.pop(name, None):  # what else it was told is lost with it
                    self._restart(name, str(lost))

    def _restart(self, name: str, reason: str) -> None:
        """Start a framework's processes again, where one has died or hangs; too many deaths, and it is missing."""
        self._deaths[name] = self._deaths.get(name, 0) + 1
        if self._deaths[name] > DEATHS_AT_MOST:
            self._leave(name, f"died {self._deaths[name]} times; the last time: {reason}")
        else:
            self.staff.dismiss(self._hired.pop(name))
            self.start([name])

    def _leave(self, name: str, reason: str) -> None:
        """Go on without a framework that has died."""
        self.staff.dismiss(self._hired.pop(name, []))
        self.missing[name] = reason
        self.died.add(name)

    def _called(self, name: str) -> Worker:
        worker = self.staff.hire(self.place)
        worker.tell("devices", name)
        return worker

    def _arrive(self, name: str) -> None:
        """Hear of a framework's processes that they have imported it; else it is missing."""
        try:
            *_, self.devices[name] = [tuple(worker.hear()) for worker in self._hired[name]]
        except (Refused, WorkerLost) as error:
            self._leave(name, str(error))
            if isinstance(error, Refused) and error.state == "unsupported":  # it is not installed
                self.died.remove(name)


def _smallest_of(entrant: Contestant, case: Case) -> tuple[str, str, str, str]:
    """Return what an entrant's smallest op is known by."""
    return str(entrant.target), str(case.op), case.dtype, case.quantity


def _modes(framework: str, pairs: Sequence[tuple[str, str]], known: tuple[str, ...]) -> set[str]:
    """Return the modes of a framework that are wanted, of those that it has."""
    wanted = {mode for name, mode in pairs if name == framework}
    for mode in wanted - {"", *known} if known else ():
        choice("--on", f"{framework}:{mode}", tuple(f"{framework}:{each}" for each in known))
    return set(known) if not wanted or "" in wanted else wanted
