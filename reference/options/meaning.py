"""Goldens and budgets of ops with options, computed from the same ops without.

Every option is one of these; all are exact, because weights and smoothing are dyadic and denominators powers of two:

    axis, rank           the axis moved last, all others flattened into rows
    mask                 fewer classes
    label_smoothing      other labels: (1 - e) y + e / classes; (1 - e) z + e / 2 for a sigmoid
    class_weight         a factor of every label; of an index, and of a sigmoid's element, of its loss
    sample_weight        a factor of the row's losses
    ignore_index         a factor 0
    reduction            every loss over the denominator, and their sum
    softcap, z_loss      other logits, another term: `reference.options.capped`
    scale, added_mask    other logits: `reference.options.scaled`
    term_weight          other terms of a sum: `reference.options.weighed`

Losses are read by `reference.options.reading` and answered by `reference.options.losses`; here are layouts and
softmaxes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness import options
from harness.model import Array, Golden, Inputs, Op, Quantity
from harness.ops import OPS
from reference import bounds
from reference.bounds import Budget
from reference.golden import Certify, shape
from reference.options import capped, linear, losses, reading, scaled, weighed
from reference.options.parts import assemble, assemble_budgets

BEYOND = 2048  # an exponent that no format has


def known(op: Op) -> bool:
    """Tell whether the reference answers an op as it is."""
    if OPS[op.name].apart:
        return True
    match op.name, op.params:
        case _, ():
            return True
        case (("sparse_xent" | "dense_xent"), (("reduction", "mean"),)):
            return True
        case "sigmoid_xent", (("pos_weight", weight),):
            return not isinstance(weight, str)
    return False


def golden(op: Op, quantity: Quantity, inputs: Inputs, certify: Certify) -> Golden:
    """Return the exact answers of an op with options, shaped as a framework's; `certify` answers ops without.

    Raises ValueError for a denominator that is no power of two.
    """
    if OPS[op.name].linear:
        return linear.golden(op, quantity, inputs, certify)
    if known(op):
        return certify(op, quantity, inputs)
    rows = by_row(op, inputs)
    if op.options.keys() & scaled.OPTIONS:
        answer = scaled.golden(op, quantity, rows)
    elif "term_weight" in op.options:
        answer = weighed.golden(op, quantity, rows)
    elif op.options.keys() & options.RARE:
        answer = capped.golden(_shaped(op, rows), quantity)
    elif OPS[op.name].labels != "none":
        answer = losses.golden(reading.read(op, rows), quantity, certify)
    else:
        kept, some = unmasked(op, rows)
        answer = certify(Op.of(op.name), quantity, some)
        if answer.hi.ndim == 2:
            answer = assemble(rows.logits.shape, [((slice(None), kept), answer)])
        if (op.name, quantity) == ("log_softmax", "value"):
            answer = beyond(answer, kept)
    exponent = None if answer.exponent is None else arranged(op, quantity, inputs, answer.exponent)
    hi, lo = (arranged(op, quantity, inputs, part) for part in (answer.hi, answer.lo))
    return Golden(hi, lo, exponent, answer.radius)


def budget(op: Op, quantity: Quantity, inputs: Inputs, certify: Certify) -> Budget:
    """Return the error budgets of an op with options: those of the ops that it is made of, and `weighted`'s allowance.

    Neither a layout nor a mask costs a rounding; a masked class is exactly 0, its log_softmax exactly -inf.
    """
    if OPS[op.name].linear:
        return linear.budget(op, quantity, inputs, certify)
    if known(op):
        return bounds.budget(op, quantity, inputs, certify(op, quantity, inputs))
    rows = by_row(op, inputs)
    if op.options.keys() & scaled.OPTIONS:
        whole = scaled.budget(op, quantity, rows)
    elif "term_weight" in op.options:
        whole = weighed.budget(op, quantity, rows)
    elif op.options.keys() & options.RARE:
        whole = capped.budget(_shaped(op, rows), quantity)
    elif OPS[op.name].labels != "none":
        whole = losses.budget(reading.read(op, rows), quantity, certify)
    else:
        kept, some = unmasked(op, rows)
        base = Op.of(op.name)
        whole = bounds.budget(base, quantity, some, certify(base, quantity, some))
        if whole.flushed.ndim == 2:
            whole = assemble_budgets(rows.logits.shape, [((slice(None), kept), whole)])
    errors = {kind: arranged(op, quantity, inputs, error) for kind, error in whole.error.items()}
    return Budget(errors, arranged(op, quantity, inputs, whole.flushed))


def by_row(op: Op, inputs: Inputs) -> Inputs:
    """Bring the inputs into rows: logits (rows, classes); one loss, index or incoming gradient a row, or as many."""
    logits, labels, upstream = inputs.logits, inputs.labels, inputs.upstream
    if labels is not None:
        labels = labels.reshape(-1) if OPS[op.name].labels == "index" else options.along_rows(op, labels)
    match OPS[op.name].value:
        case "class":
            upstream = options.along_rows(op, upstream)
        case "row" if not options.reduces(op):
            upstream = upstream.reshape(-1)
    return Inputs(options.along_rows(op, logits), labels, upstream)


def arranged(op: Op, quantity: Quantity, inputs: Inputs, rows: Array) -> Array:
    """Bring answers by row into the shape of a framework's."""
    if rows.ndim == 2:
        return options.arranged(op, rows)
    return rows.reshape(shape(quantity, inputs))


def _shaped(op: Op, rows: Inputs) -> capped.Shaped:
    asked = op.options
    return capped.Shaped(reading.read(op, rows), float(asked.get("softcap", 0)), float(asked.get("z_loss", 0)))


def unmasked(op: Op, rows: Inputs) -> tuple[Array, Inputs]:
    """Return the classes that are not masked, and the inputs of these."""
    kept = np.flatnonzero(options.repeated(str(op.options.get("mask", "1")), rows.logits.shape[1]))
    upstream = rows.upstream[:, kept] if rows.upstream.ndim == 2 else rows.upstream
    return kept, replace(rows, logits=rows.logits[:, kept], upstream=upstream)


def beyond(answer: Golden, kept: Array) -> Golden:
    """Put -inf where a class is not kept: a number that every format rounds to it."""
    masked = np.ones(answer.hi.shape[1], bool)
    masked[kept] = False
    exponent = np.zeros(answer.hi.shape, np.int64) if answer.exponent is None else answer.exponent
    return Golden(np.where(masked, -1.0, answer.hi), answer.lo, np.where(masked, BEYOND, exponent), answer.radius)
