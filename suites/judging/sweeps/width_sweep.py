"""Rows of every width, asked one by one: what a width does to an answer that is known exactly."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.adapters.adapter import Adapter
from harness.model import FORMATS, Array, BudgetClass, Case, Failed, Golden, Outcome, Target, Unsupported
from harness.scoring import cells, line, swept, ulp
from harness.scoring.cells import Sums
from harness.scoring.swept import FINE, MOST, Region
from reference import bounds
from reference.arbiter import alone
from reference.bounds import Budget
from reference.bounds.terms import Groups
from suites.judging.judge import ACCEPTED
from suites.judging.sweeps.account import Furthest, Part
from suites.questions.swept import widths

CELLS = 4  # of a row
PLACES = 1 << 17  # a place: a width less one, times this, and the class
CODES = (*cells.CODES, "over_bound", "worst_case_sum")  # beside no distance: beyond all bounds; within S by a sum alone


@dataclass
class Account:
    """What is known so far of one answer."""

    cells: list[Sums] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    regions: list[tuple[Sequence[Region], int]] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)
    over: dict[BudgetClass, float] = field(default_factory=dict)
    worst: Furthest = Furthest(-1, 0.0, 0.0)  # noqa: RUF009 - a frozen noun


@dataclass(frozen=True)
class Answers:
    """The different numbers of some rows: of which row, which output, at which class first, what, and how many."""

    row: Array
    output: Array
    place: Array
    got: Array
    count: Array


class WidthSweep:
    """Some widths, from one up to below another."""

    def __init__(
        self, adapter: Adapter, questions: Sequence[tuple[Case, tuple[Target, ...]]], rows: tuple[int, int]
    ) -> None:
        """Take what is asked. rows: widths."""
        self.adapter, self.questions, self.widths = adapter, questions, rows
        self.asking_seconds = 0.0
        self._accounts = {(case, one): Account() for case, every in questions for one in every}
        self._refused: dict[tuple[Case, Target], Outcome] = {}

    def run(self) -> Iterator[tuple[Case, Target, Outcome | Part]]:
        """Ask and measure."""
        for case, targets in self.questions:
            whole = widths.longest(case)
            for start in blocks(*self.widths):
                asked = np.arange(start, min(block_end(start), self.widths[1]))
                exact, budget = truth(case, asked)
                for target in targets:
                    if (case, target) in self._refused:
                        continue
                    got = self._answers(case, target, whole, asked)
                    if isinstance(got, Unsupported | Failed):
                        self._refused[case, target] = got
                    else:
                        add(self._accounts[case, target], case, asked, *got, exact, budget)
            for target in targets:
                known = self._accounts[case, target]
                yield case, target, self._refused.get((case, target)) or part(known)

    def _answers(
        self, case: Case, target: Target, whole: Array, asked: Array
    ) -> tuple[Answers, str] | Unsupported | Failed:
        """Ask some widths one by one; return their different numbers, and a digest of all bits."""
        digest, found = hashlib.sha256(), []
        for row, width in enumerate(asked.tolist()):
            inputs = widths.inputs(case, whole[:, :width])
            began = time.process_time()
            got = self.adapter.ask(case.op, case.quantity, inputs, target)
            self.asking_seconds += time.process_time() - began
            if isinstance(got, Unsupported | Failed):
                return got
            flat = np.ascontiguousarray(got).reshape(-1)
            lost = np.isnan(flat)
            if lost.any():  # every nan the same one
                flat = np.where(lost, np.array(np.nan, flat.dtype), flat)
            digest.update(flat.view(np.uint8).data)
            found += [(row, *one) for one in different(flat)]
        rows, outputs, places, values, counts = (np.array(one) for one in zip(*found, strict=True))
        return Answers(rows, outputs, places, values.astype(np.float64), counts), digest.hexdigest()


def different(got: Array) -> Iterator[tuple[int, int, float, int]]:
    """Yield the different numbers of a row's answer: output, class where it is first, number, how many."""
    yield 0, 0, float(got[0]), 1
    rest = got[1:]
    if not len(rest):
        return
    patterns = rest.view(f"u{rest.dtype.itemsize}")
    if (patterns == patterns[0]).all():
        yield 1, 1, float(rest[0]), len(rest)
        return
    _, first, counts = np.unique(patterns, return_index=True, return_counts=True)
    for place, count in zip(first.tolist(), counts.tolist(), strict=True):
        yield 1, 1 + place, float(rest[place]), count


def blocks(first: int, last: int) -> Iterator[int]:
    """Yield where rows of widths begin, the first of them maybe within one."""
    while first < last:
        yield first
        first = block_end(first)


