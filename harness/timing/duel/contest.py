"""Two sides, wave by wave, until it is known which is faster."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from harness.timing.duel import decision, pairing
from harness.timing.duel.decision import Rule, Verdict, Wave
from harness.timing.duel.gateways import Place, Question, Seat, Staff, Worker
from harness.timing.duel.pairing import Blocks, Measured


class Player(Protocol):
    """Who can be timed: a seat, or in tests something that makes numbers up."""

    @property
    def seconds(self) -> float:
        """The estimate of a call."""

    def block(self, blocks: Blocks) -> Measured:
        """Time a block."""


Players = tuple[Sequence[Player], Sequence[Player]]  # A's and B's
Side = tuple[tuple[Measured, ...], ...]  # blocks by worker and round


@dataclass(frozen=True)
class Played:
    """The blocks of a wave: (workers, rounds) a side, raw."""

    a: Side
    b: Side

    @property
    def measured_seconds(self) -> float:
        """Time spent in blocks, both sides."""
        return sum(sum(block.seconds) for side in (self.a, self.b) for worker in side for block in worker)

    @property
    def wave(self) -> Wave:
        """What the decision needs of it."""
        return Wave(*(np.array([[one.log_seconds for one in blocks] for blocks in side]) for side in (self.a, self.b)))


@dataclass(frozen=True)
class Duel:
    """A settled duel."""

    verdict: Verdict
    waves: tuple[Played, ...]

    def blocks(self, side: str) -> list[Measured]:
        """Return all blocks of side `a` or `b`."""
        return [one for wave in self.waves for blocks in getattr(wave, side) for one in blocks]

    @property
    def measured_seconds(self) -> float:
        """Time spent in blocks, both sides."""
        return sum(wave.measured_seconds for wave in self.waves)


def settle(players: Callable[[int], Players], rule: Rule, rng: random.Random) -> Duel:
    """Play waves, then overtime, until the rule has its answer; `players(look)` brings a wave of fresh ones."""
    there: list[Players] = []
    played: list[Played] = []
    for look in range(len(rule.waves)):
        there.append(players(look))
        played.append(play(*there[-1], rule.rounds, rng))
        if verdict := decision.decide([one.wave for one in played], rule):
            return Duel(verdict, tuple(played))
    played = overtime(there, played, rule, rng)
    verdict = decision.decide([one.wave for one in played], rule)
    assert verdict is not None  # the last look has always an answer
    return Duel(verdict, tuple(played))


def overtime(there: Sequence[Players], played: Sequence[Played], rule: Rule, rng: random.Random) -> list[Played]:
    """Let everybody play on while the rule has seconds left, one round at least; return all that was played."""
    spent = sum(one.measured_seconds for one in played)
    a, b = ([one for wave in there for one in wave[side]] for side in (0, 1))
    rounds = int((rule.seconds - spent) / spent * rule.rounds)
    more = play(a, b, min(max(rounds, 1), rule.overtime), rng)
    joined, at = [], 0
    for one in played:
        reach = slice(at, at := at + len(one.a))
        joined.append(Played(_joined(one.a, more.a[reach]), _joined(one.b, more.b[reach])))
    return joined


def _joined(before: Side, after: Side) -> Side:
    return tuple((*early, *late) for early, late in zip(before, after, strict=True))


def play(a: Sequence[Player], b: Sequence[Player], rounds: int, rng: random.Random) -> Played:
    """Play one wave: every worker is timed once a round, never two at once."""
    of_sides = pairing.alike({name: min(one.seconds for one in side) for name, side in (("a", a), ("b", b))})
    chosen = {id(one): of_sides[name] for name, side in (("a", a), ("b", b)) for one in side}
    found: dict[int, list[Measured]] = {id(one): [] for one in (*a, *b)}
    for _ in range(rounds):
        for one in pairing.order(a, b, rng):
            found[id(one)].append(one.block(chosen[id(one)]))
    return Played(*(tuple(tuple(found[id(one)]) for one in side) for side in (a, b)))


@dataclass
class Squads:
    """The workers of two sides. Hired wave by wave as a duel needs them, and kept for the duels that follow."""

    staff: Staff
    places: tuple[Place, Place]
    waves: tuple[int, ...]
    environments: tuple[tuple[str, ...], tuple[str, ...]]  # a side's arguments of the order `environment`

    def __post_init__(self) -> None:
        """Start with no worker."""
        self._hired: list[tuple[list[Worker], list[Worker]]] = []

    def workers(self, look: int) -> tuple[list[Worker], list[Worker]]:
        """Return a wave's workers; those that are new are started together, a side after the other in turn."""
        while len(self._hired) <= look:
            both: tuple[list[Worker], list[Worker]] = ([], [])
            for _ in range(self.waves[len(self._hired)]):
                for side, place, told in zip(both, self.places, self.environments, strict=True):
                    worker = self.staff.hire(place)
                    worker.tell("environment", *told)  # which imports the framework
                    side.append(worker)
            for worker in (*both[0], *both[1]):
                worker.hear()
            self._hired.append(both)
        return self._hired[look]

    def seats(self, look: int, key: str, questions: tuple[Question, Question]) -> tuple[list[Seat], list[Seat]]:
        """Give a wave's workers their questions; the first of a side alone, so that its first call is undisturbed."""
        both = self.workers(look)
        first = [self.staff.seat(side[0], key, question) for side, question in zip(both, questions, strict=True)]
        rest = [(worker, key, question) for side, question in zip(both, questions, strict=True) for worker in side[1:]]
        seated = self.staff.seat_all(rest)
        half = len(both[0]) - 1
        return [first[0], *seated[:half]], [first[1], *seated[half:]]


def leave(seats: Iterable[Seat]) -> None:
    """Let workers drop a question, so that the next one finds the memory."""
    for seat in seats:
        seat.leave()
