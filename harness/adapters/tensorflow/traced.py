"""What a function of TensorFlow does: the nodes of its graph and of its gradient's, by what goes into each."""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf

from harness.adapters import Function, Native
from harness.adapters.tensorflow import passes


def traced(function: Function, *arrays: Native) -> str:
    """Return the graph of a function's value and gradient with respect to the first array, without its names.

    What is never fetched is left out, as TensorFlow leaves it out; a function that a graph calls is told by its own
    name, and is then like no other.
    """
    signature = [tf.TensorSpec(array.shape, array.dtype) for array in arrays]
    run = tf.function(partial(passes.taped, function, 0), input_signature=signature, autograph=False)
    graph = run.get_concrete_function().graph
    places: dict[str, int] = {}
    lines: list[str] = []

    def place(tensor: Any) -> str:
        """Name a tensor and its shape: one that is the same numbers in another shape is the same tensor."""
        shape, operation = tensor.shape, tensor.op
        while operation.type in {"Identity", "Reshape"}:
            tensor = operation.inputs[0]
            operation = tensor.op
        if operation.name not in places:
            inputs = ", ".join(map(place, operation.inputs))
            kept = [f"{key}={operation.get_attr(key)!r}" for key in sorted(operation.node_def.attr) if key[0] != "_"]
            places[operation.name] = len(places)
            lines.append(f"%{places[operation.name]} = {operation.type}({inputs}; {', '.join(kept)})")
        return f"%{places[operation.name]}:{tensor.value_index}{shape}"

    for number, tensor in enumerate(graph.inputs):
        places[tensor.op.name] = number
    return "\n".join([*[place(tensor) for tensor in graph.outputs], *lines])
