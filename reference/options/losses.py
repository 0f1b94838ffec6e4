"""Goldens and budgets of losses with options, from those of the same losses without.

A loss is linear in its labels, and its gradient in the incoming one, so factors go into these.

The allowance is `reference.options.parts.ROUNDINGS`.
"""

from __future__ import annotations

import numpy as np

from harness.model import Array, Golden, Inputs, Op, Quantity
from harness.ops import OPS
from reference import bounds
from reference.bounds import Budget
from reference.golden import Certify
from reference.options.parts import ROUNDINGS, assemble, assemble_budgets, reshape, scale, size, softmax, sums, units_of
from reference.options.reading import Loss

DENSE, MEAN = Op.of("dense_xent"), Op.of("dense_xent", reduction="mean")


def golden(loss: Loss, quantity: Quantity, certify: Certify) -> Golden:
    """Return the exact answers by row: (rows, classes), (rows,) or (). Raises ValueError as `scale`."""
    if quantity == "value":
        plain = not loss.over and (loss.factor == 1).all()
        return _each(loss, quantity, certify) if plain else _sums(loss, certify)
    answer = _each(loss, quantity, certify)
    if quantity == "grad_labels":
        answer = scale(answer, loss.through)
    return assemble((len(loss.factor), loss.classes), [((slice(None), loss.kept), answer)])


def _each(loss: Loss, quantity: Quantity, certify: Certify) -> Golden:
    """Return the losses without their factors, or the gradients of the losses with them."""
    shape = loss.factor.shape if quantity == "value" else loss.inputs.logits.shape
    return assemble(shape, [(at, certify(op, quantity, some)) for at, op, some in loss.questions(quantity)])


def _sums(loss: Loss, certify: Certify) -> Golden:
    """Return the losses with their factors, summed as asked: one certified answer a sum."""
    logits, labels = loss.dense()
    terms = logits.shape[-1]
    if not loss.over:
        every = Inputs(logits.reshape(-1, terms), labels.reshape(-1, terms), np.ones(loss.factor.size))
        return reshape(certify(DENSE, "value", every), loss.factor.shape)
    if len(loss.over) < loss.factor.ndim:
        rows = [_sum(x, z, certify) for x, z in zip(logits, labels, strict=True)]
        return assemble((len(rows),), list(enumerate(rows)))
    return _sum(logits.reshape(-1, terms), labels.reshape(-1, terms), certify)


def _sum(logits: Array, labels: Array, certify: Certify) -> Golden:
    """The reference has a mean, so labels are taken as many times as there are losses."""
    return certify(MEAN, "value", Inputs(logits, labels * len(labels), np.ones(())))


def budget(loss: Loss, quantity: Quantity, certify: Certify) -> Budget:
    """Return the budgets of the answers of `golden`."""
    shape = loss.factor.shape if quantity == "value" else loss.inputs.logits.shape
    exact = _each(loss, quantity, certify)
    base = assemble_budgets(
        shape,
        [
            (at, bounds.budget(op, quantity, some, certify(op, quantity, some)))
            for at, op, some in loss.questions(quantity)
        ],
    )
    units = units_of(loss.inputs.logits.dtype)
    if quantity == "value":
        return sums(base, loss, size(exact), units)
    parts = size(exact) if quantity == "grad_labels" else _parts(loss)
    through = loss.through if quantity == "grad_labels" else np.ones(len(loss.kept))
    errors = {kind: through * (error + ROUNDINGS * units[kind] * parts) for kind, error in base.error.items()}
    whole = Budget(errors, base.flushed * np.maximum(1.0, through))
    return assemble_budgets((len(loss.factor), loss.classes), [((slice(None), loss.kept), whole)])


def _parts(loss: Loss) -> Array:
    """f g (p + z): what the products of a gradient are applied to."""
    upstream = np.abs(loss.upstream("grad_logits"))
    x, z = loss.inputs.logits.astype(np.float64), loss.labels
    if OPS[loss.base].elementwise:
        right = 1 / (1 + np.exp(-x))
        return upstream * ((1 - z) * right + loss.pos_weight * z * (1 - right))
    p = softmax(x)
    return upstream[:, None] * (z.sum(axis=1, keepdims=True) * p + z)
