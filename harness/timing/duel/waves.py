"""Two sides timed wave by wave of fresh workers, until it is known which is faster."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from harness.timing.duel import decision, pairing
from harness.timing.duel.decision import Rule, Verdict, Wave
from harness.timing.duel.gateways import Loaded, Worker, Workers
from harness.timing.duel.order import Order
from harness.timing.duel.pairing import Blocks, Measured
from harness.timing.duel.site import Site


class Timeable(Protocol):
    """What can be timed: a loaded worker, or in tests something that makes numbers up."""

    @property
    def seconds(self) -> float:
        """The estimate of a call."""

    def block(self, blocks: Blocks) -> Measured:
        """Time a block."""


Pair = tuple[Loaded, Loaded]  # A's and B's
Both = tuple[Sequence[Timeable], Sequence[Timeable]]  # A's and B's
Measurements = tuple[tuple[Measured, ...], ...]  # blocks by worker and round


@dataclass(frozen=True)
class Rounds:
    """The blocks of a wave: (workers, rounds) a side, raw."""

    a: Measurements
    b: Measurements

    @property
    def measured_seconds(self) -> float:
        """Time spent in blocks, both sides."""
        return sum(sum(block.seconds) for side in (self.a, self.b) for worker in side for block in worker)

    @property
    def wave(self) -> Wave:
        """What the decision needs of it."""
        return Wave(
            *(np.array([[block.log_seconds for block in worker] for worker in side]) for side in (self.a, self.b))
        )


@dataclass(frozen=True)
class Duel:
    """A decided duel."""

    verdict: Verdict
    waves: tuple[Rounds, ...]

    def blocks(self, side: str) -> list[Measured]:
        """Return all blocks of side `a` or `b`."""
        return [block for wave in self.waves for worker in getattr(wave, side) for block in worker]

    @property
    def measured_seconds(self) -> float:
        """Time spent in blocks, both sides."""
        return sum(wave.measured_seconds for wave in self.waves)


def settle(load: Callable[[int], Both], rule: Rule, rng: random.Random) -> Duel:
    """Time waves, then overtime, until the rule has its answer; `load(look)` brings a wave of fresh workers."""
    waves: list[Both] = []
    timed: list[Rounds] = []
    for look in range(len(rule.waves)):
        waves.append(load(look))
        timed.append(time_rounds(*waves[-1], rule.rounds, rng))
        if verdict := decision.decide([rounds.wave for rounds in timed], rule):
            return Duel(verdict, tuple(timed))
    timed = overtime(waves, timed, rule, rng)
    verdict = decision.decide([rounds.wave for rounds in timed], rule)
    assert verdict is not None  # the last look has always an answer
    return Duel(verdict, tuple(timed))


def overtime(waves: Sequence[Both], timed: Sequence[Rounds], rule: Rule, rng: random.Random) -> list[Rounds]:
    """Time all workers for more rounds while the rule has seconds left, one at least; return all rounds by wave."""
    spent = sum(rounds.measured_seconds for rounds in timed)
    a, b = ([worker for wave in waves for worker in wave[side]] for side in (0, 1))
    rounds = int((rule.seconds - spent) / spent * rule.rounds)
    more = time_rounds(a, b, min(max(rounds, 1), rule.overtime), rng)
    extended, start = [], 0
    for before in timed:
        reach = slice(start, start := start + len(before.a))
        extended.append(Rounds(_extended(before.a, more.a[reach]), _extended(before.b, more.b[reach])))
    return extended


def _extended(before: Measurements, after: Measurements) -> Measurements:
    return tuple((*early, *late) for early, late in zip(before, after, strict=True))


def time_rounds(a: Sequence[Timeable], b: Sequence[Timeable], rounds: int, rng: random.Random) -> Rounds:
    """Time one wave: every worker once a round, never two at once."""
    chosen = pairing.shared_blocks(
        {name: min(worker.seconds for worker in side) for name, side in (("a", a), ("b", b))}
    )
    blocks = {id(worker): chosen[name] for name, side in (("a", a), ("b", b)) for worker in side}
    measured: dict[int, list[Measured]] = {id(worker): [] for worker in (*a, *b)}
    for _ in range(rounds):
        for worker in pairing.shuffle(a, b, rng):
            measured[id(worker)].append(worker.block(blocks[id(worker)]))
    return Rounds(*(tuple(tuple(measured[id(worker)]) for worker in side) for side in (a, b)))


@dataclass
class Sides:
    """The workers of two sides. Started wave by wave as a duel needs them, and kept for the duels that follow."""

    workers: Workers
    sites: tuple[Site, Site]
    sizes: tuple[int, ...]  # of the waves: workers a side
    environments: tuple[tuple[str, ...], tuple[str, ...]]  # a side's arguments of the order `environment`

    def __post_init__(self) -> None:
        """Begin with no worker."""
        self._waves: list[tuple[list[Worker], list[Worker]]] = []
        self.found: list[dict[str, str]] = []  # the environment of each side, once a wave was started

    def wave(self, look: int) -> tuple[list[Worker], list[Worker]]:
        """Return a wave's workers; those that are new are started together, a side after the other in turn."""
        while len(self._waves) <= look:
            both: tuple[list[Worker], list[Worker]] = ([], [])
            for _ in range(self.sizes[len(self._waves)]):
                for side, site, environment in zip(both, self.sites, self.environments, strict=True):
                    worker = self.workers.start(site)
                    worker.send("environment", *environment)  # which imports the framework
                    side.append(worker)
            self._waves.append(both)  # so that they are stopped where one of them is lost
            found = [[worker.receive() for worker in side] for side in both]
            self.found = [side[0] for side in found]
        return self._waves[look]

    def load(self, look: int, key: str, orders: tuple[Order, Order]) -> tuple[list[Loaded], list[Loaded]]:
        """Let a wave prepare its calls; the first worker of a side alone, so that its first call is undisturbed."""
        both = self.wave(look)
        first = [self.workers.load(side[0], key, order) for side, order in zip(both, orders, strict=True)]
        rest = [(worker, key, order) for side, order in zip(both, orders, strict=True) for worker in side[1:]]
        loaded = self.workers.load_all(rest)
        half = len(both[0]) - 1
        return [first[0], *loaded[:half]], [first[1], *loaded[half:]]

    def duel(self, key: str, orders: tuple[Order, Order], rule: Rule, rng: random.Random) -> tuple[Duel, Pair]:
        """Time two calls until the rule has its answer, and let go of them; return each side's first worker too."""
        waves: list[tuple[list[Loaded], list[Loaded]]] = []

        def load(look: int) -> tuple[list[Loaded], list[Loaded]]:
            waves.append(self.load(look, key, orders))
            return waves[-1]

        found = settle(load, rule, rng)
        unload(worker for wave in waves for side in wave for worker in side)
        return found, (waves[0][0][0], waves[0][1][0])

    def stop(self) -> None:
        """Stop every worker; what is asked next starts new ones."""
        self.workers.stop([worker for wave in self._waves for side in wave for worker in side])
        self._waves = []


def unload(loaded: Iterable[Loaded]) -> None:
    """Let workers drop a call, so that the next one finds the memory."""
    for worker in loaded:
        worker.unload()
