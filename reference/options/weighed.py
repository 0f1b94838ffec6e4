"""logsumexp whose terms have factors, log sum b e**x: what the arbiter alone answers.

With d = m - x, the largest logit m, and S = sum b e**-d, it is m + log S, and its gradient g b e**-d / S. S may be less
than 1, so that its logarithm is taken of a multiple by a power of two.

The budget. Beside what `reference.bounds.rows` counts of a logsumexp each term costs one product more: S is off by a
relative A + 1, with W the mean of d by the weights q = b e**-d / S, log S by KL |log S| and that, and the sum of both
by u |m + log S|. A gradient is off by d, the exponential, A + 1, and the roundings of two products and a quotient.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from harness import options
from harness.model import FORMATS, Array, BudgetClass, Golden, Inputs, Op, Quantity
from reference import bounds
from reference.arbiter import ball, settle
from reference.arbiter.ball import Ball, add, divide, multiply, negative, subtract, total
from reference.bounds import KE, KL, Budget, heights
from reference.golden import join
from reference.options.parts import size, units_of
from reference.question import Numbers


def factors(op: Op, classes: int) -> Array:
    """Return the factor of each class. Raises ValueError for one that is not above 0."""
    found = np.array(options.repeated(str(op.options["term_weight"]), classes))
    if (found <= 0).any():
        raise ValueError(f"term_weight is {op.options['term_weight']}, expected numbers above 0; ask a mask for a 0")
    return found


def golden(op: Op, quantity: Quantity, given: Inputs) -> Golden:
    """Return the exact answers by row: (rows, classes) or (rows,)."""
    b = tuple(factors(op, given.logits.shape[1]).tolist())
    x = [tuple(row) for row in given.logits.astype(np.float64).tolist()]
    g = [1.0] * len(x) if quantity == "value" else given.upstream.astype(np.float64).tolist()
    asks: list[settle.Ask] = [partial(_row, quantity, b, *row) for row in zip(x, g, strict=True)]
    shape = given.upstream.shape if quantity == "value" else given.logits.shape
    return join(settle.settled(asks, lambda i: " ".join(a.hex() for a in x[i][:16])), shape)


def _row(quantity: Quantity, b: Numbers, logits: Numbers, upstream: float, bits: int) -> Sequence[Ball]:
    peak = ball.exact(max(logits))
    terms = []
    for weight, x in zip(b, logits, strict=True):
        e = ball.exp(subtract(ball.exact(x), peak, bits), bits)
        terms.append(multiply(ball.exact(weight), e, bits))
    whole = total(terms, bits)
    if quantity == "value":
        return [add(peak, _log(whole, bits), bits)]
    g = ball.exact(upstream)
    return [divide(multiply(g, term, bits), whole, bits) for term in terms]


def _log(a: Ball, bits: int) -> Ball:
    """Log a of an a > 0, by a multiple of at least 2."""
    shift = max(0, 2 - ball.magnitude(a.mid)) + 1
    scaled = multiply(ball.exact(2.0**shift), a, bits)
    return add(
        ball.log(scaled, bits), negative(multiply(ball.integer(shift), ball.log(ball.integer(2), bits), bits)), bits
    )


def budget(op: Op, quantity: Quantity, given: Inputs) -> Budget:
    """Return the budgets of the answers of `golden`."""
    exact, form = size(golden(op, quantity, given)), FORMATS[given.logits.dtype.name]
    x, classes = given.logits.astype(np.float64), given.logits.shape[1]
    peak = x.max(axis=1, keepdims=True)
    d = peak - x
    terms = factors(op, classes) * np.exp(-d)
    whole = terms.sum(axis=1, keepdims=True)
    mean = (terms * d).sum(axis=1, keepdims=True) / whole
    errors: dict[BudgetClass, Array] = {}
    for kind, u in units_of(given.logits.dtype).items():
        if (kind == "N" and form.precision >= bounds.INNER.precision) or kind in {"P", "C"}:
            continue
        how = bounds.POWERS[max((form, bounds.INNER), key=lambda one: one.precision).name] if kind == "E" else None
        ke, kl, slope = (how.ke, how.kl, how.slope) if how else (KE, KL, 0.0)
        of_sum = heights.worst(classes) + ke + 1 + (1 + slope) * mean
        if quantity == "value":
            log = np.abs(np.log(whole))
            unshifted = (1 + kl) * exact if kind == "U" else 0.0
            errors[kind] = u * (exact + (kl * log + of_sum)[:, 0] + unshifted)
        else:
            unshifted = (1 + kl) * (np.abs(peak + np.log(whole)) if kind == "U" else 0.0)
            errors[kind] = u * exact * (ke + (1 + slope) * d + of_sum + 4 + unshifted)
        if kind != "N" and form.unit > u:
            errors[kind] = errors[kind] + form.unit * (exact + errors[kind])
    g = np.ones(1) if quantity == "value" else np.maximum(1.0, np.abs(given.upstream.astype(np.float64)))[:, None]
    tiny = bounds.tiny_of(form) * np.broadcast_to(g, exact.shape)
    flushed = 2.0**form.emin * np.broadcast_to(2 * g, exact.shape)
    return Budget({kind: error + tiny for kind, error in errors.items()}, flushed)