def block_end(width: int) -> int:
    """Return the first width of the next row."""
    return ((width - 1) // line.WIDTHS + 1) * line.WIDTHS + 1


def truth(case: Case, asked: Array) -> tuple[Golden, Budget]:
    """Return the exact answers and error bounds of rows of these widths, (widths, outputs)."""
    exact = alone.answers(case.op.name, widths.gap(case), asked.tolist())
    counts = np.stack([np.ones(len(asked)), asked - 1.0], axis=1)
    x = np.broadcast_to([0.0, 0.0 - widths.gap(case)], counts.shape)
    z = np.broadcast_to([1.0, 0.0], counts.shape)
    groups = Groups(x, z, np.ones((len(asked), 1)), counts, asked[:, None].astype(np.float64))
    flat = exact if widths.outputs(case) == 2 else _flat(exact)
    found = bounds.grouped(case.op, case.quantity, groups, FORMATS[case.dtype], flat)
    shape = exact.hi.shape
    errors = {kind: np.broadcast_to(error.reshape(len(asked), -1), shape) for kind, error in found.error.items()}
    return exact, Budget(errors, np.broadcast_to(found.flushed.reshape(len(asked), -1), shape))


def _flat(exact: Golden) -> Golden:
    exponent = None if exact.exponent is None else exact.exponent[:, 0]
    return Golden(exact.hi[:, 0], exact.lo[:, 0], exponent, exact.radius)


def add(known: Account, case: Case, asked: Array, found: Answers, digest: str, exact: Golden, budget: Budget) -> None:
    """Add the answers to some widths of one row."""
    form, at = FORMATS[case.dtype], (found.row, found.output)
    exponent = None if exact.exponent is None else exact.exponent[at]
    of_each = Golden(exact.hi[at], exact.lo[at], exponent, exact.radius)
    ulps, codes = cells.judged(found.got, of_each, form, budget.flushed[at])
    for code in np.unique(codes[codes > 0]).tolist():
        name = cells.CODES[code]
        known.verdicts[name] = known.verdicts.get(name, 0) + int(found.count[codes == code].sum())
    size = np.where(np.isnan(ulps), np.inf, np.abs(ulps))
    lost = np.isnan(found.got) | (np.isinf(found.got) & ~ulp.overflows(of_each, form))
    ratios: dict[BudgetClass, Array] = {}
    for kind, bound in budget.error.items():
        ratio = np.where(lost, np.inf, size / ulp.scale(bound[at], -ulp.ulp_exponent(of_each, form)))
        ratios[kind] = np.where(codes == cells.CODES.index("flushed"), 0.0, ratio)
        known.over[kind] = max(known.over.get(kind, 0.0), float(ratios[kind].max()))
    within = {kind: ratio <= 1 for kind, ratio in ratios.items()}
    met = np.logical_or.reduce([within[kind] for kind in ACCEPTED if kind in within])
    by_chance = np.logical_or.reduce([within[kind] for kind in ("P", "C", "N") if kind in within] or [met])
    told = np.where(codes > 0, codes, np.where(~met, CODES.index("over_bound"), 0))
    told = np.where((told == 0) & met & ~by_chance, CODES.index("worst_case_sum"), told)
    every = np.zeros(len(asked), np.uint8)
    np.maximum.at(every, found.row, told.astype(np.uint8))
    known.regions.append(_regions(every, int(asked[0]) - 1))
    known.digests.append(digest[: cells.DIGITS])
    top = int(size.argmax())
    if known.worst.place < 0 or size[top] > abs(known.worst.ulps):
        place = (int(asked[found.row[top]]) - 1) * PLACES + int(found.place[top])
        known.worst = Furthest(place, float(ulps[top]), float(found.got[top]))
    part_of = (asked[found.row] - 1) % line.WIDTHS // (line.WIDTHS // CELLS)
    for cell in range(CELLS):
        some = part_of == cell
        sums = _summed(ulps[some] + 0.0, found.count[some], asked[found.row[some]] - 1)
        known.cells.append(sums if sums.elements else sums._replace(place=int(asked[0]) - 1))


def _summed(ulps: Array, count: Array, width: Array) -> Sums:
    """Sum up errors of so many elements each."""
    if not len(ulps):
        return cells.NONE
    one = cells.some(ulps, width)
    signed = np.where(np.isnan(ulps), np.inf, ulps)
    whole = np.rint(np.minimum(np.abs(signed), MOST) / FINE).astype(np.int64)
    lean = np.where(np.isnan(ulps), 0, np.where(signed < 0, -whole, whole))
    edges = np.searchsorted(swept.EDGES, np.abs(signed), side="left")
    bins = np.bincount(edges, count, swept.BINS).astype(np.int64).tolist()
    return one._replace(
        elements=int(count.sum()), bins=tuple(bins), size=int((whole * count).sum()), lean=int((lean * count).sum())
    )


def _regions(codes: Array, first: int) -> tuple[list[Region], int]:
    """Return neighbouring widths of one verdict."""
    ends = np.flatnonzero(np.diff(codes)) + 1
    starts, stops = np.concatenate([[0], ends]), np.concatenate([ends, [len(codes)]])
    found = [
        Region(CODES[codes[start]], first + int(start), first + int(stop) - 1)
        for start, stop in zip(starts, stops, strict=True)
        if codes[start]
    ]
    return found, len(found)


def part(known: Account) -> Part:
    """Return what widths came to."""
    found, turns = swept.put_together(known.regions)
    whole = cells.swept(known.cells, CELLS, known.digests, found, turns, "widths")
    return Part(swept.pack(whole), known.over, known.verdicts, known.worst, "".join(known.digests))
