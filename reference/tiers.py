"""Goldens by both tiers: double-double first, the arbiter for rows left open and for an audit.

Every row that the fast tier cannot certify, and as large a share of the others as the caller wants, is done by mpmath;
where the two disagree by more than their radii the run stops with the row in hand, because then one of the two
certificates is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from harness.model import Array, Golden, Inputs, Op, Quantity
from harness.ops import OPS
from harness.scoring import ulp
from reference import golden, rounding
from reference.arbiter import linear as arbiter
from reference.arbiter import settle
from reference.fast import answers, linear

RADIUS_BITS = 64  # a thousandth of an ulp of float64 is 2**-63
AUDITED = 1 << 15  # products of a linear op that an audit redoes
LONG = 2_048  # classes from which an audit redoes no gradient that needs all rows of them


class Disagreement(ArithmeticError):  # noqa: N818 - both tiers claim to be right
    """The tiers differ by more than their radii."""


def certify(op: Op, quantity: Quantity, inputs: Inputs, audit: float = 1.0, seed: int = 0) -> Golden:
    """Compute a golden, by the fast tier where it has the op and is certain of every rounding, else by the arbiter.

    audit: the share of rows that the arbiter does in any case, drawn from `seed`. Beside its result it takes the memory
    of a block. Shapes and errors as `settle.certify`; raises Disagreement where the tiers contradict each other.
    """
    if OPS[op.name].apart:
        return settle.certify(op, quantity, inputs)
    if OPS[op.name].linear:
        return _linear(op, quantity, inputs, audit, seed)
    shape = golden.shape(quantity, inputs)
    hi, lo, radius = np.empty(shape), np.empty(shape), 0.0
    exponent: Array | None = None
    for rows, block in blocks(op, quantity, inputs, audit, seed):
        at = rows if shape else ()
        hi[at], lo[at] = block.hi, block.lo
        if block.exponent is not None:
            exponent = np.zeros(shape, np.int64) if exponent is None else exponent
            exponent[at] = block.exponent
        radius = max(radius, block.radius)
    return Golden(hi, lo, exponent, radius)


def blocks(
    op: Op, quantity: Quantity, inputs: Inputs, audit: float = 1.0, seed: int = 0
) -> Iterator[tuple[slice, Golden]]:
    """Certify some rows at a time, as many as `fast.blocks` answers: for what is too large to be held at once.

    A mean's value comes as one block of all rows. Otherwise as `certify`.
    """
    rng = np.random.default_rng(seed)  # rows are drawn one after the other, so blocks of any size draw the same
    for rows, quick in _quick(op, quantity, inputs):
        piece = _by_row(quick)
        again = open_rows(*piece) | (rng.random(len(piece[0])) < audit)
        if not np.isfinite(inputs.logits[rows]).all():
            again[:] = True  # the arbiter refuses them
        done = list(_settled(op, quantity, inputs, rows.start + np.flatnonzero(again)))
        if done:
            at = np.array([row for row, _ in done])
            hi, lo, exponent, radius = (np.stack(part) for part in zip(*(piece for _, piece in done), strict=True))
            settled, here = (hi, lo, exponent, radius), at - rows.start
            quick_rows = piece[0][here], piece[1][here], piece[2][here], piece[3][here]
            compare(quick_rows, settled, lambda i: f"{op}/{quantity}, row {at[i]}", inputs.logits[at])  # noqa: B023
            for part, new in zip(piece, settled, strict=True):
                part[here] = new
        yield rows, golden.join([piece], quick.hi.shape)


def _linear(op: Op, quantity: Quantity, inputs: Inputs, audit: float, seed: int) -> Golden:
    """Certify a linear op at once: its gradients mix the rows, so a row here is one of the answer's first axis.

    Of those that the audit draws no more are redone than a few short rows of logits take, and of long ones none.
    """
    _expect_finite(inputs)
    quick = linear.answer(op, quantity, inputs)
    piece = _by_row(quick)
    again = open_rows(*piece)
    assert inputs.weight is not None
    of_classes = quantity in {"grad_weight", "grad_bias"}
    every_row = of_classes or not quick.hi.shape  # which an element is a sum over
    one = inputs.weight.size * (len(inputs.logits) if every_row else 1)
    most = 0 if one > AUDITED or (of_classes and len(inputs.weight) >= LONG) else AUDITED // one
    drawn = np.flatnonzero(np.random.default_rng(seed).random(len(again)) < audit)
    again[drawn[:most]] = True
    chosen = np.flatnonzero(again)
    if len(chosen):
        pieces = _arbitrated(op, quantity, inputs, chosen.tolist())
        settled = hi, lo, exponent, radius = tuple(np.stack(part) for part in zip(*pieces, strict=True))
        quick_rows = piece[0][chosen], piece[1][chosen], piece[2][chosen], piece[3][chosen]
        of_rows = np.atleast_2d(inputs.weight if of_classes else inputs.logits)[chosen if quick.hi.shape else [0]]
        compare(quick_rows, (hi, lo, exponent, radius), lambda i: f"{op}/{quantity}, row {chosen[i]}", of_rows)
        for part, new in zip(piece, settled, strict=True):
            part[chosen] = new
    return golden.join([piece], quick.hi.shape)


def _arbitrated(op: Op, quantity: Quantity, inputs: Inputs, chosen: Sequence[int]) -> list[golden.Piece]:
    """Answer some rows of a linear op's answer by the arbiter."""
    asks = arbiter.asks(quantity, arbiter.plainly(quantity, inputs), chosen)
    return settle.settled(asks, lambda i: f"{op}/{quantity}, row {chosen[i]}")


