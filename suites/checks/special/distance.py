"""How far an answer lies from the rules of `special`: infinite and nan answers exactly, all others by their budgets."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from harness.model import FORMATS, Array, Checked, Inputs, Op
from harness.ops import OPS
from harness.scoring import metrics
from reference import limits, rounding
from reference.limits import Answer, Limit
from reference.question import Question
from suites.checks.check import Asking, tightest_excess
from suites.questions.families import to_dtype

Index = tuple[int, ...]


@dataclass(frozen=True)
class Gap:
    """The element of an answer that is furthest from its rule: `over` as of `Checked`."""

    over: float
    index: Index
    expected: float
    got: float

    def __str__(self) -> str:
        """Print as an error message would."""
        return f"answer[{', '.join(map(str, self.index))}] is {self.got:.9g}, expected {self.expected:.9g}"


NOTHING = Gap(0.0, (), 0.0, 0.0)


def hold(asking: Asking, got: Array, inputs: Inputs) -> Checked:
    """Hold an answer to the limits of its rows."""
    return asking.found("limits", got, inputs, lambda: verdict(asking, got.size, inputs, furthest(asking, got, inputs)))


def verdict(asking: Asking, elements: int, inputs: Inputs, gap: Gap, broken: str = "") -> Checked:
    """Return what was found; `broken` says in front of the element which part of a claim it breaks."""
    if gap.over <= 1:
        return Checked(elements, gap.over)
    worst = asking.worst(inputs, gap.index, gap.expected, gap.got)
    return Checked(elements, gap.over, detail=f"{broken}: {gap}" if broken else str(gap), worst=worst)


def furthest(asking: Asking, got: Array, inputs: Inputs) -> Gap:
    """Return the element furthest from its limit. Raises ValueError where `special` has no rule for a row."""
    ruled = [_limit(asked) for asked in questions(asking, inputs)]
    measured = [_measured(asking, got, ruled, rows) for rows in _alike(ruled)]
    return max([unruly(asking, got, inputs), *measured], key=lambda gap: gap.over)


def unruly(asking: Asking, got: Array, inputs: Inputs) -> Gap:
    """Return the first element that is not the number or nan that a rule says; what has a budget is left out."""
    ruled = [_limit(asked) for asked in questions(asking, inputs)]
    gaps = (_fixed(got[row], limit.answers, row) for row, limit in enumerate(ruled))
    return next((gap for gap in gaps if gap.over), NOTHING)


def exactly(got: Array, expected: Array) -> Gap:
    """Return the first element that is another number, or nan on one side only; -0 is 0."""
    off = (got != expected) & ~(np.isnan(got) & np.isnan(expected))
    if not off.any():
        return NOTHING
    index = tuple(int(i) for i in np.argwhere(off)[0])
    return Gap(math.inf, index, float(expected[index]), float(got[index]))


def measured(asking: Asking, got: Array, inputs: Inputs) -> Gap:
    """Return the element furthest from its exact value; finite inputs only."""
    distance = asking.measure(got, inputs)
    return _gap(asking, got, inputs, distance)


def questions(asking: Asking, inputs: Inputs) -> Iterator[Question]:
    """Yield the rows one by one, as `special` takes them."""
    case = asking.case
    for row in range(len(inputs.logits)):
        parts = (inputs.logits, inputs.labels, None if case.quantity == "value" else inputs.upstream)
        logits, labels, upstream = (() if part is None else _numbers(part[row]) for part in parts)
        yield Question(case.op, case.quantity, case.dtype, logits, labels, upstream)


def _numbers(row: Array) -> tuple[float, ...]:
    return tuple(np.atleast_1d(row).astype(np.float64).tolist())


def _limit(asked: Question) -> Limit:
    if limits.is_special(asked):
        return limits.limit(asked)
    count = 1 if asked.quantity == "value" and OPS[asked.op.name].one_a_row else asked.classes
    return Limit(tuple(range(count)), asked)


def _fixed(got: Array, answers: tuple[Answer, ...], row: int) -> Gap:
    """Return the first element of a row that is not the number a rule says."""
    fixed = [j for j, answer in enumerate(answers) if isinstance(answer, float)]
    wanted = np.array([answers[j] for j in fixed])
    gap = exactly(np.atleast_1d(got).astype(np.float64)[fixed], wanted)
    return replace(gap, index=_place(got, row, fixed[gap.index[0]])) if gap.over else gap


def _place(got: Array, row: int, column: int) -> Index:
    return (row, column) if got.ndim else (row,)


def _alike(ruled: list[Limit]) -> list[list[int]]:
    """Return the rows whose finite questions go into one batch."""
    groups: dict[tuple[Op, int], list[int]] = {}
    for row, limit in enumerate(ruled):
        if limit.finite is not None:
            groups.setdefault((limit.finite.op, limit.finite.classes), []).append(row)
    return list(groups.values())


def _measured(asking: Asking, got: Array, ruled: list[Limit], rows: list[int]) -> Gap:
    """Measure what `rows` say of their finite questions."""
    columns = [[j for j, answer in enumerate(ruled[row].answers) if isinstance(answer, int)] for row in rows]
    finite = [ruled[row].finite for row in rows]
    asked = [question for question in finite if question is not None]
    inputs = _batch(asking, asked)
    part = np.array([np.atleast_1d(got[row])[chosen] for row, chosen in zip(rows, columns, strict=True)], got.dtype)
    op = asked[0].op
    if asking.case.quantity == "value" and OPS[op.name].one_a_row:
        part = part[:, 0]
    finite_asking = replace(asking, case=replace(asking.case, op=op))
    gap = _gap(finite_asking, part, inputs, finite_asking.measure(part, inputs))
    row = gap.index[0]
    column = columns[row][gap.index[1]] if len(gap.index) > 1 else 0
    return replace(gap, index=_place(got[rows[row]], rows[row], column))


def _batch(asking: Asking, asked: list[Question]) -> Inputs:
    """Put rows of one length together."""
    op, dtype = asked[0].op, asking.case.dtype
    logits, labels, upstream = (
        np.array([getattr(question, part) for question in asked]) for part in ("logits", "labels", "upstream")
    )
    if asking.case.quantity == "value":
        upstream = np.ones(logits.shape)
    if OPS[op.name].one_a_row:
        upstream = upstream[:, 0]
    given: Array | None = to_dtype(labels, dtype) if labels.size else None
    if OPS[op.name].labels == "index":
        given = labels[:, 0].astype(np.int64)
    return Inputs(to_dtype(logits, dtype), given, to_dtype(upstream, dtype))


def _gap(asking: Asking, got: Array, inputs: Inputs, distance: metrics.Distance) -> Gap:
    index, case, over = distance.worst, asking.case, tightest_excess(distance)
    if over <= 1:
        return Gap(over, index, math.nan, float(got[index]))  # nobody asks
    golden = asking.golden(inputs)
    return Gap(over, index, rounding.nearest_at(golden, FORMATS[case.dtype], index), float(got[index]))
