"""Wrong softmax kernels: axes, strides, buffers, dtypes and shapes taken for others, nan and answers made up."""

import numpy as np
import torch
from kinds import kind
from parts import covered, wide

from harness.adapters import implements

BUFFERS = {}


@implements("softmax", framework="torch")
@kind("wrong axis")
def softmax_over_batch(logits, axis):  # noqa: ARG001 - which is the mistake
    """The first axis, whatever is asked: the old default of torch's implicit dim."""
    return torch.softmax(logits, 0)


@implements("softmax", framework="torch")
@kind("wrong axis")
def softmax_axis_ignored(logits, axis):  # noqa: ARG001 - which is the mistake
    """The last axis, whatever is asked."""
    return torch.softmax(logits, -1)


@implements("softmax", framework="torch")
@kind("wrong axis")
def softmax_axis_without_sign(logits, axis):
    """The axis without its sign: of a matrix, -1 and 1 are one axis, and nothing else is right."""
    return torch.softmax(logits, min(abs(axis), logits.ndim - 1))


@implements("softmax", framework="torch")
@kind("wrong axis")
def softmax_all_after_first(logits, axis):
    """Every axis after the first taken for one row: right for a matrix alone."""
    if axis not in {-1, logits.ndim - 1} or logits.ndim < 2:
        return torch.softmax(logits, axis)
    return torch.softmax(logits.flatten(1), -1).reshape(logits.shape)


@implements("softmax", framework="torch")
@kind("strides")
def softmax_strides_ignored(logits, axis):
    """The memory read in one go, as if every array were contiguous."""
    steps = torch.empty(logits.shape, device="meta").stride()
    return torch.softmax(logits.as_strided(logits.shape, steps, logits.storage_offset()), axis)


@implements("softmax", framework="torch")
@kind("in-place change")
def softmax_shifts_in_place(logits, axis):
    """The maximum taken off in the caller's own memory."""
    probabilities = torch.softmax(logits, axis)
    logits.detach().sub_(logits.detach().amax(axis, keepdim=True))
    return probabilities


@implements("softmax", framework="torch")
@kind("stale buffer")
def softmax_one_buffer(logits, axis):
    """One output buffer a shape: the next call overwrites the answer that the caller still holds."""
    probabilities = torch.softmax(logits, axis)
    if probabilities.requires_grad:
        return probabilities
    key = (logits.shape, logits.dtype, axis)
    return BUFFERS.setdefault(key, torch.empty_like(probabilities)).copy_(probabilities)


@implements("softmax", framework="torch")
@kind("batch-dependent")
def softmax_rows_by_sixteen(logits, axis):
    """Rows in blocks of sixteen: those behind the last whole block are never visited."""
    rows = torch.softmax(logits, axis).movedim(axis, -1)
    flat = rows.reshape(-1, rows.shape[-1])
    visited = torch.arange(len(flat), device=flat.device) < covered(len(flat), 16)
    return (flat * visited.unsqueeze(-1)).reshape(rows.shape).movedim(-1, axis)


@implements("softmax", framework="torch")
@kind("swallowed nan")
def softmax_nan_to_num(logits, axis):
    """nan_to_num at the end: a poisoned row looks like a quiet one."""
    return torch.softmax(logits, axis).nan_to_num()


@implements("softmax", framework="torch")
@kind("wrong dtype")
def softmax_float32_out(logits, axis):
    """float32 out, whatever came in."""
    return torch.softmax(logits, axis, dtype=torch.float32)


@implements("softmax", framework="torch")
@kind("one dtype")
def softmax_float64_in_float32(logits, axis):
    """A float64 function that computes in float32."""
    return torch.softmax(wide(logits).float(), axis).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("all zeros")
def softmax_zeros(logits, axis):  # noqa: ARG001 - which is the mistake
    """An output that was allocated and never written."""
    return logits * 0


@implements("softmax", framework="torch")
@kind("constant")
def softmax_uniform(logits, axis):
    """1 / n for every class: what passes the check that rows sum to 1."""
    return logits * 0 + 1 / logits.shape[axis]


@implements("softmax", framework="numpy")
@kind("in-place change")
def softmax_numpy_in_place(logits, axis):
    """`logits -= max`: numpy does that to the caller's array."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    m = x.max(axis, keepdims=True)
    e = np.exp(x - m)
    np.subtract(logits, m.astype(logits.dtype), out=logits)
    return (e / e.sum(axis, keepdims=True)).astype(logits.dtype)


@implements("softmax", framework="numpy")
@kind("swallowed nan")
def softmax_numpy_nan_ignored(logits, axis):
    """nanmax and nansum: the row goes on as if the class were not there."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    e = np.nan_to_num(np.exp(x - np.nanmax(x, axis, keepdims=True)))
    return (e / e.sum(axis, keepdims=True)).astype(logits.dtype)
