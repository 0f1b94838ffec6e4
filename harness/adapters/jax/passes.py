"""Passes through a function of jax: forward and backward in every way that users take them.

Note: no summed one; jax.grad of a sum hands the very ones to the backward pass that a pullback is given here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import jax

from harness.adapters import Function, Native, Way

BATCH = 8  # rows of a batch that is mapped over; what is asked in ways is so many batches


def pulled(function: Function, argument: int, given: list[Native]) -> tuple[Native, Function]:
    """Return the value, and what takes an upstream to the gradient."""
    before, after = given[:argument], given[argument + 1 :]
    value, pullback = jax.vjp(lambda array: function(*before, array, *after), given[argument])
    return value, lambda upstream: pullback(upstream)[0]


def differentiated(function: Function, argument: int) -> Function:
    """Return the value and its gradient; the last array is the upstream."""

    def run(*arrays: Native) -> tuple[Native, Native]:
        *given, upstream = arrays
        value, pullback = pulled(function, argument, given)
        return value, pullback(upstream)

    return run


def retained(function: Function, argument: int) -> Function:
    """Use a pullback that has been used for another incoming gradient."""

    def run(*arrays: Native) -> tuple[Native, Native]:
        *given, upstream = arrays
        value, pullback = pulled(function, argument, given)
        pullback(-2 * upstream)
        return value, pullback(upstream)

    return run


def interleaved(function: Function, argument: int) -> Function:
    """Go forward with other numbers before the backward pass."""

    def run(*arrays: Native) -> tuple[Native, Native]:
        *given, upstream = arrays
        value, pullback = pulled(function, argument, given)
        pulled(function, argument, [array[::-1] for array in given])
        return value, pullback(upstream)

    return run


def checkpointed(function: Function, argument: int) -> Function:
    """Keep nothing but the arrays: the backward pass goes forward once more."""
    return differentiated(jax.checkpoint(function), argument)


def mapped_by(rows: int, function: Function, argument: int) -> Function:
    """Map over batches of so many rows, by jax.vmap of a function of one batch."""

    def run(*arrays: Native) -> tuple[Native, Native]:
        parts = (array.reshape(-1, rows, *array.shape[1:]) for array in arrays)
        value, gradient = jax.vmap(differentiated(function, argument))(*parts)
        return value.reshape(-1, *value.shape[2:]), gradient.reshape(-1, *gradient.shape[2:])

    return run


WAYS: Mapping[Way, Callable[[Function, int], Function]] = {
    "retained": retained,
    "interleaved": interleaved,
    "checkpointed": checkpointed,
    "mapped": partial(mapped_by, 1),
    "batched": partial(mapped_by, BATCH),
}