def _expect_finite(inputs: Inputs) -> None:
    for part in (inputs.logits, inputs.weight, inputs.bias):
        if part is not None and not np.isfinite(part.astype(np.float64)).all():
            raise ValueError("inputs hold inf or nan, expected finite numbers; special values have no distance in ulps")


def _quick(op: Op, quantity: Quantity, inputs: Inputs) -> Iterator[tuple[slice, answers.Answer]]:
    """Answer by the fast tier, some rows at a time."""
    if quantity == "value" and inputs.upstream.ndim == 0:
        yield slice(0, len(inputs.logits)), answers.answer(op, quantity, inputs)
    else:
        for rows, (part,) in answers.blocks([answers.Request(op, quantity, inputs)]):
            yield rows, part


def _by_row(quick: answers.Answer) -> golden.Piece:
    """View an answer as (rows, values of a row)."""
    width = quick.hi.size // (len(quick.hi) if quick.hi.shape else 1)
    return (
        quick.hi.reshape(-1, width),
        quick.lo.reshape(-1, width),
        quick.exponent.reshape(-1, width),
        quick.radius.reshape(-1, width),
    )


def _settled(op: Op, quantity: Quantity, inputs: Inputs, rows: Array) -> Iterator[tuple[int, golden.Piece]]:
    """Answer some rows by the arbiter; of a mean it has to see all, else it is handed no more than those."""
    if not len(rows):
        return
    chosen = rows.tolist()
    if inputs.upstream.ndim:
        labels = None if inputs.labels is None else inputs.labels[rows]
        inputs, rows = Inputs(inputs.logits[rows], labels, inputs.upstream[rows]), np.arange(len(rows))
    yield from zip(chosen, settle.settle(op, quantity, inputs, rows.tolist()), strict=True)


def open_rows(hi: Array, lo: Array, exponent: Array, radius: Array) -> Array:
    """Tell which rows hold an element without a radius, with too wide a one, or of an uncertain rounding."""
    wide = ~(radius <= 2.0**-RADIUS_BITS)
    if wide.any():
        hi, lo, radius = (np.where(wide, 0.0, part) for part in (hi, lo, radius))
    at = rounding.near_midpoints(Golden(hi, lo, exponent, 0.0))
    some = Golden(hi.flat[at], lo.flat[at], exponent.flat[at], 0.0)
    with np.errstate(all="ignore"):
        wide.flat[at] |= rounding.undecided(some, rounding.EVERY_FORMAT, radius.flat[at]).any(axis=0)
    return np.asarray(wide.any(axis=1))


def compare(quick: golden.Piece, settled: golden.Piece, title: Callable[[int], str], logits: Array) -> None:
    """Raise Disagreement where a row of the fast tier lies further from the arbiter's than both radii allow.

    All are (rows, values of a row), or logits; title: what to call a row.
    """
    hi, lo, exponent, radius = quick
    with np.errstate(all="ignore"):  # only where nothing is claimed can it come to inf - inf
        shift = np.where(settled[0] == 0, 0, exponent - settled[2])
        difference = (ulp.scale(hi, shift) - settled[0]) + (ulp.scale(lo, shift) - settled[1])
        size = np.maximum(np.abs(settled[0]), np.abs(ulp.scale(hi, shift)))
        allowed = (radius + settled[3] + 2.0**-104) * size  # 2**-104: this subtraction's roundings
        wrong = np.argwhere(np.isfinite(radius) & ~(np.abs(difference) <= allowed))
    if len(wrong):
        row, element = at = tuple(wrong[0].tolist())
        begin = " ".join(float(x).hex() for x in logits[row][:16])
        raise Disagreement(
            f"{title(row)}, element {element} is {hi[at].hex()} + {lo[at].hex()} in the fast tier, expected "
            f"{settled[0][at].hex()} + {settled[1][at].hex()} times 2**{settled[2][at]} as the arbiter has it; "
            f"its logits begin {begin}"
        )


def arbitrate(op: Op, quantity: Quantity, inputs: Inputs, _audit: float = 1.0, _seed: int = 0) -> Golden:
    """Compute a golden by the arbiter alone, which leaves nothing to audit."""
    if OPS[op.name].linear:
        _expect_finite(inputs)
        shape = golden.shape(quantity, inputs)
        return golden.join(_arbitrated(op, quantity, inputs, range(shape[0] if shape else 1)), shape)
    return settle.certify(op, quantity, inputs)


CERTIFY: Mapping[str, Callable[[Op, Quantity, Inputs, float, int], Golden]] = {"fast": certify, "mpmath": arbitrate}
