"""One piece of a sweep, as a worker does it: some binades of a line, put to all targets of a framework."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from harness.adapters import frameworks
from harness.adapters.adapter import Adapter
from harness.model import Array, Case, Failed, Golden, Inputs, Op, Outcome, Quantity, Target, Unsupported
from harness.running import measured
from harness.running.spread import workers
from harness.scoring import cells
from reference import tiers
from reference.fast.float64 import single
from suites.judging import ask
from suites.judging.sweeps import account
from suites.judging.sweeps.account import Account, Part
from suites.judging.sweeps.pair_sweep import PairSweep
from suites.judging.sweeps.width_sweep import WidthSweep
from suites.questions.swept.pairs import PAIRS
from suites.questions.swept.widths import WIDTHS

CHUNK = 1 << 20  # numbers at a time, which are a cell: with all that is made of them some 100 MB


@dataclass(frozen=True)
class Described:
    """A framework as a worker finds it: what its answers depend on, and whom it offers to an op.

    compiling: modes in which a shape that was not met before is a compilation.
    """

    facts: Mapping[str, str]
    targets: tuple[Target, ...]
    compiling: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """Some rows of lines or pairs of one dtype, the same for all cases, to all targets; none: all rows at once.

    rows: from and below; of rows of every width, these. facts: what every worker's answers have to depend on.
    """

    framework: str
    questions: tuple[tuple[Case, tuple[Target, ...]], ...]
    rows: tuple[int, int] | None
    facts: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """A digest of all that the answers depend on."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


@dataclass(frozen=True)
class Done:
    """What a worker says of a piece: an outcome or a part for each question and target, and the seconds that went."""

    found: tuple[tuple[Case, Target, Outcome | Part], ...]
    asking_seconds: float  # of the processor, in the framework's own calls
    seconds: float  # in all


@cache
def loaded(framework: str) -> Adapter:
    """Return a framework, imported once a process."""
    return frameworks.load(framework)


def facts_of(adapter: Adapter) -> dict[str, str]:
    """Return what answers depend on that all workers share: versions and flags, and the source of what measures."""
    own = adapter.environment("cpu")
    return {**own, workers.SOURCE: measured.edition()[:16]}


def describe(framework: str) -> Described:
    """Say what a framework is here. Raises NotInstalled."""
    adapter = loaded(framework)
    targets = tuple(
        Target(implementation, mode)
        for mode in adapter.modes
        for implementation in adapter.implementations()
        if adapter.offer(implementation).takes("every")
    )
    compiling = tuple(mode for mode in adapter.modes if adapter.compiles(mode) != "nothing")
    return Described(facts_of(adapter), targets, compiling)


def answer(piece: Piece) -> Done:
    """Ask and measure. Raises Mismatch where this worker's framework is another than the sweep's."""
    began = time.process_time()
    adapter = loaded(piece.framework)
    workers.check(facts_of(adapter), dict(piece.facts), f"the first worker of {piece.framework}")
    if piece.rows is None:
        found: list[tuple[Case, Target, Outcome | Part]] = []
        for case, targets in piece.questions:
            shared = ask.asked(case, _certify)
            found += [(case, target, ask.score(adapter, target, shared)) for target in targets]
        return Done(tuple(found), math.nan, time.process_time() - began)
    family = piece.questions[0][0].source.name
    kind = PairSweep if family in PAIRS else WidthSweep if family in WIDTHS else Sweep
    sweep = kind(adapter, piece.questions, piece.rows)
    return Done(tuple(sweep.run()), sweep.asking_seconds, time.process_time() - began)


def _certify(op: Op, quantity: Quantity, inputs: Inputs, audit: float) -> Golden:
    return tiers.certify(op, quantity, inputs, audit)


class Sweep:
    """Some rows of float32's line, asked chunk by chunk."""

    def __init__(
        self, adapter: Adapter, questions: Sequence[tuple[Case, tuple[Target, ...]]], rows: tuple[int, int]
    ) -> None:
        """Take what is asked."""
        self.adapter, self.questions, self.rows = adapter, questions, rows
        self.asking_seconds = 0.0
        self._plans = {case: single.plan(case.op, case.quantity, account.label(case)) for case, _ in questions}
        self._accounts = {(case, target): Account() for case, targets in questions for target in targets}
        numbers = (rows[1] - rows[0]) * account.PER_ROW * len(self._accounts)
        for loops in (single.LOOPS, cells.LOOPS):
            loops.get(numbers)  # all that is to come: so that they take over from the first chunk on, where they pay
        self._refused: dict[tuple[Case, Target], Outcome] = {}

    def run(self) -> Iterator[tuple[Case, Target, Outcome | Part]]:
        """Ask and measure."""
        for row in range(*self.rows):
            digests = {key: hashlib.sha256() for key in self._accounts}
            for start in range(0, account.PER_ROW, CHUNK):
                self._chunk(row, start, digests)
            for key, known in self._accounts.items():
                known.digests.append(digests[key].hexdigest()[: cells.DIGITS])
                known.whole.update(digests[key].digest())
        for (case, target), known in self._accounts.items():
            yield case, target, self._refused.get((case, target)) or account.part(case, known)

    def _chunk(self, row: int, start: int, digests: Mapping[tuple[Case, Target], hashlib._Hash]) -> None:
        x = account.numbers(row, start, start + CHUNK)
        basis = single.basis(x.astype(np.float64))
        for case, targets in self.questions:
            truth, inputs = single.truth(self._plans[case], basis), account.inputs(case, x)
            for target in targets:
                key = case, target
                if key in self._refused:
                    continue
                began = time.process_time()
                got = self.adapter.ask(case.op, case.quantity, inputs, target)
                self.asking_seconds += time.process_time() - began
                if isinstance(got, Unsupported | Failed):
                    self._refused[key] = got
                    continue
                flat = _plain_nans(got.reshape(-1))
                digests[key].update(flat.data)
                account.add(self._accounts[key], case, flat, truth, x, row * account.PER_ROW + start)


def _plain_nans(got: Array) -> Array:
    """Return an answer with every nan the same one, as `harness.scoring.bits` has it."""
    lost = np.isnan(got)
    return np.where(lost, np.array(np.nan, got.dtype), got) if lost.any() else np.ascontiguousarray(got)
