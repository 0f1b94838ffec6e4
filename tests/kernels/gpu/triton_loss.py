"""A sparse cross-entropy in Triton, forward and backward, as one kernel a row: to be judged on a GPU.

Where the tensors lie on the cpu it runs in Triton's interpreter (TRITON_INTERPRET=1).
"""

import torch
import triton
import triton.language as tl

from xentbench import implements

LANES = 1024


@triton.jit
def forward(losses, sums, logits, labels, classes, WIDE: tl.constexpr, LANES: tl.constexpr):
    """Write a loss a row, and what its gradient needs."""
    row = tl.program_id(0).to(tl.int64)
    most = tl.full([LANES], float("-inf"), WIDE)
    total = tl.zeros([LANES], WIDE)
    for start in range(0, classes, LANES):  # each lane keeps a maximum and a sum of its own
        columns = start + tl.arange(0, LANES)
        x = tl.load(logits + row * classes + columns, mask=columns < classes, other=float("-inf")).to(WIDE)
        larger = tl.maximum(most, x)
        level = tl.where(larger == float("-inf"), 0.0, larger)
        total = total * tl.exp(most - level) + tl.exp(x - level)
        most = larger
    top = tl.max(most, 0)
    level = tl.where(top == float("-inf"), 0.0, top)
    total = tl.sum(total * tl.exp(most - level), 0)
    label = tl.load(labels + row)
    there = (label >= 0) & (label < classes)  # of a label that is not, nan comes and no memory is read
    own = tl.load(logits + row * classes + label, mask=there, other=float("nan")).to(WIDE)
    tl.store(losses + row, tl.log(total) - (own - level))
    tl.store(sums + 2 * row, level)
    tl.store(sums + 2 * row + 1, total)


@triton.jit
def backward(gradient, upstream, sums, logits, labels, classes, WIDE: tl.constexpr, LANES: tl.constexpr):
    """Write the gradient of a row."""
    row = tl.program_id(0).to(tl.int64)
    level, total = tl.load(sums + 2 * row), tl.load(sums + 2 * row + 1)
    label, incoming = tl.load(labels + row), tl.load(upstream + row).to(WIDE)
    for start in range(0, classes, LANES):
        columns = start + tl.arange(0, LANES)
        within = columns < classes
        x = tl.load(logits + row * classes + columns, mask=within, other=float("-inf")).to(WIDE)
        slope = tl.exp(x - level) / total - tl.where(columns == label, 1.0, 0.0)
        tl.store(gradient + row * classes + columns, (slope * incoming).to(gradient.dtype.element_ty), mask=within)


def wide(dtype):
    """Return what to compute in: float32, of float64 its own, by the names of both libraries."""
    return (torch.float64, tl.float64) if dtype == torch.float64 else (torch.float32, tl.float32)


class Loss(torch.autograd.Function):
    """The two kernels; what the backward pass needs beside the logits is two numbers a row."""

    @staticmethod
    def forward(ctx, logits, labels):
        """Return one loss a row."""
        logits, labels = logits.contiguous(), labels.long().contiguous()
        dtype, name = wide(logits.dtype)
        rows, classes = logits.shape
        losses, sums = logits.new_empty(rows, dtype=dtype), logits.new_empty(rows, 2, dtype=dtype)
        forward[(rows,)](losses, sums, logits, labels, classes, WIDE=name, LANES=LANES)
        ctx.save_for_backward(logits, labels, sums)
        return losses.to(logits.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        """Return the gradient with respect to the logits."""
        logits, labels, sums = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        kernel = (gradient, upstream.contiguous(), sums, logits, labels, logits.shape[1])
        backward[(len(logits),)](*kernel, WIDE=wide(logits.dtype)[1], LANES=LANES)
        return gradient, None


@implements("sparse_xent", framework="torch")
def loss(logits, labels):
    """Return one loss a row."""
    return Loss.apply(logits, labels)
