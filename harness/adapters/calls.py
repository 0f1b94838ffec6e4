"""What is put to a framework: the arrays of a call, the memory that they lie in, and the way to a gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from harness.model import Array, Failed, Inputs, Quantity

# The place of the array that a gradient is of, among those of a call.
ARGUMENTS: Mapping[str, int] = {"grad_labels": 1, "grad_weight": 1, "grad_bias": 3}  # else the first
# Beside the quantities that have goldens: the derivative along `Inputs.direction`, the derivative of grad_logits, and
# that of its product with the direction with respect to the labels.
Pass = Quantity | Literal["tangent", "curvature", "mixed"]
# Memory that the same numbers may lie in. `repeated`: the first row for all, or the first number of a single axis;
# `expanded`: one number for all; both of arrays that are so.
Layout = Literal["transposed", "strided", "offset", "wider", "reversed", "repeated", "expanded"]
CONTIGUOUS: Mapping[str, Layout] = {}
# How users come to a value and a gradient, beside the plain call and its one backward pass.
Way = Literal[
    "plain", "summed", "retained", "interleaved", "checkpointed", "mapped", "batched", "autocast", "dynamic", "donated"
]


def given(inputs: Inputs, quantity: Pass) -> dict[str, Array]:
    """Return the arrays of a call, in order, by their names."""
    arrays = {"logits": inputs.logits, "labels": inputs.labels}
    if inputs.weight is not None:
        arrays = {"hidden": inputs.logits, "weight": inputs.weight, "labels": inputs.labels, "bias": inputs.bias}
    if quantity not in {"value", "tangent"}:
        arrays["upstream"] = inputs.upstream
    if quantity in {"tangent", "curvature", "mixed"}:
        assert inputs.direction is not None
        arrays["direction"] = inputs.direction
    return {name: array for name, array in arrays.items() if array is not None}


def fitting(got: Array, quantity: Pass, inputs: Inputs) -> Array | Failed:
    """Return an answer of the question's dtype and shape, that of its array or of the value; else what is wrong."""
    like = inputs.upstream if quantity == "tangent" else inputs.like(quantity)
    if got.dtype.name != inputs.logits.dtype.name:
        return Failed("dtype", f"dtype is {got.dtype.name}, expected {inputs.logits.dtype.name}, as the logits'")
    if got.shape == () and like.ndim == 1:
        expected = f"expected one loss a row, shape {like.shape}; return it unreduced"
        return Failed("shape", f"returned a number, {expected}")
    if got.shape != like.shape:
        return Failed("shape", f"shape is {got.shape}, expected {like.shape}")
    return got
