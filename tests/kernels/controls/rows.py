"""Logits made wide and laid in rows, for kernels that compute one row at a time."""

import torch

NARROW = (torch.float16, torch.bfloat16)


def wide(x):
    """Return 16-bit numbers as float32."""
    return x.float() if x.dtype in NARROW else x


def in_rows(function):
    """Make a function of rows, (..., classes) in a wide dtype, one of logits and an axis; its answer is as long."""

    def along(logits, axis):
        return function(wide(logits).movedim(axis, -1)).movedim(-1, axis).to(logits.dtype)

    return named(along, function)


def of_rows(function):
    """As `in_rows`, for one answer a row."""

    def along(logits, axis):
        return function(wide(logits).movedim(axis, -1)).squeeze(-1).to(logits.dtype)

    return named(along, function)


def widened(function):
    """Compute a loss or an elementwise function in a wide dtype, and round once."""

    def computed(logits, *labels):
        given = [z if z.dtype == torch.int64 else wide(z) for z in labels]
        return function(wide(logits), *given).to(logits.dtype)

    return named(computed, function)


def named(function, like):
    """Give a function the name and the docstring of another, not its signature."""
    function.__name__, function.__doc__ = like.__name__, like.__doc__
    return function


def less_maximum(x):
    """Return the logits less their row's maximum."""
    return x - x.detach().amax(-1, keepdim=True)


def decayed(x):
    """Return exp(-|x|), with the slope from the right at 0."""
    return torch.where(x >= 0, -x, x).exp()
