"""Rows of a case asked together, and how the answers to them stand to the truth and to one another.

Invariance is a matter of a row's surroundings, not of its accuracy: what an unshifted algorithm rounds away (class U)
is no concern here, and an answer within any budget that is derived is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from harness.model import FORMATS, Array, Checked, Failed, Golden, Inputs, Unsupported, Worst
from harness.scoring import metrics, ulp
from reference import bounds, rounding
from suites.checks.check import Asking, answered, budget
from suites.questions import families

LARGER = 1024  # times as large as the rows that are looked at: exp of the difference is 0 in every format
# Times its error in the plain question that a function which is off there may be off: what is rough is not equally so
# for all numbers, what is wrong is off by far more.
ROUGH = 16
DIFFERS, REFUSED = "bits differ", "refused"


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of a case in a batch: `rows` of the case stand at the places `at`, and those are looked at."""

    name: str  # as it goes on from "in"
    inputs: Inputs
    rows: Array
    at: Array


def of_rows(name: str, inputs: Inputs, rows: Array) -> Batch:
    """Return some rows as a batch of their own, in the order given."""
    return Batch(name, taken(inputs, rows), rows, np.arange(len(rows)))


def taken(inputs: Inputs, rows: Array) -> Inputs:
    """Return some rows' arrays."""
    labels = None if inputs.labels is None else inputs.labels[rows]
    upstream = inputs.upstream if inputs.upstream.ndim == 0 else inputs.upstream[rows]
    return replace(inputs, logits=inputs.logits[rows], labels=labels, upstream=upstream)


