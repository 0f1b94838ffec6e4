"""Correct softmax kernels that are written unusually."""

import math

import numpy as np
import torch
from rows import in_rows, less_maximum, wide
from sums import blocks, online, pairwise_sum, running_sum

from harness.adapters import implements


@implements("softmax", framework="torch")
@in_rows
def softmax_reversed_sum(x):
    """Terms added from the last class to the first."""
    e = less_maximum(x).exp()
    return e / e.flip(-1).cumsum(-1)[..., -1:]


@implements("softmax", framework="torch")
@in_rows
def softmax_running_sum(x):
    """Terms added one by one."""
    e = less_maximum(x).exp()
    return e / running_sum(e)


@implements("softmax", framework="torch")
@in_rows
def softmax_sorted_sum(x):
    """The smallest terms added first."""
    e = less_maximum(x).exp()
    return e / running_sum(e.sort(-1).values)


@implements("softmax", framework="torch")
@in_rows
def softmax_pairwise_by_reciprocal(x):
    """One division a row, then products; the sum in pairs."""
    e = less_maximum(x).exp()
    return e * pairwise_sum(e).reciprocal()


@implements("softmax", framework="torch")
@in_rows
def softmax_base_two(x):
    """exp as 2**k e**r with k whole and |r| at most log(2)/2, log 2 in two parts so that r loses nothing."""
    floor, high, low = (-150, 0.693359375, -2.12194440054690583e-4)
    if x.dtype == torch.float64:
        floor, high, low = (-800, 6.93147180369123816490e-01, 1.90821492927058770002e-10)  # fdlibm's e_exp.c
    d = less_maximum(x)
    d = torch.where(d < floor, floor, d)  # exp is 0 from there on
    k = (d.detach() / math.log(2)).round()
    e = torch.ldexp(((d - k * high) - k * low).exp(), k)
    return e / e.sum(-1, keepdim=True)


@implements("softmax", framework="torch")
@in_rows
def softmax_online(x):
    """The online softmax of Milakov and Gimelshein: one pass for maximum and sum together."""
    m, s = online(x)
    return (x - m).exp() / s


@implements("softmax", framework="torch")
@in_rows
def softmax_blocked_two_pass(x):
    """First the blocks' maxima and sums, then the blocks scaled to the row's."""
    tops = [block.detach().amax(-1, keepdim=True) for block in blocks(x)]
    m = torch.stack(tops).amax(0)
    kept = [torch.where(top == -torch.inf, 0, top) for top in tops]
    parts = [(block - top).exp() for block, top in zip(blocks(x), kept, strict=True)]
    scales = [(top - m).exp() for top in kept]
    s = torch.stack([e.sum(-1, keepdim=True) * f for e, f in zip(parts, scales, strict=True)]).sum(0)
    return torch.cat([(block - m).exp() / s for block in blocks(x)], -1)


@implements("softmax", framework="torch")
@in_rows
def softmax_in_double(x):
    """Double precision inside."""
    e = less_maximum(x.double()).exp()
    return (e / e.sum(-1, keepdim=True)).to(x.dtype)


@implements("softmax", framework="torch")
@in_rows
def softmax_of_log_softmax(x):
    """exp(log_softmax)."""
    return torch.log_softmax(x, -1).exp()


@implements("softmax", framework="torch")
@in_rows
def softmax_shifted_by_ceiling(x):
    """Shifted by the next whole number above the maximum: any shift near it will do."""
    e = (x - x.detach().amax(-1, keepdim=True).ceil()).exp()
    return e / e.sum(-1, keepdim=True)


@implements("softmax", framework="torch")
def softmax_in_the_dtype(logits, axis):
    """Every operation rounded to the logits' own dtype, 16 bits or not; the sum alone is wider."""
    d = logits - logits.detach().amax(axis, keepdim=True)
    e = d.exp()
    return e / wide(e).sum(axis, keepdim=True).to(e.dtype)


class Softmax(torch.autograd.Function):
    """Softmax with both derivatives written by hand; they begin with the logits, so they have derivatives too."""

    @staticmethod
    def forward(logits, axis):
        """Return the probabilities."""
        e = (logits - logits.amax(axis, keepdim=True)).exp()
        return e / e.sum(axis, keepdim=True)

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep the logits."""
        del output
        logits, ctx.axis = inputs
        ctx.save_for_backward(logits)
        ctx.save_for_forward(logits)

    @staticmethod
    def backward(ctx, upstream):
        """p (g - sum p g)."""
        return Softmax.along(ctx, upstream), None

    @staticmethod
    def jvp(ctx, direction, _):
        """p (t - sum p t): the derivative is symmetric."""
        return Softmax.along(ctx, direction)

    @staticmethod
    def along(ctx, direction):
        """Return the derivative along a direction."""
        (logits,) = ctx.saved_tensors
        p = Softmax.apply(logits, ctx.axis)
        return p * (direction - (p * direction).sum(ctx.axis, keepdim=True))


@implements("softmax", framework="torch")
def softmax_with_own_gradient(logits, axis):
    """Value and gradient both written by hand."""
    return Softmax.apply(wide(logits), axis).to(logits.dtype)


@implements("softmax", framework="numpy")
def softmax_numpy_exact_sum(logits, axis):
    """Sums by math.fsum, correctly rounded."""
    x = logits.astype(np.float64)
    e = np.exp(x - x.max(axis, keepdims=True))
    s = np.apply_along_axis(math.fsum, axis, e) if e.size else e.sum(axis)
    return (e / np.expand_dims(s, axis)).astype(logits.dtype)


@implements("softmax", framework="numpy")
def softmax_numpy_one_by_one(logits, axis):
    """Terms added one by one, each sum rounded: the plainest loop there is."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    e = np.exp(x - x.max(axis, keepdims=True))
    s = np.take(np.add.accumulate(e, axis), [-1], axis)
    return (e / s).astype(logits.dtype)
