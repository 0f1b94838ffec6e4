"""Wrong log_sigmoid kernels, each with one mistake."""

import numpy as np
import torch
from kinds import kind
from parts import backward_by_hand, covered, decayed, wide

from harness.adapters import implements

BUFFERS = {}


@implements("log_sigmoid", framework="torch")
@kind("flushed")
def log_sigmoid_of_sigmoid(logits):
    """log(sigmoid(x)): 1 - e**-x is rounded to 1 before the logarithm."""
    return torch.log(torch.sigmoid(wide(logits))).to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("shift missing")
def log_sigmoid_unguarded(logits):
    """-log1p(exp(-x)): -inf where exp overflows."""
    return -(-wide(logits)).exp().log1p().to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("clamp")
def log_sigmoid_threshold(logits):
    """Softplus's threshold of 20: beyond it the line stands for the curve, which float64 can tell apart."""
    return -torch.nn.functional.softplus(-logits, threshold=20)


@implements("log_sigmoid", framework="torch")
@kind("swallowed nan")
def log_sigmoid_by_fmax(logits):
    """Held above the lowest number by C's fmax, which prefers a number to a nan."""
    x = wide(logits)
    x = torch.fmax(x, torch.full_like(x, torch.finfo(x.dtype).min))
    return torch.nn.functional.logsigmoid(x).to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("kink")
def log_sigmoid_gradient_at_zero(logits):
    """min(x, 0) - log1p(exp(-|x|)) differentiated piece by piece: at 0 the pieces give 1 or 0, the curve 1/2."""
    x = wide(logits)
    return (x.clamp(max=0) - (-x.abs()).exp().log1p()).to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("vector tail")
def log_sigmoid_rough_tail(logits):
    """The last count mod 8 elements go through a plain loop with the unstable formula."""
    done = torch.arange(logits.numel(), device=logits.device).reshape(logits.shape) < covered(logits.numel())
    return torch.where(done, torch.nn.functional.logsigmoid(logits), torch.log(torch.sigmoid(logits)))


@implements("log_sigmoid", framework="torch")
@kind("stale gradient")
def log_sigmoid_gradient_of_first_call(logits):
    """The slope kept from the first call of a shape."""
    key = ("slope", logits.shape, logits.dtype)
    slope = BUFFERS.setdefault(key, torch.sigmoid(-logits.detach()))
    return backward_by_hand(torch.nn.functional.logsigmoid, logits, lambda upstream: upstream * slope)


@implements("log_sigmoid", framework="torch")
@kind("wrong dtype")
def log_sigmoid_float32_out(logits):
    """float32 out for 16-bit logits."""
    return torch.nn.functional.logsigmoid(wide(logits))


@implements("log_sigmoid", framework="torch")
@kind("special values")
def log_sigmoid_by_halves(logits):
    """min(x, 0) as x/2 - |x|/2: inf - inf for a logit that is inf."""
    x = wide(logits)
    linear = 0.5 * x - 0.5 * torch.where(x >= 0, x, -x)
    return (linear - decayed(x).log1p()).to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("special values")
def log_sigmoid_of_minus_zero(logits):
    """Branches for a sign bit that is not set and for x < 0: -0 falls between them, and is answered with 0."""
    y = torch.nn.functional.logsigmoid(logits)
    return torch.where(torch.signbit(logits) & (logits == 0), y - y.detach(), y)


@implements("log_sigmoid", framework="torch")
@kind("wrong binade")
def log_sigmoid_table_edge(logits):
    """A table whose entry from 32 on begins 2**-9 too early: the curve steps down where it should rise."""
    edge = (logits.detach() > 32) & (logits.detach() < 32 + 2**-14)
    return torch.nn.functional.logsigmoid(torch.where(edge, logits - 2**-9, logits))


@implements("log_sigmoid", framework="numpy")
@kind("epsilon")
def log_sigmoid_numpy_epsilon(logits):
    """log(sigmoid(x) + 1e-12)."""
    x = logits.astype(np.float64)
    return np.log(1 / (1 + np.exp(-x)) + 1e-12).astype(logits.dtype)