def batches(inputs: Inputs, sizes: Iterable[int]) -> Iterator[Batch]:
    """Yield rows in other places, beside other rows, and in batches of other sizes; rows are repeated to fill one."""
    count = len(inputs.logits)
    every = np.arange(count)
    yield of_rows("rotated order", inputs, np.roll(every, 1))
    yield of_rows("reversed order", inputs, every[::-1])
    among = inputs.logits.astype(np.float64)
    among[1::2] *= LARGER
    logits = families.to_dtype(among, inputs.logits.dtype.name)
    yield Batch(f"a batch beside rows {LARGER} times as large", replace(inputs, logits=logits), every[::2], every[::2])
    for size in sizes:
        yield of_rows(f"a batch of {size}", inputs, np.resize(every, size))
    for row in (count // 2, count - 1):
        yield of_rows("a batch of 1", inputs, np.array([row]))


@dataclass(frozen=True, eq=False)
class Truth:
    """The exact answers to a case's rows, with the budgets."""

    asking: Asking
    golden: Golden
    budget: bounds.Budget

    @classmethod
    def of(cls, asking: Asking, inputs: Inputs | None = None) -> Truth:
        """Certify the case, or other inputs of it."""
        given = inputs or asking.inputs
        golden = asking.golden(given)
        return cls(asking, golden, budget(asking.case.op, asking.case.quantity, given, golden))

    def rows(self, rows: Array) -> Truth:
        """Return the truth of some rows; an op with one value for all rows has none of them."""
        exponent = None if self.golden.exponent is None else self.golden.exponent[rows]
        golden = Golden(self.golden.hi[rows], self.golden.lo[rows], exponent, self.golden.radius)
        error = {kind: bound[rows] for kind, bound in self.budget.error.items()}
        flushed = np.broadcast_to(self.budget.flushed, self.golden.hi.shape)[rows]
        return Truth(self.asking, golden, bounds.Budget(error, flushed))

    def distance(self, got: Array) -> metrics.Distance:
        """Measure an answer."""
        form = FORMATS[self.asking.case.dtype]
        return metrics.measure(got, self.golden, form, self.budget.error, self.budget.flushed)

    def ulps(self, got: Array) -> Array:
        """Return how far off each element is."""
        return ulp.error(got.astype(np.float64), self.golden, FORMATS[self.asking.case.dtype])

    def furthest(self, got: Array) -> tuple[int, ...]:
        """Return the index of the element that is furthest off, in its loosest budget."""
        loosest = np.maximum.reduce(list(self.budget.error.values()))
        exponents = ulp.ulp_exponent(self.golden, FORMATS[self.asking.case.dtype])
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            ratios = np.abs(self.ulps(got)) / ulp.scale(loosest, -exponents)
        ratios = np.where(np.isnan(ratios), np.inf, ratios)
        return tuple(int(i) for i in np.unravel_index(int(ratios.argmax()), ratios.shape))


@dataclass(frozen=True)
class BitChange:
    """How an array stands to what it was, or ought to be: bit by bit, and in ulps."""

    words: str
    index: tuple[int, ...]  # of the first element that differs
    was: float
    now: float
    ulp: float  # of the largest difference


def changed(now: Array, was: Array) -> BitChange | None:
    """Compare two arrays of one shape and dtype; None where all bits are the same."""
    bits = np.dtype(f"u{was.dtype.itemsize}")
    other: Array = np.asarray(np.asarray(now).view(bits) != np.asarray(was).view(bits))
    if not other.any():
        return None
    index = tuple(int(i) for i in np.argwhere(other)[0])
    largest = _largest_ulp(now, was, other)
    by_row: Array = np.asarray(other.reshape(was.shape[0] if was.ndim else 1, -1).any(axis=1))
    place = ", ".join(f"{what} {i}" for what, i in zip(("row", "class"), index, strict=False)) or "the value"
    words = (
        f"{int(by_row.sum())} of {len(by_row)} rows differ, by at most {largest:.3g} ulp; "
        f"the first at {place}: {float(now[index]).hex()} against {float(was[index]).hex()}"
    )
    return BitChange(words, index, float(was[index]), float(now[index]), largest)


def _largest_ulp(now: Array, was: Array, where: Array) -> float:
    """Return the largest difference in ulps; of labels as they are, and infinite where one is nan."""
    wide = was.astype(np.float64)
    if was.dtype.name in FORMATS:
        off = ulp.error(now, Golden(wide, np.zeros_like(wide), None, 0.0), FORMATS[was.dtype.name])
    else:
        off = now.astype(np.float64) - wide
    return float(np.where(np.isnan(off), np.inf, np.abs(off))[where].max())


def loosest_excess(distance: metrics.Distance) -> float:
    """Return error over bound of the loosest budget, so that accuracy is judged where it is the question."""
    return min(distance.over_bound.values())


@dataclass
class Surroundings:
    """Answers to rows in other surroundings, held against the truth and, where there is one, the plain answer's bits.

    allowed: error over budget that is nothing new; more than 1 where the plain answer, judged elsewhere, is off.
    """

    allowed: float = 1.0
    over: float = 0.0
    elements: int = 0
    furthest: str = ""
    worst: Worst | None = None
    names: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # what the function raised for, and its words
    changes: list[tuple[str, str]] = field(default_factory=list)  # where, and what

    @classmethod
    def with_plain(cls, truth: Truth, plain: Array) -> Surroundings:
        """Hold others against a plain answer, which is judged elsewhere."""
        plainly = loosest_excess(truth.distance(plain))
        return cls(1.0 if plainly <= 1 else ROUGH * plainly)

    def add(self, name: str, got: Array, inputs: Inputs, truth: Truth, plain: Array | None = None) -> None:
        """Take in an answer; all but the name are of the same rows, in the same order."""
        distance = truth.distance(got)
        self.elements += got.size
        self.names.append(name)
        if plain is not None and (change := changed(got, plain)):
            self.changes.append((name, change.words))
        over = loosest_excess(distance) / self.allowed if math.isfinite(self.allowed) else 0.0
        if over > max(self.over, 1.0):
            index = truth.furthest(got)
            expected = rounding.nearest_at(truth.golden, FORMATS[got.dtype.name], index)
            self.worst = truth.asking.worst(inputs, index, expected, float(got[index]), float(truth.ulps(got)[index]))
            place = f"element {index}" if index else "the value"
            self.furthest = f"in {name}, {place} is {float(got[index]):.9g}, expected {expected:.9g}"
        self.over = max(self.over, over)

    def attempted(
        self,
        short: str,
        name: str,
        got: Array | Unsupported | Failed,
        inputs: Inputs,
        truth: Truth,
        plain: Array | None = None,
    ) -> None:
        """Take in an attempt: what is refused aloud is no wrong answer, and what a framework has not is not asked."""
        if isinstance(got, Failed) and got.kind == "raised":
            self.refused.append(f"{short}: {got.reason}")
        elif not isinstance(got, Unsupported):
            self.add(name, answered(got), inputs, truth, plain)

    def checked(self) -> Checked:
        """Say how far off the furthest is or, where all are within their budgets, whether the bits are the same."""
        if self.furthest:
            return Checked(self.elements, self.over, detail=self.furthest, worst=self.worst)
        found = list(self.refused)
        if self.changes:
            (where, what), *more = self.changes
            also = f"; also in {', '.join(name for name, _ in more)}" if more else ""
            found.insert(0, f"in {where}, {what}{also}")
        if found:
            return Checked(self.elements, self.over, DIFFERS if self.changes else REFUSED, "; ".join(found))
        return Checked(self.elements, self.over, detail=f"the same in {', '.join(self.names)}")
