"""Rows of every width whose exponentials are 0 or 1: their sum is exact in any order, so width costs no accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property, partial
from typing import Literal

import numpy as np

from harness.model import FORMATS, Array, Case, Checked, Format, Golden, Inputs, Op, Quantity
from harness.ops import OPS, VALUE_AND_GRADIENT
from harness.scoring import metrics, ulp
from reference import bounds, rounding
from reference.arbiter import ones
from reference.bounds import Budget
from reference.bounds.heights import LONG
from reference.bounds.terms import Groups
from reference.golden import digits
from suites.checks.check import Asking, Spec, compiled, tightest_excess
from suites.checks.laws.law import BY_ROW, LAWS, LOG_SOFTMAX, LOGSUMEXP, SOFTMAX, SPARSE, together
from suites.judging.judge import ACCEPTED
from suites.judging.worst import worst_element
from suites.questions import families, recipes
from suites.questions.families import to_dtype

FAMILY = "ones"
# Widths that people use, and those beside them.
WIDTHS = (
    *(7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 385, 511, 512, 513),
    *(781, 1000, 1023, 1024, 1025, 2047, 2048, 2049, 4097),
    *(
        8192,
        16_384,
        32_000,
        32_768,
        50_257,
        65_535,
        65_536,
        65_537,
        100_000,
        128_256,
        131_072,
        131_073,
        151_936,
        256_000,
        262_144,
    ),
)
COMPILED_WIDTHS = (1025, 65_537)  # each is a compilation
MASKED_WIDTHS = (9, 65, 513, 1025, 4097, 65_537)
MANY, FEW = 15, 5  # rows of a short width and of a long one: the family's turn is 5
MANY_UP_TO = 4_097
ALL_DTYPES = ("float16", "bfloat16", "float32", "float64")
LARGEST = 65_504  # float16 number
Kept = Literal["within", "beyond", "masked"]  # rows whose sum float16 holds, those where not, and -inf for what is far
STEPS = (1.0, -0.5, 1.25, -2.0, 0.75)  # incoming gradients of rows, exact in every dtype
Truth = tuple[Golden, Budget, Array]  # flat and twice over, for least and largest; and which groups are there


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one width. An answer is the same for all classes of a group: two by themselves, other ones, the rest."""

    case: Case
    kept: Kept
    drawn: Array  # of each row, which of the family's it is
    one: Array  # which logits are 0
    k: Array  # how many of a row are
    alone: tuple[Array, Array]  # the two classes: a label, or where a label or an incoming gradient is not 0
    z: Array  # labels of the two, (rows, 2)
    g: Array  # their incoming gradients, likewise, or (rows, 1)

    @property
    def far(self) -> float:
        """What logits are that are not 0; a masked class has the same answer, and adds nothing to any sum either."""
        return families.far(FORMATS[self.case.dtype])

    @cached_property
    def inputs(self) -> Inputs:
        """What is asked."""
        op, dtype, n = self.case.op, self.case.dtype, self.case.classes
        zero, below = to_dtype(np.array([0.0, -np.inf if self.kept == "masked" else self.far]), dtype)
        record, g = OPS[op.name], to_dtype(self.g, dtype)
        upstream = g[:, 0] if record.one_a_row else _spread(g, self.alone, n)
        labels = None
        if record.labels == "index":
            labels = self.alone[0].astype(np.int64)
        elif record.labels == "row":
            labels = _spread(to_dtype(self.z, dtype), self.alone, n)
        if self.case.quantity == "value":
            upstream = np.ones_like(upstream)
        return Inputs(np.where(self.one, zero, below), labels, upstream)

    @property
    def groups(self) -> Groups:
        """Equal classes put together; the second class by itself stands for none where it is the first."""
        one, alone, n = self.one, self.alone, self.case.classes
        rows = np.arange(len(one))
        apart = np.stack([np.ones(len(one)), alone[0] != alone[1]], axis=1)
        given = np.stack([np.where(one[rows, at], 0.0, self.far) for at in alone], axis=1)
        ones_left = self.k - (apart * (given == 0)).sum(axis=1)
        rest_left = n - self.k - (apart * (given != 0)).sum(axis=1)
        either, nothing = np.broadcast_to([0.0, self.far], given.shape), np.zeros_like(given)
        return Groups(
            np.concatenate([given, either], axis=1),
            np.concatenate([self.z if OPS[self.case.op.name].labels != "none" else nothing, nothing], axis=1),
            self.g if self.g.shape[1] == 1 else np.concatenate([self.g, nothing], axis=1),
            np.concatenate([apart, np.stack([ones_left, rest_left], axis=1)], axis=1),
            np.full((len(one), 1), float(n)),
        )

    def grouped(self, got: Array) -> Array:
        """Return the least and the largest answer of each group, (2, rows, groups); nan where one is."""
        rows = np.arange(len(got))
        parts = [got[rows, at].astype(np.float64)[:, None] for at in self.alone]
        one, rest = self.one.copy(), ~self.one
        for at in self.alone:
            one[rows, at] = rest[rows, at] = False
        first = [group.argmax(axis=1) for group in (one, rest)]
        bits = np.ascontiguousarray(got).view(f"u{got.itemsize}")
        alike = bits == np.where(self.one, *(bits[rows, at][:, None] for at in first))
        for at in self.alone:
            alike[rows, at] = True
        if alike.all():  # as they should be: then there is no need to look for the least and the largest
            found = np.concatenate([*parts, *(got[rows, at].astype(np.float64)[:, None] for at in first)], axis=1)
            return np.stack([found, found])
        numbers = got.astype(np.float32) if got.itemsize == 2 else got
        ends = [
            np.stack([end(np.where(one, numbers, off), axis=1), end(np.where(rest, numbers, off), axis=1)], axis=1)
            for end, off in ((np.min, np.inf), (np.max, -np.inf))
        ]
        return np.stack([np.concatenate([*parts, end.astype(np.float64)], axis=1) for end in ends])

    def place(self, got: Array, row: int, group: int, number: float) -> tuple[int, ...]:
        """Return the index of an answer that has this number and is of the group."""
        if got.ndim == 1:
            return (row,)
        if group < len(self.alone):
            return (row, int(self.alone[group][row]))
        fits = self.one[row] == (group == len(self.alone))
        fits[[at[row] for at in self.alone]] = False
        same = np.isnan(got[row]) if np.isnan(number) else got[row] == number
        return (row, int(np.flatnonzero(fits & same)[0]))


