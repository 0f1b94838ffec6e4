"""Formulas applied to arrays: by a compiled loop, or by numpy in strips that stay in a core's cache.

Either gives the same bits, and a loop is not believed: its first answer in a process is compared with numpy's.
Arguments and results are float64 arrays of one or two dimensions, or pairs of them, that broadcast.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from harness.jit import Loops

STRIP = 1 << 15  # elements at work by numpy: a dozen lie in or near a core's cache, and its calls are few
COMPILED = 48  # elements from which on calling a compiled loop costs less than calling numpy so often

COMPILED_MODULES = ("arithmetic", "terms", "rows", "loops")
LOOPS = Loops(
    "reference.fast.compiled.loops",
    ("harness.jit", "reference.fast.words", *(f"reference.fast.compiled.{name}" for name in COMPILED_MODULES)),
)


def applied(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Return a formula of elements as one of arrays. Its compiled loop has its name."""

    @wraps(formula)
    def apply(*arguments: Any) -> Any:
        size = max((part[0] if isinstance(part, tuple) else part).size for part in arguments)
        if size < COMPILED:
            return formula(*arguments)
        if (loops := LOOPS.get(size)) is not None:
            name = formula.__name__
            return LOOPS.proved(name, lambda: _looped(loops, name, arguments), lambda: formula(*arguments))
        return formula(*arguments) if size <= STRIP else _in_strips(formula, arguments)

    return apply


def _looped(loops: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    """Call a loop on flat arrays, or on matrices where it broadcasts by itself."""
    shape = _shape(arguments)
    if name in loops.BY_ROW:
        done = getattr(loops, name)((1, *shape)[-2:], *each(_matrix, arguments))
    else:
        done = getattr(loops, name)(*each(lambda part: _whole(part, shape).reshape(-1), arguments))
    return each(lambda part: part.reshape(shape), done)


def flat(value: Any) -> list[Any]:
    """Return the arrays of a nested tuple."""
    return [part for item in value for part in flat(item)] if isinstance(value, tuple) else [value]


def each(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to the arrays of a nested tuple."""
    return tuple([each(function, item) for item in value]) if isinstance(value, tuple) else function(value)


def _shape(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    shapes = {part.shape for part in flat(arguments)}
    return shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)


def _matrix(part: Any) -> Any:
    return _owned(part).reshape((1, *part.shape)[-2:])


def _whole(part: Any, shape: tuple[int, ...]) -> Any:
    """Return an array of a shape; what `broadcast_to` returns may not be written to, even where it need not repeat."""
    return _owned(part if part.shape == shape else np.broadcast_to(part, shape))


def _owned(part: Any) -> Any:
    """Return an array without gaps that may be written to: a loop is compiled for no other kind."""
    return part if part.flags.carray else np.array(part, order="C")


def _in_strips(formula: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Apply a formula to some rows at a time, or to some columns where the rows are few."""
    shape = _shape(arguments)
    strips = -(-int(np.prod(shape)) // STRIP)
    axis = 0 if shape[0] >= strips else len(shape) - 1
    step = -(-shape[axis] // strips)
    whole: Any = None
    for start in range(0, shape[axis], step):
        at = (slice(None),) * axis + (slice(start, start + step),)
        done = formula(*each(lambda part: part if part.shape[axis] == 1 else part[at], arguments))  # noqa: B023
        if whole is None:
            whole = each(lambda part: np.empty(shape, part.dtype), done)
        for to, part in zip(flat(whole), flat(done), strict=True):
            to[at] = part
    return whole
