"""One piece of a sweep, as a worker does it: some binades of a line, put to all targets of a framework."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

import numpy as np

from harness.adapters import frameworks
from harness.adapters.adapter import Adapter
from harness.model import (
    FORMATS,
    Array,
    BudgetClass,
    Case,
    Failed,
    Golden,
    Inputs,
    Op,
    Outcome,
    Quantity,
    Target,
    Unsupported,
)
from harness.ops import OPS
from harness.running import measured
from harness.scoring import cells, swept, ulp
from harness.scoring.cells import Sums
from harness.scoring.swept import Region
from harness.scoring.ulp import Truth
from reference import tiers
from reference.fast import single
from reference.options import meaning
from suites.judging import ask
from suites.questions import families

CHUNK = 1 << 20  # numbers at a time, which are a cell: with all that is made of them some 100 MB
AUDIT = 1 / 1024  # share of what the reference is asked one by one that mpmath answers beside it
FORM = FORMATS["float32"]  # whose line is cut into pieces
SIGN, FRACTION = 1 << 31, 1 << 23  # the bits of float32
SOURCE = "measured by"
PER_ROW = FRACTION  # numbers


class Mismatch(ValueError):  # noqa: N818 - said of a worker
    """A worker whose answers could not be put beside those of the others."""


@dataclass(frozen=True)
class Described:
    """A framework as a worker finds it: what its answers depend on, and whom it offers to an op."""

    facts: Mapping[str, str]
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Piece:
    """Some rows of lines of one dtype, the same for all cases, to all targets; none stands for all rows at once.

    facts: what every worker's answers have to depend on.
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
class Furthest:
    """The element that is furthest off: its place, its error in ulps, and what came back."""

    place: int
    ulps: float
    got: float


@dataclass(frozen=True)
class Part:
    """What some rows of an answer came to."""

    text: str  # of a Swept
    over: Mapping[BudgetClass, float]  # error over bound, of the worst of each chunk
    verdicts: Mapping[str, int]
    worst: Furthest
    bits: str  # digest of the rows' bits


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
    return {**own, SOURCE: measured.edition()[:16]}


def describe(framework: str) -> Described:
    """Say what a framework is here. Raises NotInstalled."""
    adapter = loaded(framework)
    targets = tuple(
        Target(implementation, mode)
        for mode in adapter.modes
        for implementation in adapter.implementations()
        if adapter.offer(implementation).takes("every")
    )
    return Described(facts_of(adapter), targets)


def answer(piece: Piece) -> Done:
    """Ask and measure. Raises Mismatch where this worker's framework is another than the sweep's."""
    began = time.process_time()
    adapter = loaded(piece.framework)
    here, wanted = facts_of(adapter), dict(piece.facts)
    differ = [name for name in here.keys() | wanted.keys() if here.get(name) != wanted.get(name)]
    if off := sorted(differ, key=lambda name: (name == SOURCE, name)):
        name = off[0]
        raise Mismatch(
            f"worker {os.uname().nodename}:{os.getpid()} has {name} {here.get(name)!r}, expected "
            f"{wanted.get(name)!r} as the first worker of {piece.framework}; try: the same environment for all workers"
        )
    if piece.rows is None:
        found: list[tuple[Case, Target, Outcome | Part]] = []
        for case, targets in piece.questions:
            shared = ask.asked(case, _certify)
            found += [(case, target, ask.score(adapter, target, shared)) for target in targets]
        return Done(tuple(found), math.nan, time.process_time() - began)
    sweep = Sweep(adapter, piece)
    return Done(tuple(sweep.run(*piece.rows)), sweep.asking_seconds, time.process_time() - began)


def _certify(op: Op, quantity: Quantity, inputs: Inputs, audit: float) -> Golden:
    return tiers.certify(op, quantity, inputs, audit)