@LAWS.check(Spec(BY_ROW, (*VALUE_AND_GRADIENT, "grad_labels"), FAMILY, FEW, max(WIDTHS), dtypes=ALL_DTYPES))
def exact_rows(asking: Asking) -> Checked:
    """Rows of logits 0 and others too far below to count are answered to the last digits, at every width that is used.

    Every exponential is 1 or 0 and their sum a whole number, exact in any order, so that the budget holds no height of
    a sum. Of 7 to 262 144 classes; labels at either end, at 65 535 and 65 536, and at the maximum.
    """
    return of_widths(asking, COMPILED_WIDTHS if compiled(asking) else WIDTHS)


@LAWS.check(Spec((SOFTMAX, LOGSUMEXP, SPARSE), VALUE_AND_GRADIENT, FAMILY, FEW, max(MASKED_WIDTHS)))
def exact_rows_masked(asking: Asking) -> Checked:
    """The same rows with -inf in place of the logits too far below to count have the same answers, whole blocks masked.

    Labels are at the maximum; a softmax is 0 where a logit is -inf, and so is every gradient.
    """
    return of_widths(asking, COMPILED_WIDTHS[:1] if compiled(asking) else MASKED_WIDTHS, kept="masked")


@LAWS.check(Spec(BY_ROW, (*VALUE_AND_GRADIENT, "grad_labels"), FAMILY, FEW, max(WIDTHS), dtypes=("float16",)))
def sum_beyond_float16(asking: Asking) -> Checked:
    """The sum of more than 65 504 ones is no float16 number, but its logarithm is: 65 535 equal logits have a loss.

    Rows of logits 0 and others too far below to count, as far as more than 65 504 are 0. The frameworks' own functions
    fail here, so that of a function built on them it is recorded, and a deviation by --strict alone.
    """
    widths = tuple(n for n in (COMPILED_WIDTHS if compiled(asking) else WIDTHS) if n > LARGEST)
    found = of_widths(asking, widths, kept="beyond")
    if found.over <= 1 or not asking.adapter.judged:
        return found
    return Checked(found.elements, 0, policy="overflows, as sums in float16 do", detail=found.detail)


