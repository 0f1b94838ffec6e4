"""Wrong log_softmax kernels, each with one mistake."""

import numpy as np
import torch
from kinds import kind
from parts import backward_by_hand, bfloat16_running_sum, covered, less_maximum, log_of_sum, through, wide

from harness.adapters import implements


@implements("log_softmax", framework="torch")
@kind("flushed")
def log_softmax_of_softmax(logits, axis):
    """The logarithm of the softmax: -inf once a probability has underflowed."""
    return torch.log(torch.softmax(logits, axis))


@implements("log_softmax", framework="torch")
@kind("epsilon")
def log_softmax_epsilon(logits, axis):
    """log(p + 1e-9): nothing below -20.7."""
    return torch.log(torch.softmax(wide(logits), axis) + 1e-9).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("clamp")
def log_softmax_clamped(logits, axis):
    """Held above -100, as torch's binary_cross_entropy holds its logarithms."""
    return torch.log_softmax(logits, axis).clamp(min=-100)


@implements("log_softmax", framework="torch")
@kind("shift partial")
def log_softmax_by_logsumexp(logits, axis):
    """x - logsumexp(x): at 1e6 the difference has no digits left."""
    return (wide(logits) - log_of_sum(wide(logits), axis).unsqueeze(axis)).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("vector tail")
def log_softmax_tail_unwritten(logits, axis):
    """A vector loop that works in place and leaves the last n mod 8 elements as they came."""
    kept = covered(logits.shape[axis])
    done = torch.log_softmax(logits, axis).narrow(axis, 0, kept)
    return torch.cat([done, logits.narrow(axis, kept, logits.shape[axis] - kept)], axis)


@implements("log_softmax", framework="torch")
@kind("wrong axis")
def log_softmax_squeezed(logits, axis):
    """Axes of length 1 squeezed away: of rows with one class, the batch becomes the row."""
    rows = logits.movedim(axis, -1)
    return torch.log_softmax(rows.squeeze(), -1).reshape(rows.shape).movedim(-1, axis)


@implements("log_softmax", framework="torch")
@kind("wrong axis")
def log_softmax_maximum_of_last(logits, axis):
    """The axis honoured by the sum and forgotten by the maximum: a shift that undoes itself only along one axis."""
    x = wide(logits)
    x = x - x.amax(-1, keepdim=True).detach()
    return (x - x.exp().sum(axis, keepdim=True).log()).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("strides")
def log_softmax_offset_ignored(logits, axis):
    """The storage read from its beginning, wherever the view begins."""
    return torch.log_softmax(logits.as_strided(logits.shape, logits.stride(), 0), axis)


@implements("log_softmax", framework="torch")
@kind("upstream ignored")
def log_softmax_upstream_sums_to_one(logits, axis):
    """g - p in place of g - p sum(g): right behind a loss, wrong behind anything else."""
    p = torch.softmax(logits.detach(), axis)
    return backward_by_hand(lambda x: torch.log_softmax(x, axis), logits, lambda upstream: upstream - p)


@implements("log_softmax", framework="torch")
@kind("upstream ignored")
def log_softmax_zero_upstream_for_ones(logits, axis):
    """An incoming gradient of nothing but zeros taken for one that is missing: ones."""
    return through(torch.log_softmax(logits, axis), lambda g: g if g.any() else torch.ones_like(g))


@implements("log_softmax", framework="torch")
@kind("narrow gradient")
def log_softmax_gradient_saturates(logits, axis):
    """A gradient held within float16's range: right until losses are scaled by 2**20."""
    return torch.log_softmax(through(logits, lambda gradient: gradient.clamp(-65504, 65504)), axis)


@implements("log_softmax", framework="torch")
@kind("special values")
def log_softmax_masks_by_multiplying(logits, axis):
    """Logits at -inf taken out by a factor of 0: 0 * -inf is nan."""
    kept = (logits > -torch.inf).to(wide(logits).dtype)
    x = less_maximum(wide(logits), axis)
    return torch.where(kept > 0, x * kept - (kept * x.exp()).sum(axis, keepdim=True).log(), kept * x).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("one dtype")
def log_softmax_bfloat16_unshifted(logits, axis):
    """A kernel for bfloat16 alone, which rounds logsumexp to bfloat16 before it takes it off."""
    if logits.dtype != torch.bfloat16:
        return torch.log_softmax(logits, axis)
    return logits - log_of_sum(logits, axis).unsqueeze(axis)


@implements("log_softmax", framework="torch")
@kind("order-dependent")
def log_softmax_left_sorted(logits, axis):
    """Summed in ascending order, for accuracy, and never put back in the order of the classes."""
    return torch.log_softmax(logits.sort(axis).values, axis)


@implements("log_softmax", framework="numpy")
@kind("wrong dtype")
def log_softmax_numpy_float64_out(logits, axis):
    """float64 out, whatever came in: a Python float made it so."""
    x = logits.astype(np.float64)
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))


@implements("log_softmax", framework="torch")
@kind("stagnating sum")
def log_softmax_bfloat16_stagnates(logits, axis):
    """In bfloat16, one running sum kept in bfloat16; the gradient has a kernel of its own, and is right."""
    y = torch.log_softmax(logits, axis)
    if logits.dtype != torch.bfloat16:
        return y
    d = less_maximum(logits.detach().float(), axis)
    s = bfloat16_running_sum(d.exp(), axis)
    late = d - s.float().log().unsqueeze(axis) - y.detach().float()
    return y + torch.where(y.isinf(), 0, late.bfloat16())