def numbers(row: int, start: int, stop: int) -> Array:
    """Return some numbers of a row of float32's line, as float32."""
    half = FORM.emax - FORM.emin + 2
    within = np.arange(start, stop, dtype=np.uint32)
    if row >= half:
        return (np.uint32((row - half) * FRACTION) + within).view(np.float32)
    return (np.uint32(SIGN + (half - 1 - row) * FRACTION) + (FRACTION - 1 - within)).view(np.float32)


@dataclass
class Account:
    """What is known so far of the rows of one answer."""

    cells: list[Sums] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    whole: hashlib._Hash = field(default_factory=hashlib.sha256)
    regions: list[tuple[Sequence[Region], int]] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)
    furthest: list[Furthest] = field(default_factory=list)  # of each chunk, those that flushing explains left out
    worst: Furthest = Furthest(-1, 0.0, 0.0)


class Sweep:
    """Some rows of float32's line, asked chunk by chunk."""

    def __init__(self, adapter: Adapter, piece: Piece) -> None:
        """Take what is asked."""
        self.adapter, self.questions = adapter, piece.questions
        self.asking_seconds = 0.0
        self._plans = {case: single.plan(case.op, case.quantity, label(case)) for case, _ in piece.questions}
        self._refused: dict[tuple[Case, Target], Outcome] = {}
        self._accounts = {(case, target): Account() for case, targets in piece.questions for target in targets}

    def run(self, first: int, last: int) -> Iterator[tuple[Case, Target, Outcome | Part]]:
        """Ask rows from the first to the one before the last."""
        for row in range(first, last):
            digests = {key: hashlib.sha256() for key in self._accounts}
            for start in range(0, PER_ROW, CHUNK):
                self._chunk(row, start, digests)
            for key, account in self._accounts.items():
                account.digests.append(digests[key].hexdigest()[: cells.DIGITS])
        for (case, target), account in self._accounts.items():
            yield case, target, self._refused.get((case, target)) or _part(case, account)

    def _chunk(self, row: int, start: int, digests: Mapping[tuple[Case, Target], hashlib._Hash]) -> None:
        x = numbers(row, start, start + CHUNK)
        basis = single.basis(x.astype(np.float64))
        for case, targets in self.questions:
            truth, inputs = single.truth(self._plans[case], basis), _inputs(case, x)
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
                self._accounts[key].whole.update(flat.data)
                _add(self._accounts[key], case, flat, truth, x, row * PER_ROW + start)


def _plain_nans(got: Array) -> Array:
    """Return an answer with every nan the same one, as `harness.scoring.bits` has it."""
    lost = np.isnan(got)
    return np.where(lost, np.array(np.nan, got.dtype), got) if lost.any() else np.ascontiguousarray(got)


def _add(account: Account, case: Case, got: Array, truth: Truth, x: Array, first: int) -> None:
    """Add a chunk: what is plain at once, the rest by the definitions."""
    sums, left = cells.measure(got, truth, FORM)
    furthest = [Furthest(first + sums.place, sums.worst, float(got[sums.place]))] if sums.elements else []
    if len(left):
        ulps, codes = _by_definition(case, got[left], Truth(*(part[left] for part in truth)), x[left])
        sums = sums.plus(cells.some(ulps, left))
        for code in np.unique(codes).tolist():
            if code:
                name = cells.CODES[code]
                account.verdicts[name] = account.verdicts.get(name, 0) + int(np.count_nonzero(codes == code))
        if codes.any():
            every = np.zeros(len(got), np.uint8)
            every[left] = codes
            account.regions.append(cells.regions(every, first))
        size = np.where(codes == cells.CODES.index("flushed"), -1.0, np.where(np.isnan(ulps), np.inf, np.abs(ulps)))
        top = int(size.argmax())
        if size[top] >= 0:
            furthest.append(Furthest(first + int(left[top]), float(ulps[top]), float(got[left[top]])))
    account.cells.append(sums.behind(first))
    account.furthest += furthest
    if account.worst.place < 0 or abs(sums.worst) > abs(account.worst.ulps):
        account.worst = Furthest(first + sums.place, sums.worst, float(got[sums.place]))


