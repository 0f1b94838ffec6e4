"""The ops and their gradients in double-double, vectorised, every element with the radius that its formula proves.

The formulas are those of `reference.arbiter.rows`: m the largest logit, k the logits equal to it, d = m - x, t the sum
of the other e**-d, S = k + t, L = log S. d is exact. First-order error terms follow each formula, with the constants of
`reference.fast.doubledouble`; each is rounded up by more than the second-order terms (2**-80 of them) and the
roundings of the radius itself (2**-48 of it) can take away.

A radius is infinite, and the arbiter's turn has come, where
  - a logit is no 0 and outside 2**-500 .. 2**500, or a label, gradient or weight outside 2**-150 .. 2**150;
  - d is beyond 7e8 and its e**-d, below 2**-1e9, counts;
  - so much cancels that less than 2**-60 is certain, or that a 0 might be none;
  - hi is a power of two and the sign of lo is not certain: it decides in which binade the value lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from harness.model import Array, Inputs, Op, Quantity
from harness.ops import OPS
from reference.fast import doubledouble as dd
from reference.fast import points, sums, written
from reference.fast import values as fast_values
from reference.fast.points import BY_POINT
from reference.fast.rows import BY_ROW
from reference.fast.values import Mask, Value, filled, in_range, powers_at, relative, untailed
from reference.fast.words import DIVIDE, UNKNOWN

KEPT, KEPT_SIZE = 4, 1 << 16  # blocks whose sums are kept, some MB each, and the elements of the largest
_kept: dict[tuple[str, tuple[int, ...], bytes], sums.Block] = {}


@dataclass(frozen=True, eq=False)
class Answer:
    """Values (hi + lo) 2**exponent, each within `radius`, relative; inf where nothing is known, 0 where it is exact."""

    hi: Array
    lo: Array
    exponent: Array
    radius: Array


@dataclass(frozen=True, eq=False)
class Request:
    """One thing asked of a set of logits; see `answers`."""

    op: Op
    quantity: Quantity
    inputs: Inputs


def answer(op: Op, quantity: Quantity, inputs: Inputs) -> Answer:
    """Answer every element, shaped like its golden: the value like upstream, a gradient like the logits.

    logits must be finite. Raises ValueError for an op or quantity that has no formula.
    """
    return answers([Request(op, quantity, inputs)])[0]


def answers(questions: Sequence[Request]) -> list[Answer]:
    """Answer several questions of the same logits (the same array) at the price of little more than one."""
    shapes = [_shape(question) for question in questions]
    kept = [_empty(_long_shape(question)) for question in questions]
    for _ in _blocks(questions, kept):
        pass
    return [_mean(one) if shape == () else one for one, shape in zip(kept, shapes, strict=True)]


@cache
def _keep_freed_memory() -> None:
    """Let glibc keep what temporaries free, at twice the speed: its thresholds rise to the largest block ever freed.

    Without this each of them goes back to the system and is zeroed again, page by page (mallopt(3), M_MMAP_THRESHOLD:
    dynamic up to 32 MiB). Harmless elsewhere.
    """
    np.empty(31 << 20, np.uint8)


def blocks(questions: Sequence[Request]) -> Iterator[tuple[slice, list[Answer]]]:
    """Answer some rows at a time: what is too large to be held at once. A mean's value comes un-reduced, row by row."""
    yield from _blocks(questions, None)


