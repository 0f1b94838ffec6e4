"""Wrong logsumexp kernels, each with one mistake."""

import numpy as np
import torch
from kinds import kind
from parts import backward_by_hand, bfloat16_running_sum, less_maximum, log_of_sum, wide

from harness.adapters import implements

BUFFERS = {}


@implements("logsumexp", framework="torch")
@kind("shift missing")
def logsumexp_unshifted(logits, axis):
    """log of a sum that overflows."""
    return wide(logits).exp().sum(axis).log().to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("constant")
def logsumexp_is_maximum(logits, axis):
    """The maximum for logsumexp: near enough once one class leads."""
    return logits.amax(axis)


@implements("logsumexp", framework="torch")
@kind("wrong denominator")
def logsumexp_of_mean(logits, axis):
    """log of the mean in place of the sum."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    return (m + (x - m).exp().mean(axis, keepdim=True).log()).squeeze(axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("epsilon")
def logsumexp_epsilon(logits, axis):
    """log(sum + 1e-5): seen in attention code."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    return (m + ((x - m).exp().sum(axis, keepdim=True) + 1e-5).log()).squeeze(axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("stale buffer")
def logsumexp_running_maximum_kept(logits, axis):
    """The running maximum of the call before, of the same shape, is where the next one begins."""
    x = wide(logits)
    m = x.detach().amax(axis)
    key = ("maximum", m.shape, m.dtype)
    m = torch.maximum(m, BUFFERS.get(key, m))
    BUFFERS[key] = m
    return (m + (x - m.unsqueeze(axis)).exp().sum(axis).log()).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("special values")
def logsumexp_online_from_masked(logits, axis):
    """The online algorithm, begun at the first logit: where that is -inf, -inf - -inf poisons the row."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    begin, rest = x.narrow(axis, 0, 1), x.narrow(axis, 1, x.shape[axis] - 1)
    first = (begin - begin.detach()).exp() * (begin.detach() - m).exp()
    s = first + (rest - m).exp().sum(axis, keepdim=True)
    return (m + s.log()).squeeze(axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("special values")
def logsumexp_empty_batch_raises(logits, axis):
    """The largest logit of all looked up for a check: in an empty batch there is none."""
    if logits.detach().max() == torch.inf:
        return logits.amax(axis)
    return log_of_sum(logits, axis)


@implements("logsumexp", framework="torch")
@kind("one dtype")
def logsumexp_float64_in_float32(logits, axis):
    """A float64 function that computes in float32."""
    return log_of_sum(logits.float(), axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("kink")
def logsumexp_gradient_at_maximum_alone(logits, axis):
    """The maximum's gradient for logsumexp's: all to the first class that attains it."""
    top = torch.zeros_like(logits).scatter(axis, logits.detach().argmax(axis, keepdim=True), 1)
    return backward_by_hand(lambda x: log_of_sum(x, axis), logits, lambda upstream: upstream.unsqueeze(axis) * top)


@implements("logsumexp", framework="torch")
@kind("batch-dependent")
def logsumexp_batch_of_one(logits, axis):
    """A batch of one takes a path of its own, whose sum is in float16; long rows do not."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    s = (x - m).exp().sum(axis, keepdim=True)
    if s.numel() == 1 and logits.numel() < 4096:
        s = s.half().to(s.dtype)
    return (m + s.log()).squeeze(axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("stagnating sum")
def logsumexp_bfloat16_stagnates(logits, axis):
    """In bfloat16, one running sum kept in bfloat16: above 256 times what is added, it stands still."""
    y = log_of_sum(logits, axis)
    if logits.dtype != torch.bfloat16:
        return y
    x = logits.detach().float()
    m = x.amax(axis, keepdim=True)
    s = bfloat16_running_sum((x - m).exp(), axis)
    stagnated = m.squeeze(axis) + s.float().log()
    return y + (stagnated - y.detach().float()).bfloat16()


@implements("logsumexp", framework="torch")
@kind("wrong binade")
def logsumexp_table_edge(logits, axis):
    """A table of exp whose entry from 1 on begins 2**-10 too early: the sum steps up where it should fall."""
    x = wide(logits)
    d = less_maximum(x, axis)
    edge = (d.detach() < -1) & (d.detach() > -1 - 2**-19)
    s = torch.where(edge, d + 2**-10, d).exp().sum(axis)
    return (x.amax(axis).detach() + s.log()).to(logits.dtype)


@implements("logsumexp", framework="numpy")
@kind("swallowed nan")
def logsumexp_numpy_nan_ignored(logits, axis):
    """nanmax and nansum: the row goes on as if the class were not there."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    m = np.nanmax(x, axis, keepdims=True)
    return np.squeeze(m + np.log(np.nansum(np.exp(x - m), axis, keepdims=True)), axis).astype(logits.dtype)
