"""Pairs of logits, asked chunk by chunk: all of a short format by the gap's binade, or float32's gaps by their line."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from harness.adapters.adapter import Adapter
from harness.model import FORMATS, Array, BudgetClass, Case, Failed, Golden, Outcome, Target, Unsupported
from harness.scoring import cells, line, swept, ulp
from harness.scoring.swept import Region, Swept
from reference.fast.float64 import pairs as formulas
from reference.options import meaning
from suites.judging.sweeps import account, pair_sums
from suites.judging.sweeps.account import Furthest, Part
from suites.judging.sweeps.pair_sums import Runs, Sums
from suites.questions.swept import pairs

BESIDE = 16  # first logits that are asked beside all second ones at a time
CELL = 1 << 20  # gaps at a time, which are a cell
TOGETHER = 8  # chunks of which a row's worst element is held against its bounds
BLOCK = 1 << 16  # pairs whose exact values are computed at a time


class Chunk(NamedTuple):
    """Pairs that are asked at once; float32, (n,). rows: of each run, in what is summed up. place: of the first."""

    x: Array
    y: Array
    runs: Runs
    rows: Array
    place: int


@dataclass
class Account:
    """What is known so far of one answer. furthest: of some chunks together, places, ulps and answers, row by row.

    top: the same of the chunks since then, (3, rows), and asked: how many these are.
    """

    sums: Sums
    top: Array
    asked: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    regions: list[tuple[Sequence[Region], int]] = field(default_factory=list)
    furthest: list[tuple[Array, Array, Array]] = field(default_factory=list)


def chunks(case: Case, first: int, last: int) -> Iterator[Chunk]:
    """Yield the pairs of some rows: of the first logit's binades, or of the gap's."""
    return _every(case.dtype, first, last) if case.family == pairs.EVERY_PAIR else _level(case.family, first, last)


def _every(dtype: str, first: int, last: int) -> Iterator[Chunk]:
    numbers, (_, width) = pairs.numbers(dtype), line.shape(FORMATS[dtype])
    y = np.tile(numbers, BESIDE)
    for start in range(first * width, min(last * width, len(numbers)), BESIDE):
        x = np.repeat(numbers[start : start + BESIDE], len(numbers))
        gap = np.subtract(x, y, dtype=np.float64) + 0.0  # no -0.0
        sides = gap.view(np.int64) >> 52
        turns = np.flatnonzero(sides[1:] != sides[:-1]) + 1
        starts = np.concatenate([[0], turns, [len(x)]])
        rows = gap_rows(dtype, gap[starts[:-1]])
        yield Chunk(x, y, Runs(starts, (gap[starts[:-1]] < 0).astype(np.int64)), rows, start * len(numbers))


def gap_rows(dtype: str, gap: Array) -> Array:
    """Return the rows of gaps, as `line.gap_row` has them."""
    form = FORMATS[dtype]
    away = np.frexp(gap)[1] + (form.precision - form.emin - 1)
    return line.gaps(form) // 2 + np.sign(gap).astype(np.int64) * away


def _level(family: str, first: int, last: int) -> Iterator[Chunk]:
    level = np.float32(pairs.LEVELS[family])
    y = np.full(CELL, level)
    starts = np.arange(0, CELL + 1, min(pair_sums.LONGEST, CELL))
    for row in range(first, last):
        for start in range(0, account.PER_ROW, CELL):
            gap = account.numbers(row, start, start + CELL)
            below = np.full(len(starts) - 1, int(np.signbit(gap[0])))
            cell = ((row - first) * account.PER_ROW + start) // CELL
            place = row * account.PER_ROW + start
            yield Chunk(level + gap, y, Runs(starts, below), np.full(len(below), cell), place)


def at(case: Case, places: Array) -> tuple[Array, Array, Array]:
    """Return the pairs that answers are to, float32, and which of their answers these are."""
    where, output = np.divmod(places, pairs.outputs(case))
    if case.family == pairs.EVERY_PAIR:
        numbers = pairs.numbers(case.dtype)
        return numbers[where // len(numbers)], numbers[where % len(numbers)], output
    level = np.float32(pairs.LEVELS[case.family])
    gap = np.concatenate([account.at(int(place)) for place in where])
    return level + gap, np.full(len(gap), level), output


def golden(case: Case, x: Array, y: Array) -> Golden:
    """Return the certified answers to pairs, (n, outputs)."""
    return _by_pair(case, meaning.golden(case.op, case.quantity, pairs.inputs(case, x, y), account.audited))


def _by_pair(case: Case, found: Golden) -> Golden:
    shape = (-1, pairs.outputs(case))
    exponent = None if found.exponent is None else found.exponent.reshape(shape)
    return Golden(found.hi.reshape(shape), found.lo.reshape(shape), exponent, found.radius)


class PairSweep:
    """Some rows of pairs."""

    def __init__(
        self, adapter: Adapter, questions: Sequence[tuple[Case, tuple[Target, ...]]], rows: tuple[int, int]
    ) -> None:
        """Take what is asked: cases of the same pairs."""
        self.adapter, self.questions, self.rows = adapter, questions, rows
        self.asking_seconds = 0.0
        self.case = questions[0][0]
        self.form = FORMATS[self.case.dtype]
        self.whole = self.case.family == pairs.EVERY_PAIR
        number = line.gaps(self.form) if self.whole else (rows[1] - rows[0]) * account.PER_ROW // CELL
        self._accounts = {
            (case, one): Account(pair_sums.none(number), _nothing(number)) for case, every in questions for one in every
        }
        self._refused: dict[tuple[Case, Target], Outcome] = {}
        pair_sums.LOOPS.get(len(self._accounts) * self.case.rows)  # all that is to come, of a whole sweep

    def run(self) -> Iterator[tuple[Case, Target, Outcome | Part]]:
        """Ask and measure."""
        for chunk in chunks(self.case, *self.rows):
            for case, targets in self.questions:
                inputs = pairs.inputs(case, chunk.x, chunk.y)
                for target in targets:
                    if (case, target) in self._refused:
                        continue
                    began = time.process_time()
                    got = self.adapter.ask(case.op, case.quantity, inputs, target)
                    self.asking_seconds += time.process_time() - began
                    if isinstance(got, Unsupported | Failed):
                        self._refused[case, target] = got
                    else:
                        self._add(case, self._accounts[case, target], np.ascontiguousarray(got), chunk)
        for (case, target), known in self._accounts.items():
            yield case, target, self._refused.get((case, target)) or self._part(case, known)

    def _add(self, case: Case, known: Account, got: Array, chunk: Chunk) -> None:
        """Add a chunk: what is plain at once, the rest by the definitions."""
        outputs = pairs.outputs(case)
        got = got.reshape(-1, outputs)
        wide, patterns = got.astype(np.float32, copy=False), got.view(f"u{got.dtype.itemsize}")
        if (lost := np.isnan(wide)).any():
            patterns = np.where(lost, np.array(np.nan, got.dtype).view(patterns.dtype), patterns)
        first, plan = chunk.place * outputs, formulas.plan(case.op, case.quantity)
        by_run, left = pair_sums.measure(chunk.x, chunk.y, wide, patterns, chunk.runs, plan, self.form, first)
        sums = pair_sums.by_row(by_run, chunk.rows, len(known.sums.counts))
        flat, some = wide.reshape(-1), np.flatnonzero(sums.counts)
        larger = some[(known.top[0, some] < 0) | (np.abs(sums.worst[some]) > np.abs(known.top[1, some]))]
        known.top[:, larger] = first + sums.places[larger], sums.worst[larger], flat[sums.places[larger]]
        known.asked += 1
        if known.asked == TOGETHER:
            _keep_top(known)
        for start in range(0, len(left), BLOCK):
            sums = self._by_definition(case, known, sums, flat, left[start : start + BLOCK], chunk)
        places = np.where(sums.counts > 0, first + sums.places, sums.places)
        known.sums = pair_sums.together(known.sums, sums._replace(places=places))

    def _by_definition(self, case: Case, known: Account, sums: Sums, got: Array, left: Array, chunk: Chunk) -> Sums:
        """Add elements that are no plain distance, or too near a midpoint, and return all sums."""
        outputs = pairs.outputs(case)
        plan = formulas.plan(case.op, case.quantity)
        x, y, output = chunk.x[left // outputs], chunk.y[left // outputs], left % outputs
        ulps, codes, certain = pair_sums.ends(x, y, output, got[left], plan, self.form)
        if len(open_ := np.flatnonzero(~certain)):
            where, inverse = np.unique(left[open_] // outputs, return_inverse=True)
            of_each = _picked(golden(case, chunk.x[where], chunk.y[where]), (inverse, output[open_]))
            flushed = np.full(len(open_), 2.0**self.form.emin)  # above it a zero is one for a normal number
            ulps[open_], codes[open_] = cells.judged(got[left[open_]], of_each, self.form, flushed)
        gaps = (x.astype(np.float64) - y) + 0.0
        rows = gap_rows(case.dtype, gaps) if self.whole else np.full(len(left), chunk.rows[0])
        sums = pair_sums.together(sums, _some(ulps, left, rows, len(sums.counts)))
        self._verdicts(known, codes, gaps, rows, left, chunk)
        size = np.where(codes == cells.CODES.index("flushed"), -1.0, np.where(np.isnan(ulps), np.inf, np.abs(ulps)))
        top = [int(size.argmax())]
        if size[top[0]] >= 0:
            known.furthest.append((chunk.place * outputs + left[top], ulps[top], got[left[top]]))
        return sums

    def _verdicts(self, known: Account, codes: Array, gaps: Array, rows: Array, left: Array, chunk: Chunk) -> None:
        """Count verdicts, and note where they are."""
        for code in np.unique(codes[codes > 0]).tolist():
            name = cells.CODES[code]
            known.verdicts[name] = known.verdicts.get(name, 0) + int(np.count_nonzero(codes == code))
            for row in np.unique(rows[codes == code]).tolist() if self.whole else ():
                some = gaps[(codes == code) & (rows == row)]
                ends = line.place_of_gap(float(some.min())), line.place_of_gap(float(some.max()))
                known.regions.append(([Region(name, *ends)], 1))
        if codes.any() and not self.whole:
            outputs = pairs.outputs(self.case)
            every = np.zeros(len(chunk.x), np.uint8)
            np.maximum.at(every, left // outputs, codes)
            found, turns = cells.regions(every, chunk.place)
            wide = [Region(one.verdict, one.first * outputs, one.last * outputs + outputs - 1) for one in found]
            known.regions.append((wide, turns))

    def _part(self, case: Case, known: Account) -> Part:
        """Return what rows came to, the worst of each chunk and row held against its bounds."""
        _keep_top(known)
        whole = self._swept(known)
        places, ulps, got = (np.concatenate(part) for part in zip(*known.furthest, strict=True))
        top = int(np.where(known.sums.counts, np.abs(known.sums.worst), -1.0).argmax())
        place, error = int(known.sums.places[top]), float(known.sums.worst[top])
        there = np.flatnonzero(places == place)
        answer = float(got[there[0]]) if len(there) else 0.0  # what is flushed is no candidate
        over = self._over(case, places, np.abs(ulps), got)
        return Part(swept.pack(whole), over, known.verdicts, Furthest(place, error, answer), "")

    def _over(self, case: Case, places: Array, ulps: Array, got: Array) -> dict[BudgetClass, float]:
        if not len(places):
            return {}  # all is flushed
        x, y, output = at(case, places)
        inputs = pairs.inputs(case, x, y)
        found = meaning.golden(case.op, case.quantity, inputs, account.audited)
        budget = meaning.budget(case.op, case.quantity, inputs, lambda *_: found)
        each = np.arange(len(x)), output
        of_each = _picked(_by_pair(case, found), each)
        lost = np.isnan(got) | (np.isinf(got) & ~ulp.overflows(of_each, self.form))
        over: dict[BudgetClass, float] = {}
        for kind, bound in budget.error.items():
            ratio = ulps / ulp.scale(bound.reshape(len(x), -1)[each], -ulp.ulp_exponent(of_each, self.form))
            over[kind] = float(np.where(lost, np.inf, ratio).max())
        return over

    def _swept(self, known: Account) -> Swept:
        """Return the sums as they are kept."""
        sums, per = known.sums, 1 if self.whole else account.PER_ROW // CELL
        hashes = sums.hashes.reshape(-1, per).sum(axis=1)
        found, turns = (
            (met := swept.met([one for some, _ in known.regions for one in some]), len(met))
            if self.whole
            else swept.put_together(known.regions)
        )
        return Swept(
            per,
            tuple(sums.counts.tolist()),
            tuple(tuple(one) for one in sums.bins.T.tolist()),
            tuple(sums.worst.tolist()),
            tuple(np.where(sums.counts > 0, sums.places, 0).tolist()),
            tuple(sums.sizes.tolist()),
            tuple(sums.leans.tolist()),
            tuple(sums.lows.tolist()),
            tuple(sums.highs.tolist()),
            tuple(f"{digest % 2**64:016x}" for digest in hashes.tolist()),
            tuple(found),
            turns,
            "gaps" if self.whole else "numbers",
        )


def _keep_top(known: Account) -> None:
    """Begin anew with the chunks to come."""
    some = np.flatnonzero(known.top[0] >= 0)
    places, ulps, got = known.top[:, some]
    known.furthest.append((places.astype(np.int64), ulps, got))
    known.top, known.asked = _nothing(known.top.shape[1]), 0


def _nothing(rows: int) -> Array:
    found = np.zeros((3, rows))
    found[0] = -1  # no place
    return found


def _picked(exact: Golden, each: tuple[Array, Array]) -> Golden:
    exponent = None if exact.exponent is None else exact.exponent[each]
    return Golden(exact.hi[each], exact.lo[each], exponent, exact.radius)


def _some(ulps: Array, places: Array, rows: Array, number: int) -> Sums:
    """Sum up elements by their rows; the digests have them already."""
    sums = pair_sums.none(number)
    for row in np.unique(rows).tolist():
        one = cells.some(ulps[rows == row], places[rows == row])
        for part, value in zip(sums[:-1], (one.elements, one.bins, *one[2:]), strict=True):
            part[row] = value
    return sums