def _blocks(questions: Sequence[Request], kept: Sequence[Answer] | None) -> Iterator[tuple[slice, list[Answer]]]:
    """Answer into what is kept, or into arrays made for each block."""
    _keep_freed_memory()
    first = questions[0].inputs.logits
    keys = [(question.op.name, question.quantity) for question in questions]
    for key, question in zip(keys, questions, strict=True):
        if key not in BY_ROW and key not in BY_POINT:
            known = ", ".join(sorted(f"{name}/{which}" for name, which in (*BY_ROW, *BY_POINT)))
            raise ValueError(f"question is {key[0]}/{key[1]}, expected one of {known}")
        if question.inputs.logits is not first:
            raise ValueError("questions have different logits, expected one array for all; ask them one by one")
    count, classes = first.shape
    step = max(1, fast_values.BLOCK // max(classes, 1))
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        with np.errstate(all="ignore"):  # a radius that is nan counts as infinite
            base = _sums(first[rows]) if any(key in BY_ROW for key in keys) else None
            parts = [_part(q, rows) if kept is None else _view(kept[i], rows) for i, q in enumerate(questions)]
            for question, part in zip(questions, parts, strict=True):
                _answer(question, rows, base, part)
        yield rows, parts


def _sums(logits: Array) -> sums.Block:
    """Sum up whole rows; those of a few last blocks are kept, because many questions are asked of the same logits."""
    if logits.size > KEPT_SIZE:
        return sums.block_of(logits, None, None)
    key = (logits.dtype.name, logits.shape, logits.tobytes())
    block = _kept.pop(key, None) or sums.block_of(logits, None, None)
    _kept[key] = block  # the last one used is the last to go
    while len(_kept) > KEPT:
        _kept.pop(next(iter(_kept)))
    return block


def _shape(question: Request) -> tuple[int, ...]:
    inputs = question.inputs
    return inputs.upstream.shape if question.quantity == "value" else inputs.logits.shape


def _long_shape(question: Request) -> tuple[int, ...]:
    """Return the shape of an answer before a mean."""
    shape, logits = _shape(question), question.inputs.logits.shape
    if shape != ():
        return shape
    return logits[:1] if OPS[question.op.name].one_a_row else logits


def _empty(shape: tuple[int, ...]) -> Answer:
    return Answer(np.empty(shape), np.empty(shape), np.zeros(shape, np.int64), np.empty(shape))


def _part(question: Request, rows: slice) -> Answer:
    return _empty((rows.stop - rows.start, *_long_shape(question)[1:]))


def _view(one: Answer, rows: slice) -> Answer:
    return Answer(*(part[rows] for part in _arrays(one)))


def _arrays(one: Answer) -> tuple[Array, Array, Array, Array]:
    return one.hi, one.lo, one.exponent, one.radius


def _answer(question: Request, rows: slice, base: sums.Block | None, out: Answer) -> None:
    """Answer some rows of a question, in place; exponents are 0 before."""
    inputs, quantity = question.inputs, question.quantity
    count = rows.stop - rows.start
    labels = None if inputs.labels is None else inputs.labels[rows]
    upstream: Array | None = None
    if quantity != "value":
        upstream = np.broadcast_to(inputs.upstream, (count,)) if inputs.upstream.ndim == 0 else inputs.upstream[rows]
    good = np.ones(count, bool)
    for given in (None if labels is None or labels.dtype.kind == "i" else labels, upstream):
        if given is not None:
            good &= in_range(given.astype(np.float64), 150).reshape(count, -1).all(axis=1)
    share = len(inputs.logits) if inputs.upstream.ndim == 0 and quantity != "value" else 1
    weight = float(question.op.options.get("pos_weight", 1.0))
    good &= bool(in_range(np.array(weight), 150))
    labels, upstream = (_tamed(given, good) for given in (labels, upstream))
    if base is not None and (question.op.name, quantity) in BY_ROW:
        good = good & base.good
        alone = labels is None and upstream is None  # what the block has found out for other questions is kept
        _rows(question, base if alone else replace(base, labels=labels, upstream=upstream), out, share)
    else:
        _points(question, inputs.logits[rows], labels, upstream, out, share, weight)
    if not good.all():
        out.radius[~good] = np.inf


def _rows(question: Request, block: sums.Block, out: Answer, share: int) -> None:
    """Answer whole rows: in one pass where a loop does so, else formula by formula."""
    name, quantity = question.op.name, question.quantity

    def by_numpy(to: Answer) -> tuple[Array, ...]:
        for tile, value in zip(block.tiles, BY_ROW[name, quantity](block), strict=False):
            _store(to, value, block, tile.span if to.hi.ndim > 1 else None, share)
        return _arrays(to)

    def by_loop() -> tuple[Array, ...]:
        return _arrays(out) if written.write(name, block, (out.hi, out.lo, out.radius)) else by_numpy(out)

    if quantity != "value" or not written.able(name, block):
        by_numpy(out)
        return
    kept = written.proved(f"{name}_{block.axis}", by_loop, lambda: by_numpy(_empty(out.hi.shape)))
    for to, part in zip(_arrays(out), kept, strict=True):
        if to is not part:
            to[...] = part


def _tamed(given: Array | None, good: Mask) -> Array | None:
    """Put 0 in rows that are not answered anyway."""
    if given is None or good.all():
        return given
    given = given.copy()
    given[~good] = 0
    return given


def _points(
    question: Request,
    logits: Array,
    labels: Array | None,
    upstream: Array | None,
    out: Answer,
    share: int,
    weight: float,
) -> None:
    formula = BY_POINT[question.op.name, question.quantity]
    whole = [
        np.broadcast_to(missing if part is None else part if part.ndim == 2 else part[:, None], logits.shape)
        for part, missing in ((logits, 0.0), (labels, 0.0), (upstream, 1.0))
    ]
    width = max(1, fast_values.CHUNK // max(len(logits), 1))
    for start in range(0, logits.shape[1], width):
        span = slice(start, start + width)
        x, z, g = (np.ascontiguousarray(part[:, span].astype(np.float64)) for part in whole)
        good = in_range(x, 500)
        value = _certain(formula(points.point_of(np.where(good, x, 0.0), z, g, weight)), x.shape, share)
        for to, part in zip(
            _arrays(out), (*value.pair, value.exponent, np.where(good, value.radius, np.inf)), strict=True
        ):
            to[:, span] = part


def _store(out: Answer, value: Value, block: sums.Block, span: slice | None, share: int) -> None:
    value = _certain(value, value.pair[0].shape, share)
    for to, part in zip(_arrays(out), (*value.pair, value.exponent, value.radius), strict=True):
        if isinstance(part, np.ndarray) or part:
            if span is None:
                to.reshape(value.pair[0].shape)[...] = part
            else:
                (to[:, span] if block.axis == 1 else to[:, span].T)[...] = part


def _certain(value: Value, shape: tuple[int, ...], share: int) -> Value:
    """Divide by the rows that share a mean, and make infinite every radius that is too wide to build on."""
    if share > 1:
        rows = np.full(shape, float(share))
        exact = (value.pair[0] == 0) | (dd.power_of_two(rows))
        pair = dd.divide(value.pair, untailed(rows))
        value = Value(pair, value.exponent, value.radius + np.where(exact, 0.0, DIVIDE))
    radius = value.radius
    if not radius.max() <= UNKNOWN:
        radius = np.where(radius <= UNKNOWN, radius, np.inf)
    if not np.isfinite(value.pair[1].sum()):  # what overflowed on the way has no finite tail
        radius = np.where(np.isfinite(value.pair[0] + value.pair[1]), radius, np.inf)
    powers = powers_at(value.pair[0]) if value.powers is None else value.powers
    if len(powers):
        radius = filled(radius, shape)
        hi, lo, reach = (np.abs(part.ravel()[powers]) for part in (*value.pair, radius))
        radius.reshape(-1)[powers[(reach > 0) & ((hi == 0) | ~(lo >= reach * hi))]] = np.inf
    return replace(value, radius=radius)


@np.errstate(all="ignore")
def _mean(one: Answer) -> Answer:
    """Return the mean of all elements: their errors, the sum's and a division, over what is left."""
    exponent = np.clip(one.exponent.ravel(), -4000, 4000)
    hi, lo = dd.scale((one.hi.ravel(), one.lo.ravel()), exponent)
    lost = np.where((exponent < -500) & (hi != one.hi.ravel()), 2.0**-900, 0.0)
    error = np.where(one.radius.ravel() == 0, 0.0, np.abs(hi) * one.radius.ravel()) + lost
    whole, sum_error = untailed(np.zeros((1,))), np.zeros(1)
    for start in range(0, len(hi), fast_values.CHUNK):
        part, bound = dd.total((hi[start : start + fast_values.CHUNK], lo[start : start + fast_values.CHUNK]), 0)
        whole, rounded = dd.add_bounded(whole, part)
        sum_error = sum_error + bound + rounded + np.sum(error[start : start + fast_values.CHUNK])
    count = np.full(1, float(len(hi)))
    exact = (whole[0] == 0) | dd.power_of_two(count)
    radius = relative(sum_error, whole[0]) + np.where(exact, 0.0, DIVIDE)
    value = _certain(Value(dd.divide(whole, untailed(count)), 0, radius), (1,), 1)
    return Answer(
        value.pair[0].reshape(()), value.pair[1].reshape(()), np.zeros((), np.int64), value.radius.reshape(())
    )
