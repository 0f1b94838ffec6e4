"""Ops of scaled logits, c x, some classes left out by an added -inf: what the arbiter alone answers.

The product is in front of the function, and what is asked is the function of the exact one: a compiler may round it, or
leave it to a fused multiply-add, here so and there so. With p the softmax of c x, a gradient is c times that by c x.

The budget. Rounded to the format, within u of its size, the product moves each logit by at most delta = u c |x|, and
logsumexp by at most the row's largest, m: so log p by delta + m, and p by a factor within e**+-(delta + m), which is
told without first-order terms, because deltas of large logits are no small ones; no p moves by more than 1. To a
gradient these come by way of p, and a product with c costs a rounding. A nan is within no budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from harness import options
from harness.model import FORMATS, Array, Golden, Inputs, Op, Quantity
from reference import bounds
from reference.arbiter import ball, rows, settle
from reference.arbiter.ball import Ball
from reference.bounds import Budget
from reference.golden import join
from reference.options.parts import assemble, assemble_budgets, size, softmax, units_of
from reference.question import Numbers

OPTIONS = frozenset({"scale", "added_mask"})


@dataclass(frozen=True, eq=False)
class Scaled:
    """An op without options, the factor of its logits, the classes that count, and its inputs without the others.

    Raises ValueError for a factor that is not above 0, and for an added number beside 0 and -inf.
    """

    name: str
    scale: float
    kept: Array
    inputs: Inputs
    classes: int

    @classmethod
    def of(cls, op: Op, given: Inputs) -> Scaled:
        """Read the options; inputs by row."""
        scale, classes = float(op.options.get("scale", 1.0)), given.logits.shape[1]
        added = np.array(options.repeated(str(op.options.get("added_mask", "0")), classes))
        if scale <= 0 or not ((added == 0) | (added == -np.inf)).all():
            raise ValueError(f"scale is {scale:g}, added_mask {added}, expected more than 0, and 0 or -inf")
        kept = np.flatnonzero(added == 0)
        if op.name == "log_softmax" and len(kept) < classes:
            raise ValueError("log_softmax of a masked class is -inf, expected a finite number; ask softmax")
        labels = None if given.labels is None else np.searchsorted(kept, given.labels)
        upstream = given.upstream[:, kept] if given.upstream.ndim > 1 else given.upstream
        return cls(op.name, scale, kept, Inputs(given.logits[:, kept], labels, upstream), classes)

    @property
    def products(self) -> Array:
        """C x, in float64, which rounds those of float64 logits."""
        return np.asarray(self.scale * self.inputs.logits.astype(np.float64))


def golden(op: Op, quantity: Quantity, given: Inputs) -> Golden:
    """Return the exact answers by row: (rows, classes) or (rows,)."""
    asked = Scaled.of(op, given)
    count = len(given.logits)
    x, z, g = (
        [()] * count if part is None else [tuple(row) for row in part.reshape(count, -1).tolist()]
        for part in (asked.inputs.logits.astype(np.float64), asked.inputs.labels, given_upstream(asked, quantity))
    )
    asks: list[settle.Ask] = [partial(_row, asked, quantity, *row) for row in zip(x, z, g, strict=True)]
    shape = asked.inputs.logits.shape if quantity != "value" else asked.inputs.upstream.shape
    found = join(settle.settled(asks, lambda i: " ".join(a.hex() for a in x[i][:16])), shape)
    return found if found.hi.ndim == 1 else assemble(given.logits.shape, [((slice(None), asked.kept), found)])


def given_upstream(asked: Scaled, quantity: Quantity) -> Array | None:
    """Return the incoming gradients of a gradient."""
    return None if quantity == "value" else asked.inputs.upstream.astype(np.float64)


def _row(
    asked: Scaled, quantity: Quantity, logits: Numbers, labels: Numbers, upstream: Numbers, bits: int
) -> Sequence[Ball]:
    scale = ball.exact(asked.scale)
    row = rows.row_of_balls(logits, [ball.multiply(scale, ball.exact(x), bits) for x in logits], bits)
    answers = rows.BY_ROW[asked.name, quantity](row, labels, upstream)
    return answers if quantity == "value" else [ball.multiply(scale, answer, bits) for answer in answers]


def budget(op: Op, quantity: Quantity, given: Inputs) -> Budget:
    """Return the budgets of the answers of `golden`."""
    asked = Scaled.of(op, given)
    form = FORMATS[given.logits.dtype.name]
    plain, wide = Op.of(asked.name), replace(asked.inputs, logits=asked.products)
    exact = settle.certify(plain, quantity, wide)
    base = bounds.budget(plain, quantity, wide, exact, form=form)
    delta = form.unit * np.abs(asked.products)
    with np.errstate(over="ignore"):
        moved = _MOVED[asked.name, quantity](Moved.of(asked, delta, quantity))
    factor = 1.0 if quantity == "value" else asked.scale
    units, tiny = units_of(given.logits.dtype), 0.0 if quantity == "value" else bounds.tiny_of(form)
    errors = {
        kind: factor * (error * moved.factor + moved.error + units[kind] * size(exact) * (quantity != "value")) + tiny
        for kind, error in base.error.items()
    }
    most = bounds.OVERFLOWED
    errors = {kind: np.nan_to_num(error, nan=most, posinf=most) for kind, error in errors.items()}
    whole = Budget(errors, base.flushed * max(1.0, factor))
    if whole.flushed.ndim == 1:
        return whole
    return assemble_budgets(given.logits.shape, [((slice(None), asked.kept), whole)])


@dataclass(frozen=True, eq=False)
class Change:
    """How much an answer moves, and the factor that its own error grows by."""

    error: Array
    factor: Array | float = 1.0


@dataclass(frozen=True, eq=False)
class Moved:
    """What the products' roundings move: p, by how much at most, and log p; labels and incoming gradients."""

    p: Array
    dp: Array
    factor: Array
    log: Array
    largest: Array
    labels: Array | None
    g: Array

    @classmethod
    def of(cls, asked: Scaled, delta: Array, quantity: Quantity) -> Moved:
        """Compute them from each logit's delta."""
        p, largest = softmax(asked.products), delta.max(axis=1, keepdims=True)
        log = delta + largest
        upstream = given_upstream(asked, quantity)
        g = np.ones((len(p), 1)) if upstream is None else np.abs(upstream.reshape(len(p), -1))
        return cls(p, np.minimum(1.0, p * np.expm1(log)), np.exp(log), log, largest, asked.inputs.labels, g)

    def softmax_grad(self) -> Change:
        """p (g - D), D = sum g p."""
        mean = (self.g * self.p).sum(axis=1, keepdims=True)
        through = (self.g * self.dp).sum(axis=1, keepdims=True)
        return Change((self.g + mean) * self.dp + (self.p + self.dp) * through, self.factor)


_MOVED: Mapping[tuple[str, Quantity], Callable[[Moved], Change]] = {
    ("softmax", "value"): lambda m: Change(m.dp, m.factor),
    ("softmax", "grad_logits"): Moved.softmax_grad,
    ("log_softmax", "value"): lambda m: Change(m.log),
    ("log_softmax", "grad_logits"): lambda m: Change(m.g.sum(axis=1, keepdims=True) * m.dp, m.factor),
    ("logsumexp", "value"): lambda m: Change(m.largest[:, 0]),
    ("logsumexp", "grad_logits"): lambda m: Change(m.g * m.dp, m.factor),
    ("sparse_xent", "value"): lambda m: Change(np.take_along_axis(m.log, np.asarray(m.labels)[:, None], 1)[:, 0]),
    ("sparse_xent", "grad_logits"): lambda m: Change(m.g * m.dp, m.factor),
}
