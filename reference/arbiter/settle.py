"""The arbiter's goldens, by Ziv's method: more bits for each row until every rounding is certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from itertools import chain, groupby

import mpmath
import numpy as np
from mpmath import libmp

from harness.model import Format, Golden, Inputs, Op, Quantity
from reference import rounding
from reference.arbiter import ball, rows
from reference.arbiter.ball import EXACT, Ball
from reference.arbiter.column import Column, end_to_end, split_balls
from reference.arbiter.variants.entropies import ENTROPIES
from reference.arbiter.variants.focal import FOCAL
from reference.arbiter.variants.formula import Formula, Key
from reference.arbiter.variants.probabilities import PROBABILITIES
from reference.golden import Piece, join, shape
from reference.question import Numbers, PlainRow

APART: Mapping[Key, Formula] = {**PROBABILITIES, **ENTROPIES, **FOCAL}  # ops that are asked apart
START_BITS = 144  # 40 more than are certified: what the formulas may lose before a row is done again
RADIUS_BITS = 104  # 30 decimal digits are 99.7 bits
MOST_BITS = 1 << 14  # beyond the exponents that cancel in any float64 row, 2**11 bits; nothing should get here
DEEP = 4096  # bits below mid's last at which an error bound is widened to; more would make integers of any length
AT_ONCE = 1 << 14  # values tested together, because numpy takes as long for a few as for some thousand


def certify(op: Op, quantity: Quantity, inputs: Inputs) -> Golden:
    """Compute a golden with the arbiter alone, raising the precision of each row until every rounding is decided.

    Shape: that of the answer; (rows, classes), (rows,), or () for a mean. Raises ValueError for a logit that is not
    finite, ArithmeticError for a row that stays undecided at MOST_BITS.
    """
    return join(settle(op, quantity, inputs, range(len(inputs.logits))), shape(quantity, inputs))


def settle(op: Op, quantity: Quantity, inputs: Inputs, chosen: Sequence[int]) -> list[Piece]:
    """Answer some rows; of a mean's value, the only answer there is, whatever rows are chosen. Raises as `certify`."""
    mean = inputs.upstream.ndim == 0
    asked = inputs.logits if mean and quantity == "value" else inputs.logits[np.asarray(chosen, np.int64)]
    if not np.isfinite(asked.astype(np.float64)).all():
        raise ValueError("logits hold inf or nan, expected finite numbers; special values have no distance in ulps")
    if mean and quantity == "value":
        every = _rows(quantity, inputs, range(len(inputs.logits)))
        return settled([lambda bits: [_mean(op, every, bits)]], lambda _: "the mean of all rows")
    share = len(inputs.logits) if mean else 1  # a mean hands each row its share of the gradient
    step = max(1, AT_ONCE // max(inputs.logits.shape[1], 1))
    return [
        piece
        for start in range(0, len(chosen), step)
        for piece in _settle_rows(op, quantity, _rows(quantity, inputs, chosen[start : start + step]), share)
    ]


def _settle_rows(op: Op, quantity: Quantity, rows: Sequence[PlainRow], share: int) -> list[Piece]:
    asks = [partial(_answer, op, quantity, row, share) for row in rows]
    return settled(asks, lambda i: " ".join(x.hex() for x in rows[i][0][:16]))


def _answer(op: Op, quantity: Quantity, row: PlainRow, share: int, bits: int) -> Sequence[Ball]:
    """Answer a row, divided by the rows that share its gradient."""
    balls = answer(op, quantity, row, bits)
    return balls if share == 1 else [ball.divide(b, ball.integer(share), bits) for b in balls]


def answer(op: Op, quantity: Quantity, row: PlainRow, bits: int) -> Sequence[Ball]:
    """Answer one row, of an op that is asked apart or of any other; see `reference.arbiter.rows.answer`."""
    formula = APART.get((op.name, quantity))
    return formula(op.options, *row, bits) if formula else rows.answer(op, quantity, *row, bits)


def _rows(quantity: Quantity, inputs: Inputs, chosen: Sequence[int]) -> list[PlainRow]:
    """Return (logits, labels, upstream) of some rows as Python floats."""
    at = np.asarray(chosen, np.int64)
    upstream = None if quantity == "value" else inputs.upstream
    if upstream is not None and upstream.ndim == 0:
        upstream = np.broadcast_to(upstream, len(inputs.logits))
    listed: list[list[Numbers]] = [
        [()] * len(at)
        if part is None
        else [tuple(row) for row in part[at].reshape(len(at), -1).astype(np.float64).tolist()]
        for part in (inputs.logits, inputs.labels, upstream)
    ]
    return list(zip(*listed, strict=True))


def _mean(op: Op, rows: Sequence[PlainRow], bits: int) -> Ball:
    losses = [loss for row in rows for loss in _answer(op, "value", row, 1, bits)]
    whole = reduce(lambda a, b: ball.add(a, b, bits), losses)  # one by one, because that keeps a side
    return ball.divide(whole, ball.integer(len(losses)), bits)


Ask = Callable[[int], Sequence[Ball]]  # an answer of so many bits


def settled(asks: Sequence[Ask], title: Callable[[int], str]) -> list[Piece]:
    """Answer with as many bits as it takes for every radius to be small and every rounding to be certain."""
    settled: dict[int, Piece] = {}
    left = list(range(len(asks)))
    bits = START_BITS
    while left and bits <= MOST_BITS:
        settled |= _decided({i: balls for i in left if (balls := _attempt(asks[i], bits))})
        left = [i for i in left if i not in settled]
        bits *= 2
    if left:
        row = title(left[0])
        raise ArithmeticError(f"a row is undecided at {MOST_BITS} bits, expected a certified value; its logits: {row}")
    return [settled[i] for i in range(len(asks))]


def _attempt(ask: Ask, bits: int) -> Sequence[Ball]:
    """Answer, by nothing where so few bits are too few."""
    try:
        return ask(bits)
    except ball.Undecided:
        return []


def _decided(answers: Mapping[int, Sequence[Ball]]) -> dict[int, Piece]:
    """Return what passes Ziv's test: quickly of all at once, then exactly of what a coarse radius leaves open."""
    if not answers:
        return {}
    lengths = [len(balls) for balls in answers.values()]
    ends = np.cumsum(lengths)
    owner, place = np.repeat(list(answers), lengths), np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    hi, lo, exponent, radius = whole = _split_all(list(answers.values()))
    undecided = set(owner[radius > 2.0**-RADIUS_BITS].tolist())
    close = rounding.near_midpoints(Golden(hi, lo, exponent, 0.0))
    some = Golden(hi[close], lo[close], exponent[close], 0.0)
    every = rounding.undecided(some, rounding.EVERY_FORMAT, radius[close])
    for form, found in zip(rounding.EVERY_FORMAT, every, strict=True):
        near = close[found]
        for i, j in zip(owner[near].tolist(), place[near].tolist(), strict=True):
            if i not in undecided and not rounds_alike(answers[i][j], form):
                undecided.add(i)
    pieces = zip(*(np.split(part, ends[:-1]) for part in whole), strict=True)
    return {i: piece for i, piece in zip(answers, pieces, strict=True) if i not in undecided}


def _split_all(answers: Sequence[Sequence[Ball]]) -> Piece:
    """Split answers, end to end."""
    pieces = []
    for _, group in groupby(answers, key=lambda answer: isinstance(answer, Column)):
        some = list(group)
        columns = [one for one in some if isinstance(one, Column)]
        pieces.append(end_to_end(columns).split() if columns else split_balls(list(chain.from_iterable(some))))
    hi, lo, exponent, radius = (np.concatenate(part) for part in zip(*pieces, strict=True))
    return hi, lo, exponent, radius


def rounds_alike(enclosure: Ball, form: Format) -> bool:
    """Tell whether both ends of a ball round alike: Ziv's test in integers, for what `undecided` leaves open."""
    sign, digits, exponent, _ = enclosure.mid
    mid = -digits if sign else digits
    if enclosure.error == EXACT:
        return True
    error = max(enclosure.error, exponent - DEEP)
    deep = min(exponent, error) - 1
    mid, reach = mid << (exponent - deep), 1 << (error - deep)
    # A known side leaves mid itself out, by as little as one likes.
    ends = {0: (mid - reach, mid + reach), 1: (mid + 1, mid + reach), -1: (mid - reach, mid - 1)}[enclosure.side]
    return _nearest_integer(ends[0], deep, form) == _nearest_integer(ends[1], deep, form)


def _nearest_integer(digits: int, exponent: int, form: Format) -> tuple[int, int]:
    """Return digits * 2**exponent rounded to the format, as a number of quanta and the quantum's exponent."""
    quantum = max(abs(digits).bit_length() + exponent - 1, form.emin) - form.precision + 1
    if quantum <= exponent:
        return digits << (exponent - quantum), quantum
    shift = quantum - exponent
    whole, rest = divmod(digits, 1 << shift)
    half = 1 << (shift - 1)
    whole += rest > half or (rest == half and whole & 1)
    return (whole >> 1, quantum + 1) if abs(whole) >> form.precision else (whole, quantum)


def backend() -> str:
    """Say what mpmath counts with: `gmpy` where gmpy2 is installed, else `python`."""
    return f"mpmath {mpmath.__version__} ({libmp.BACKEND})"