def _by_definition(case: Case, got: Array, truth: Truth, x: Array) -> tuple[Array, Array]:
    """Return signed errors in ulps and verdicts; what the radius leaves open is asked of the slower tiers."""
    ulps, reach = cells.in_ulps(got, truth, FORM)
    with np.errstate(invalid="ignore", over="ignore"):
        off = (truth.radius + cells.SLACK) * reach
        known = (np.abs(np.abs(ulps) - 0.5) > off) | ~np.isfinite(got)
        known &= off <= cells.WIDEST
    hi, lo = truth.value.copy(), np.where(truth.below, -np.sign(truth.value) * np.abs(truth.value) * 2.0**-60, 0.0)
    exponent = np.zeros(len(x), np.int64)
    open_ = np.flatnonzero(~known)
    if len(open_):
        exact = golden(case, x[open_])
        hi[open_], lo[open_] = exact.hi, exact.lo
        exponent[open_] = 0 if exact.exponent is None else exact.exponent
    flushable = np.full(len(x), 2.0**FORM.emin)
    return cells.judged(got, Golden(hi, lo, exponent, 0.0), FORM, flushable)


def label(case: Case) -> float:
    """Return the label of a line; 0 where it has none."""
    return families.LABELS.get(case.source.name, 0.0)


def _inputs(case: Case, x: Array) -> Inputs:
    """Return some numbers of a case's line as a framework is asked: a square, or a row of few."""
    width = 1024 if x.size % 1024 == 0 else x.size
    logits = x.reshape(-1, width)
    return Inputs(logits, _filled(case, logits.shape), np.ones_like(logits))


@lru_cache(maxsize=8)
def _filled(case: Case, shape: tuple[int, ...]) -> Array | None:
    return np.full(shape, label(case), np.float32) if OPS[case.op.name].labels == "row" else None


def golden(case: Case, x: Array) -> Golden:
    """Return the certified answers at some numbers, flat."""
    inputs = _inputs_of_column(case, x)
    found = meaning.golden(case.op, case.quantity, inputs, _audited)
    exponent = None if found.exponent is None else found.exponent.reshape(-1)
    return Golden(found.hi.reshape(-1), found.lo.reshape(-1), exponent, found.radius)


def _inputs_of_column(case: Case, x: Array) -> Inputs:
    column = x.reshape(-1, 1)
    return Inputs(column, _filled(case, column.shape), np.ones_like(column))


def _audited(op: Op, quantity: Quantity, inputs: Inputs) -> Golden:
    return tiers.certify(op, quantity, inputs, AUDIT)


def _part(case: Case, account: Account) -> Part:
    """Return what rows came to, the worst of each chunk held against its bounds."""
    rows = len(account.digests)
    found, turns = swept.put_together(account.regions)
    whole = cells.swept(account.cells, len(account.cells) // rows, account.digests, found, turns)
    places = np.array([one.place for one in account.furthest])
    x = np.concatenate([numbers(p // PER_ROW, p % PER_ROW, p % PER_ROW + 1) for p in places.tolist()])
    exact = golden(case, x)
    budget = meaning.budget(case.op, case.quantity, _inputs_of_column(case, x), _audited)
    ulps = np.abs([one.ulps for one in account.furthest])
    got = np.array([one.got for one in account.furthest])
    lost = np.isnan(got) | (np.isinf(got) & ~ulp.overflows(exact, FORM))
    over: dict[BudgetClass, float] = {}
    for kind, bound in budget.error.items():
        ratio = ulps / ulp.scale(bound.reshape(-1), -ulp.ulp_exponent(exact, FORM))
        over[kind] = float(np.where(lost, np.inf, ratio).max())
    return Part(swept.pack(whole), over, account.verdicts, account.worst, account.whole.hexdigest())