def of_widths(asking: Asking, widths: tuple[int, ...], *, kept: Kept = "within") -> Checked:
    """Hold the rows of each width to their exact answers, each group by its least and its largest."""
    case, parts = asking.case, []
    truths = partial(_truths, case.op, case.quantity, case.dtype, widths, kept)  # made where an answer is a new one
    for n in widths:
        rows = rows_of_width(case.op, case.quantity, case.dtype, n, kept=kept)
        got = asking.answer(rows.inputs)
        parts.append(asking.measured.outcome(f"{kept} {n} {case}", got, partial(_measured, rows, got, truths)))
    return together(parts)


def _measured(rows: Rows, got: Array, truths: Callable[[], Mapping[int, Truth]]) -> Checked:
    """Measure an answer to rows of one width."""
    form, n, masked = FORMATS[rows.case.dtype], rows.case.classes, rows.kept == "masked"
    golden, budget, some = truths()[n]
    answers = np.stack([got, got]).astype(np.float64) if got.ndim == 1 else rows.grouped(got)
    measured = answers[..., some].reshape(-1).astype(got.dtype)
    distance = metrics.measure(measured, golden, form, budget.error, budget.flushed)
    over = tightest_excess(distance)
    if over <= 1:
        return Checked(got.size, over)
    kind = min((k for k in ACCEPTED if k in budget.error), key=lambda k: distance.over_bound[k])
    ulps = ulp.error(measured.astype(np.float64), golden, form)
    with np.errstate(invalid="ignore", over="ignore"):
        ratios = np.abs(ulps) / ulp.scale(budget.error[kind], -ulp.ulp_exponent(golden, form))
    at = int(np.where(np.isnan(ratios), np.inf, ratios).argmax())
    row, group = (*np.argwhere(some)[at % int(some.sum())].tolist(), 0)[:2]
    number = float(measured[at])
    index = rows.place(got, row, group, number)
    expected = rounding.nearest_at(golden, form, (at,))
    worst = worst_element(
        rows.case, rows.inputs, index, expected, number, exact=digits(golden, (at,)), ulp=float(ulps[at])
    )
    recipe = recipes.recipe(rows.case, int(rows.drawn[row]))
    masking = "row[row < 0] = -np.inf\n" if masked else ""
    detail = f"of {n} classes, {rows.k[row]} of them 0 and the others "
    detail += f"{'-inf' if masked else 'far below'}, element {index} is {number:.9g}, held to the exact {expected:.9g}"
    return Checked(got.size, over, detail=detail, worst=replace(worst, logits=recipe + masking))


