"""What is known of some binades of an answer: added up chunk by chunk, what is not plain by the definitions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from harness.model import FORMATS, Array, BudgetClass, Case, Golden, Inputs, Op, Quantity
from harness.ops import OPS
from harness.scoring import cells, swept, ulp
from harness.scoring.cells import Sums
from harness.scoring.swept import Region
from harness.scoring.ulp import Truth
from reference import tiers
from reference.fast import words
from reference.options import meaning
from suites.questions.swept.lines import LABELS

AUDIT = 1 / 1024  # share of what the reference is asked one by one that mpmath answers beside it
FORM = FORMATS["float32"]  # whose line is cut into pieces
SIGN, FRACTION = 1 << 31, 1 << 23  # the bits of float32
PER_ROW = FRACTION  # numbers


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


def at(place: int) -> Array:
    """Return the number at a place of the line."""
    row, within = divmod(place, PER_ROW)
    return numbers(row, within, within + 1)


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


def add(account: Account, case: Case, got: Array, truth: Truth, x: Array, first: int) -> None:
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
    with np.errstate(invalid="ignore", over="ignore"):
        _, known = cells.apart(got, truth, FORM)
        far = np.abs(np.abs(truth.value) / cells.overflow(FORM) - 1) > cells.EDGE
    known = np.where(np.isinf(got), far, known | np.isnan(got)) & np.isfinite(truth.radius)
    hi, lo = words.two_sum(truth.base, truth.part)
    lo = np.where(truth.below, -hi * 2.0**-60, lo)
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
    return LABELS.get(case.source.name, 0.0)


def inputs(case: Case, x: Array) -> Inputs:
    """Return some numbers of a case's line as a framework is asked: a square, or a row of few."""
    width = 1024 if x.size % 1024 == 0 else x.size
    logits = x.reshape(-1, width)
    return Inputs(logits, _filled(case, logits.shape), np.ones_like(logits))


@lru_cache(maxsize=8)
def _filled(case: Case, shape: tuple[int, ...]) -> Array | None:
    return np.full(shape, label(case), np.float32) if OPS[case.op.name].labels == "row" else None


def golden(case: Case, x: Array) -> Golden:
    """Return the certified answers at some numbers, flat."""
    found = meaning.golden(case.op, case.quantity, column(case, x), audited)
    exponent = None if found.exponent is None else found.exponent.reshape(-1)
    return Golden(found.hi.reshape(-1), found.lo.reshape(-1), exponent, found.radius)


def column(case: Case, x: Array) -> Inputs:
    """Return some numbers of a case's line as the reference is asked: a row each."""
    logits = x.reshape(-1, 1)
    return Inputs(logits, _filled(case, logits.shape), np.ones_like(logits))


def audited(op: Op, quantity: Quantity, inputs: Inputs) -> Golden:
    """Certify, with the arbiter beside a sweep's share of what is asked."""
    return tiers.certify(op, quantity, inputs, AUDIT)


def part(case: Case, account: Account) -> Part:
    """Return what rows came to, the worst of each chunk held against its bounds."""
    rows = len(account.digests)
    found, turns = swept.put_together(account.regions)
    whole = cells.swept(account.cells, len(account.cells) // rows, account.digests, found, turns)
    x = np.concatenate([at(one.place) for one in account.furthest])
    exact = golden(case, x)
    budget = meaning.budget(case.op, case.quantity, column(case, x), audited)
    ulps = np.abs([one.ulps for one in account.furthest])
    got = np.array([one.got for one in account.furthest])
    lost = np.isnan(got) | (np.isinf(got) & ~ulp.overflows(exact, FORM))
    over: dict[BudgetClass, float] = {}
    for kind, bound in budget.error.items():
        ratio = ulps / ulp.scale(bound.reshape(-1), -ulp.ulp_exponent(exact, FORM))
        over[kind] = float(np.where(lost, np.inf, ratio).max())
    return Part(swept.pack(whole), over, account.verdicts, account.worst, account.whole.hexdigest())
