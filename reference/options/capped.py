"""Losses of capped logits, c tanh(x / c), and losses with a multiple of logsumexp**2: what the arbiter alone answers.

With x' = c tanh(x / c), l the logsumexp of x', Z the sum of the labels z, and p the softmax of x',

    value        sum z (l - x') + w l**2
    grad_logits  g (Z p - z + 2 w l p) (1 - tanh(x / c)**2)
    grad_labels  g (l - x')

`reference.arbiter.caps` has tanh and its derivative.

The budget. A computed tanh may come of exponentials, as 2 sigmoid(2 t) - 1: e within KE u makes sigmoid s wrong by
s (1 - s) KE u <= u / 2, two roundings by 2 u, and twice that and a difference tanh by TANH u. So a capped logit is off
by delta = TANH u c, which moves a loss by at most 2 Z delta, p by 2 p delta and l by delta; 1 - tanh**2 is computed as
such and off by (2 TANH + 2) u. What l**2 and its gradient are off follows from the budget of l, with three roundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from harness.model import FORMATS, Array, Golden, Inputs, Op, Quantity
from reference import bounds
from reference.arbiter import ball, rows, settle
from reference.arbiter.ball import ONE, Ball, add, multiply
from reference.arbiter.caps import capped as capped_logit
from reference.bounds import Budget
from reference.golden import join
from reference.options.parts import size as size_of
from reference.options.parts import softmax, sums, units_of
from reference.options.reading import Loss
from reference.question import Numbers

TANH = 6.0
SQUARE = 3.0  # roundings of w l**2


@dataclass(frozen=True, eq=False)
class Shaped:
    """Losses, the cap of their logits (0: none), and the weight of logsumexp**2. Raises ValueError for other caps."""

    loss: Loss
    cap: float
    weight: float

    def __post_init__(self) -> None:
        if self.cap and np.frexp(self.cap)[0] != 0.5:
            raise ValueError(f"softcap is {self.cap:g}, expected a power of two; x / c would be rounded")
        if self.loss.smoothed != 1 or len(self.loss.kept) < self.loss.classes or (self.loss.through != 1).any():
            raise ValueError("softcap or z_loss is asked with other factors of a class, expected none; ask them apart")


def golden(shaped: Shaped, quantity: Quantity) -> Golden:
    """Return the exact answers by row: (rows, classes), (rows,) or ()."""
    loss = shaped.loss
    x = [tuple(row) for row in loss.inputs.logits.astype(np.float64).tolist()]
    z = [tuple(row) for row in loss.labels.tolist()]
    factors = (loss.factor if quantity == "value" else loss.upstream(quantity)).tolist()
    ask = partial(_row, shaped, quantity)
    asks: list[settle.Ask] = [partial(ask, *row) for row in zip(x, z, factors, strict=True)]
    if quantity == "value" and loss.over:
        parts = asks
        asks = [lambda bits: [ball.total([part(bits)[0] for part in parts], bits)]]
    shape = loss.inputs.logits.shape if quantity != "value" else () if loss.over else (len(x),)
    return join(settle.settled(asks, lambda i: " ".join(a.hex() for a in x[i][:16])), shape)


def _row(
    shaped: Shaped, quantity: Quantity, logits: Numbers, labels: Numbers, factor: float, bits: int
) -> Sequence[Ball]:
    """Answer a row, its losses or gradients times a factor."""
    if factor == 0:
        return [ball.ZERO] * (1 if quantity == "value" else len(logits))
    cap, weight = shaped.cap, ball.exact(shaped.weight)
    capped = {x: capped_logit(ball.exact(x), cap, bits) if cap else (ball.exact(x), ONE) for x in set(logits)}
    row = rows.row_of_balls(logits, [capped[x][0] for x in logits], bits)
    if quantity == "grad_labels":
        return rows.dense_xent_grad_labels(row, labels, (factor,))
    log_sum = add(row.peak, row.log, bits)
    if quantity == "value":
        (loss,) = rows.dense_xent(row, labels, ())
        whole = add(loss, multiply(weight, multiply(log_sum, log_sum, bits), bits), bits) if shaped.weight else loss
        return [multiply(ball.exact(factor), whole, bits)]
    answers = rows.dense_xent_grad(row, labels, (factor,))
    if shaped.weight:
        twice = multiply(ball.exact(2 * shaped.weight * factor), log_sum, bits)
        probabilities = rows.softmax(row, (), ())
        answers = [add(a, multiply(twice, p, bits), bits) for a, p in zip(answers, probabilities, strict=True)]
    return [multiply(a, capped[x][1], bits) for a, x in zip(answers, logits, strict=True)]


def budget(shaped: Shaped, quantity: Quantity) -> Budget:
    """Return the budgets of the answers of `golden`. Raises ValueError for a row whose labels sum to 0."""
    loss, cap, weight = shaped.loss, shaped.cap, shaped.weight
    dtype, z = loss.inputs.logits.dtype, loss.labels
    t = np.tanh(loss.inputs.logits.astype(np.float64) / cap) if cap else np.zeros(z.shape)
    x = cap * t if cap else loss.inputs.logits.astype(np.float64)
    g = np.ones(len(x)) if quantity == "value" else loss.upstream(quantity)
    base, exact = _plain(Op.of("dense_xent"), quantity, Inputs(x, z, g), dtype)
    of_log, log_sum = _plain(Op.of("logsumexp"), "value", Inputs(x, None, np.ones(len(x))), dtype)
    unit, units, z_sum = FORMATS[dtype.name].unit, units_of(dtype), z.sum(axis=1)
    if not z_sum.all():
        raise ValueError("labels of a row sum to 0, expected a sum that is not; ask such labels without z_loss")
    if quantity == "value":
        value = exact + weight * log_sum**2
        errors = {}
        for kind, error in base.error.items():
            u, delta = units[kind], TANH * units[kind] * cap
            square = 2 * log_sum * (of_log.error[kind] + delta) + SQUARE * u * log_sum**2
            errors[kind] = error + 2 * delta * z_sum + weight * square + max(u, unit) * value
        return sums(Budget(errors, base.flushed), loss, value, units)
    p = softmax(x)
    g, z_sum, log_sum = np.abs(g)[:, None], z_sum[:, None], log_sum[:, None]
    if quantity == "grad_labels":
        errors = {kind: error + 2 * TANH * units[kind] * cap * g for kind, error in base.error.items()}
        return Budget(errors, base.flushed)
    tiny = bounds.tiny_of(FORMATS[dtype.name])  # what is multiplied by the slope may lie below the normal numbers then
    slope, size = 1 - t * t, g * (z_sum * p + z + 2 * weight * log_sum * p)
    errors = {}
    for kind, error in base.error.items():
        u, delta = units[kind], TANH * units[kind] * cap
        moved = 2 * delta * (z_sum + 2 * weight * log_sum)
        of_square = 2 * weight * (of_log.error[kind][:, None] + delta + SQUARE * u * log_sum)
        both = error * (1 + 2 * weight * log_sum / z_sum) + g * p * (moved + of_square)  # error >= g Z (error of p)
        of_slope = (2 * TANH + 2) * u if cap else 0.0
        errors[kind] = slope * (both + max(u, unit) * size) + of_slope * size + tiny
    return Budget(errors, base.flushed)


def _plain(op: Op, quantity: Quantity, inputs: Inputs, dtype: np.dtype[Any]) -> tuple[Budget, Array]:
    """Return the budget of an op without options whose logits no format has, and the sizes of its answers."""
    exact = settle.certify(op, quantity, inputs)
    return bounds.budget(op, quantity, inputs, exact, form=FORMATS[dtype.name]), size_of(exact)
