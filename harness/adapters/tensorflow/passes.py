"""Passes through a function of TensorFlow: forward and backward in every way that users take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from harness.adapters import Function, Native, Way


def connected(gradient: Any, argument: int = 0) -> Native:
    """Return a gradient. Raises ValueError for the None that TensorFlow gives where there is none."""
    if gradient is None:
        raise ValueError(
            f"the gradient with respect to argument {argument} is None, expected a tensor; "
            "register the implementation with a reason why it gives none"
        )
    return gradient


def taped(function: Function, argument: int, *given: Native) -> tuple[Native, Native]:
    """Return the value and its gradient; the last array is the upstream."""
    *arrays, upstream = given
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(arrays[argument])
        value = function(*arrays)
    return value, connected(tape.gradient(value, arrays[argument], output_gradients=upstream), argument)


def summed(function: Function, argument: int, *given: Native) -> tuple[Native, Native]:
    """Take the gradient of the sum of all answers; an upstream of ones asks for it."""
    *arrays, _ = given
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(arrays[argument])
        value = function(*arrays)
        total = tf.reduce_sum(value)
    return value, connected(tape.gradient(total, arrays[argument]), argument)


def retained(function: Function, argument: int, *given: Native) -> tuple[Native, Native]:
    """Go back over a persistent tape that another backward pass has gone over."""
    *arrays, upstream = given
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(arrays[argument])
        value = function(*arrays)
    tape.gradient(value, arrays[argument], output_gradients=-2 * upstream)
    return value, connected(tape.gradient(value, arrays[argument], output_gradients=upstream), argument)


def interleaved(function: Function, argument: int, *given: Native) -> tuple[Native, Native]:
    """Go forward with other numbers before the backward pass."""
    *arrays, upstream = given
    others = [tf.reverse(array, [0]) for array in arrays]
    with tf.GradientTape(watch_accessed_variables=False) as tape, tf.GradientTape() as another:
        tape.watch(arrays[argument])
        another.watch(others[argument])
        value = function(*arrays)
        function(*others)
    return value, connected(tape.gradient(value, arrays[argument], output_gradients=upstream), argument)


def checkpointed(function: Function, argument: int, *given: Native) -> tuple[Native, Native]:
    """Keep nothing but the arrays: the backward pass goes forward once more."""
    return taped(tf.recompute_grad(function), argument, *given)


def of_any_length(function: Function) -> Function:
    """Return a tf.function whose signature leaves the number of rows open; one for each set of dtypes and classes."""
    traced: dict[tuple[object, ...], Function] = {}

    def run(*arrays: Native) -> Native:
        key = tuple((array.dtype, *array.shape[1:]) for array in arrays)
        if key not in traced:
            signature = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in arrays]
            traced[key] = tf.function(function, input_signature=signature, autograph=False)
        return traced[key](*arrays)

    return run


WAYS: Mapping[Way, Callable[..., tuple[Native, Native]]] = {
    "summed": summed,
    "retained": retained,
    "interleaved": interleaved,
    "checkpointed": checkpointed,
}
