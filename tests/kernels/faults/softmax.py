"""Wrong softmax kernels: shifts, sums and roundings that lose digits or rows."""

import numpy as np
import torch
from kinds import kind
from parts import LANES, covered, less_maximum, wide

from harness.adapters import implements


@implements("softmax", framework="torch")
@kind("shift missing")
def softmax_unshifted(logits, axis):
    """exp of the logits as they are: inf / inf at large ones."""
    e = wide(logits).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_shifted_by_mean(logits, axis):
    """The mean taken off in place of the maximum: enough, until one logit leads by 88."""
    x = wide(logits)
    e = (x - x.mean(axis, keepdim=True).detach()).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_shifted_by_first(logits, axis):
    """The first logit taken off in place of the maximum."""
    x = wide(logits)
    e = (x - x.narrow(axis, 0, 1).detach()).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_shifted_by_batch_maximum(logits, axis):
    """One maximum for the whole batch: rows far below it come out as 0 / 0."""
    x = wide(logits)
    top = x.detach().amax() if x.numel() else 0
    e = (x - top).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_maximum_from_zero(logits, axis):
    """A running maximum that begins at 0, as numeric_limits<float>::min() does: rows far below 0 are lost."""
    x = wide(logits)
    e = (x - x.amax(axis, keepdim=True).clamp(min=0).detach()).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_base_two_before_shift(logits, axis):
    """Scaled to base 2 before the shift, on a path for maxima from 128 to 1024: the offset costs digits."""
    x = wide(logits)
    m = x.detach().amax(axis, keepdim=True)
    scaled = x.clamp(-2048, 2048) * np.log2(np.e)
    e = torch.where((m >= 128) & (m < 1024), (scaled - scaled.detach().amax(axis, keepdim=True)).exp2(), (x - m).exp())
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("order-dependent")
def softmax_sorted_rows_cut_short(logits, axis):
    """A row in descending order, as top-k gives it, is summed until a term is below 1e-3; a short one, whole."""
    x = wide(logits)
    e = less_maximum(x, axis).exp()
    descending = (x.detach().diff(dim=axis) <= 0).all(axis, keepdim=True)
    counted = torch.where(descending & (e < 1e-3), 0, e) if x.shape[axis] >= LANES else e
    return (e / counted.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("rare element")
def softmax_unrolled_for_three(logits, axis):
    """Unrolled by hand for three classes, and the third forgotten in the sum."""
    e = less_maximum(wide(logits), axis).exp()
    counted = e.narrow(axis, 0, 2) if e.shape[axis] == 3 else e
    return (e / counted.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("order-dependent")
def softmax_sum_in_random_order(logits, axis):
    """A sum whose order changes from call to call, as that of atomic additions: no two runs agree to the bit."""
    e = less_maximum(wide(logits), axis).exp().movedim(axis, -1)
    s = e[..., torch.randperm(e.shape[-1], device=e.device)].sum(-1, keepdim=True)
    return (e / s).movedim(-1, axis).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("wrong binade")
def softmax_one_binade(logits, axis):
    """Gaps to the maximum of one binade, 2**-13 to 2**-12, taken for 0: a table of exp with a hole."""
    d = less_maximum(wide(logits), axis)
    hole = (d.detach() <= -(2**-13)) & (d.detach() > -(2**-12))
    e = torch.where(hole, d - d.detach(), d).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("clamp")
def softmax_clamped_exponent(logits, axis):
    """Exponents held above -20 "for stability"."""
    e = less_maximum(wide(logits), axis).clamp(min=-20).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("epsilon")
def softmax_epsilon_in_denominator(logits, axis):
    """The sum plus 1e-6, against a division by 0 that the shift has ruled out."""
    e = less_maximum(wide(logits), axis).exp()
    return (e / (e.sum(axis, keepdim=True) + 1e-6)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("accumulation type")
def softmax_sum_in_float16(logits, axis):
    """Whatever the dtype, a sum that is rounded to float16."""
    e = less_maximum(wide(logits), axis).exp()
    return (e / e.sum(axis, keepdim=True).half().to(e.dtype)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("stagnating sum")
def softmax_bfloat16_stagnates(logits, axis):
    """In bfloat16, a sum of eight lanes kept in bfloat16: each stands still at 256 times what is added."""
    if logits.dtype != torch.bfloat16:
        return torch.softmax(logits, axis)
    e = less_maximum(logits.float(), axis).exp().movedim(axis, -1)
    lanes = e.detach().bfloat16().new_zeros((*e.shape[:-1], LANES))
    for begin in range(0, e.shape[-1], LANES):
        added = e.detach()[..., begin : begin + LANES].bfloat16()
        lanes[..., : added.shape[-1]] += added
    s = e.sum(-1, keepdim=True)
    stagnated = lanes.float().sum(-1, keepdim=True)
    return (e / s * (s.detach() / stagnated)).movedim(-1, axis).bfloat16()


@implements("softmax", framework="torch")
@kind("vector tail")
def softmax_tail_not_summed(logits, axis):
    """A vector loop that leaves the last n mod 8 terms out of the sum."""
    e = less_maximum(wide(logits), axis).exp()
    s = e.narrow(axis, 0, covered(e.shape[axis])).sum(axis, keepdim=True)
    return (e / s).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("flushed")
def softmax_small_results_flushed(logits, axis):
    """Probabilities below 1e-12 set to 0."""
    p = torch.softmax(logits, axis)
    return torch.where(p < 1e-12, torch.zeros_like(p), p)


@implements("softmax", framework="torch")
@kind("swallowed nan")
def softmax_nan_lost_in_vectors(logits, axis):
    """A maximum and a sum that pass over nan in vectors of 64, as max does; what remains is a plain loop."""
    x = wide(logits).movedim(axis, -1)
    n = x.shape[-1]
    in_vectors = torch.arange(n, device=x.device) < n // 64 * 64
    e = less_maximum(torch.where(x.isnan() & in_vectors, -torch.inf, x)).exp()
    return (e / e.sum(-1, keepdim=True)).movedim(-1, axis).to(logits.dtype)


@implements("softmax", framework="numpy")
@kind("accumulation type")
def softmax_numpy_sum_in_float16(logits, axis):
    """np.sum with dtype=float16, taken over from a memory-saving recipe."""
    e = np.exp(logits - logits.max(axis, keepdims=True))
    return (e / e.sum(axis, keepdims=True, dtype=np.float16).astype(e.dtype)).astype(logits.dtype)