def rows_of_width(op: Op, quantity: Quantity, dtype: str, n: int, *, kept: Kept = "within") -> Rows:
    """Draw the rows of a width, with labels and incoming gradients that are 0 but for two classes."""
    count, masked = MANY if n <= MANY_UP_TO else FEW, kept == "masked"
    case = Case(op, quantity, FAMILY, dtype, count, n)
    one, k, first, last = _ones(n, count)
    drawn = np.arange(count)
    if OPS[op.name].labels == "index":
        first, drawn = (first, np.arange(count)) if masked else _labelled(n, first)
        one, k, last = one[drawn], k[drawn], first
    if dtype == "float16":
        some = (k > LARGEST) == (kept == "beyond")
        one, k, first, last, drawn = one[some], k[some], first[some], last[some], drawn[some]
    count = len(drawn)
    z, g = np.zeros((count, 2)), np.zeros((count, 2))
    both = first != last
    z[:, 0], z[:, 1] = np.where(both & (np.arange(count) % 2 == 0), ((0.75,), (0.25,)), ((1.0,), (0.0,)))
    # Nothing that comes in cancels in log_softmax's sum, all of it in softmax's mean.
    g[:, 0], g[:, 1] = 1.0, np.where(both, 0.5 if op.name == LOG_SOFTMAX.name else -1.0, 0.0)
    if OPS[op.name].one_a_row:
        g = np.resize(STEPS, (count, 1))
    return Rows(case, kept, drawn, one, k, (first, last), z, g)


@cache
def _ones(n: int, count: int) -> tuple[Array, ...]:
    """Draw which logits of the family's rows are 0 in every dtype, how many of each, the first and the last."""
    one = families.draw(Case(SOFTMAX, "value", FAMILY, "float32", count, n)) == 0
    one.flags.writeable = False
    return one, one.sum(axis=1), one.argmax(axis=1), n - 1 - one[:, ::-1].argmax(axis=1)


def _labelled(n: int, first: Array) -> tuple[Array, Array]:
    """Return labels, and the family's rows that have them: at the maximum, and of the row of two ends, elsewhere."""
    ends = 3
    further = [65_535, 65_536, n - 1] if n > 65_536 else [n // 2, n - 1]
    return np.concatenate([first, further]), np.concatenate([np.arange(len(first)), np.full(len(further), ends)])


def _spread(values: Array, alone: tuple[Array, Array], n: int) -> Array:
    """Put two numbers a row where they belong, 0 elsewhere."""
    full, rows = np.zeros((len(values), n), values.dtype), np.arange(len(values))
    full[rows, alone[1]] = values[:, 1]
    full[rows, alone[0]] = values[:, 0]
    return full


@cache
def _truths(op: Op, quantity: Quantity, dtype: str, widths: tuple[int, ...], kept: Kept) -> dict[int, Truth]:
    """Return what rows of each width are held to; long ones apart, because they have more classes of budgets."""
    found: dict[int, Truth] = {}
    for some in (n for n in widths if n < LONG), (n for n in widths if n >= LONG):
        every = {n: rows_of_width(op, quantity, dtype, n, kept=kept).groups for n in some}
        if every:
            found |= _split(op, quantity, FORMATS[dtype], every)
    return found


def _split(op: Op, quantity: Quantity, form: Format, every: Mapping[int, Groups]) -> dict[int, Truth]:
    """Return exact answers and budgets of each width's rows, all made at once."""
    parts = every.values()
    groups = Groups(*(np.concatenate([getattr(one, field.name) for one in parts]) for field in fields(Groups)))
    golden = ones.golden(op, quantity, groups)
    budget = bounds.grouped(op, quantity, groups, form, golden)
    there = groups.counts > 0 if golden.hi.ndim == 2 else np.ones(len(golden.hi), bool)
    ends = np.cumsum([len(one.x) for one in parts]).tolist()
    rows = map(slice, [0, *ends[:-1]], ends)
    return {n: _of(golden, budget, there, some) for n, some in zip(every, rows, strict=True)}


def _of(golden: Golden, budget: Budget, there: Array, rows: slice) -> Truth:
    """Return what some of the rows are held to."""

    def flat(values: Array) -> Array:
        return np.tile(np.broadcast_to(values, golden.hi.shape)[rows][there[rows]], 2)

    errors = {kind: flat(error) for kind, error in budget.error.items()}
    twice = Golden(flat(golden.hi), flat(golden.lo), None, golden.radius)
    return twice, Budget(errors, flat(budget.flushed)), there[rows]
