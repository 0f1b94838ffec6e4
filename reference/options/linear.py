"""Goldens and budgets of the loss of hidden states times a weight, with its options.

A loss is linear in its labels and its gradients in the incoming one, so factors go into these, as in
`reference.options.losses`; `softcap` and `z_loss` are answered by the arbiter alone, as in `reference.options.capped`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness import options
from harness.model import FORMATS, Array, Format, Golden, Inputs, Op, Quantity
from reference.arbiter import linear as arbiter
from reference.arbiter import settle
from reference.bounds import INNER, Budget, heights
from reference.bounds import linear as bounds
from reference.golden import Certify, join
from reference.options import reading
from reference.options.parts import ROUNDINGS, size, sums, units_of
from reference.options.reading import Loss


def plain(op: Op) -> bool:
    """Tell whether no option beside a bias is asked."""
    return not op.options.keys() - {"bias"}


def golden(op: Op, quantity: Quantity, inputs: Inputs, certify: Certify) -> Golden:
    """Return the exact answers, shaped as a framework's. Raises ValueError as `reading.read`."""
    inputs = _widened(inputs)
    if plain(op):
        return certify(op, quantity, inputs)
    alone, total = Op.of(op.name), Op.of(op.name, reduction="sum")
    loss = _read(op, inputs)
    if op.options.keys() & options.RARE:
        return _rare(op, quantity, inputs, loss)
    if quantity != "value":
        return certify(alone, quantity, replace(inputs, labels=_labels(loss), upstream=loss.upstream(quantity)))
    if not loss.over and (loss.factor == 1).all():
        return certify(alone, quantity, replace(inputs, labels=_labels(loss), upstream=np.ones(len(loss.factor))))
    weighted = loss.labels * loss.factor[:, None]
    upstream = np.ones(()) if loss.over else np.ones(len(loss.factor))
    return certify(total if loss.over else alone, quantity, replace(inputs, labels=weighted, upstream=upstream))


def budget(op: Op, quantity: Quantity, inputs: Inputs, certify: Certify) -> Budget:
    """Return the error budgets of the same."""
    inputs = _widened(inputs)
    exact = size(golden(op, quantity, inputs, certify))
    if plain(op):
        g = np.ones(len(inputs.logits)) if quantity == "value" else inputs.upstream.astype(np.float64)
        return bounds.budget(quantity, bounds.Asked(inputs, g), exact)
    loss = _read(op, inputs)
    asked = op.options
    shaped = {"cap": float(asked.get("softcap", 0)), "square": float(asked.get("z_loss", 0))}
    labelled = replace(inputs, labels=_labels(loss))
    if quantity != "value":
        return bounds.budget(quantity, bounds.Asked(labelled, loss.upstream(quantity), ROUNDINGS, **shaped), exact)
    each = size(_losses(op, labelled, loss, certify))
    of_rows = bounds.budget("value", bounds.Asked(labelled, np.ones(len(each)), ROUNDINGS, **shaped), each)
    whole = sums(of_rows, loss, each, units_of(inputs.logits.dtype))
    if loss.over and "N" in whole.error:
        whole.error["N"] = _native_sum(of_rows, loss, each, FORMATS[inputs.logits.dtype.name])
    of_logits = {kind: np.asarray((loss.factor * part).sum(axis=loss.over)) for kind, part in of_rows.logits.items()}
    return replace(whole, logits=of_logits)


def _native_sum(of_rows: Budget, loss: Loss, each: Array, form: Format) -> Array:
    """Return class N's error of a sum over rows, which like its other sums runs in pairs, or in float32.

    Not one in 16 bits, chunk by chunk: that stands still where what is added is below half an ulp of it.
    """
    height = heights.native(len(each), form, INNER) + ROUNDINGS
    error: Array = (loss.factor * (of_rows.error["N"] + height * form.unit * each)).sum(axis=loss.over)
    return np.asarray(error)


def _losses(op: Op, labelled: Inputs, loss: Loss, certify: Certify) -> Golden:
    """Return the losses of the rows, without their factors."""
    ones = replace(labelled, upstream=np.ones(len(loss.factor)))
    if op.options.keys() & options.RARE:
        return _arbitrated(op, "value", ones, np.ones(len(loss.factor)))
    return certify(Op.of(op.name), "value", ones)


def _read(op: Op, inputs: Inputs) -> Loss:
    """Read the options; the logits are of no account."""
    assert inputs.weight is not None
    nothing = np.zeros((len(inputs.logits), len(inputs.weight)))
    loss = reading.read(op, replace(inputs, logits=nothing))
    if len(loss.kept) < loss.classes:
        raise ValueError(f"op is {op}, expected one without a mask; leave rows of the weight out")
    return loss


def _widened(inputs: Inputs) -> Inputs:
    """Return inputs whose labels, where they are probabilities, are in float64: all that is added up of them is."""
    assert inputs.labels is not None
    return inputs if inputs.labels.ndim == 1 else replace(inputs, labels=inputs.labels.astype(np.float64))


def _labels(loss: Loss) -> Array:
    """Return the labels that are asked: by index where they are such."""
    assert loss.inputs.labels is not None
    return loss.inputs.labels


def _rare(op: Op, quantity: Quantity, inputs: Inputs, loss: Loss) -> Golden:
    """Ask the arbiter."""
    factor = loss.factor if quantity == "value" else loss.upstream(quantity)
    upstream = np.ones(()) if loss.over and quantity == "value" else np.ones(len(loss.factor))
    return _arbitrated(op, quantity, replace(inputs, labels=_labels(loss), upstream=upstream), factor)


def _arbitrated(op: Op, quantity: Quantity, inputs: Inputs, factor: Array) -> Golden:
    asked = op.options
    shaped = arbiter.Shaped(inputs, factor, float(asked.get("softcap", 0)), float(asked.get("z_loss", 0)))
    shape = inputs.like(quantity).shape
    asks = arbiter.asks(quantity, shaped, range(shape[0] if shape else 1))
    return join(settle.settled(asks, lambda i: f"{op}/{quantity}, row {i}"), shape)
