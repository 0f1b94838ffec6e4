"""Wrong sigmoid kernels, each with one mistake."""

import weakref

import numpy as np
import torch
from kinds import kind
from parts import backward_by_hand, covered, through, wide

from harness.adapters import implements

BUFFERS = {}


@implements("sigmoid", framework="torch")
@kind("flushed")
def sigmoid_by_tanh(logits):
    """(1 + tanh(x / 2)) / 2: what is below the unit roundoff is lost."""
    return (0.5 + 0.5 * torch.tanh(0.5 * wide(logits))).to(logits.dtype)


@implements("sigmoid", framework="torch")
@kind("clamp")
def sigmoid_clamped(logits):
    """Logits held within +-20 beforehand."""
    return torch.sigmoid(logits.clamp(-20, 20))


@implements("sigmoid", framework="torch")
@kind("shift missing")
def sigmoid_gradient_overflows(logits):
    """1 / (1 + exp(-x)): the value survives that exp overflows, the gradient is 0 * inf."""
    return (1 / (1 + (-wide(logits)).exp())).to(logits.dtype)


@implements("sigmoid", framework="torch")
@kind("wrong binade")
def sigmoid_one_binade(logits):
    """Inputs of one binade, 2**-17 to 2**-16, taken for 0: a table with a hole."""
    hole = (logits.detach().abs() >= 2**-17) & (logits.detach().abs() < 2**-16)
    return torch.sigmoid(torch.where(hole, logits - logits.detach(), logits))


@implements("sigmoid", framework="torch")
@kind("wrong binade")
def sigmoid_branches_jump(logits):
    """1/2 + x/4 up to 1/32, the formula from there on: the curve steps back where they meet."""
    x = wide(logits)
    return torch.where(x.abs() < 2**-5, 0.5 + 0.25 * x, torch.sigmoid(x)).to(logits.dtype)


@implements("sigmoid", framework="torch")
@kind("rare element")
def sigmoid_one_number(logits):
    """One number of all, 1.25 * 2**-12, is answered with 63/128: a broken entry of a table."""
    y = torch.sigmoid(logits)
    return torch.where(logits == 1.25 * 2**-12, y * 0 + 63 / 128, y)


@implements("sigmoid", framework="torch")
@kind("vector tail")
def sigmoid_tail_unwritten(logits):
    """A vector loop in place over all elements, which leaves the last count mod 8 as they came."""
    done = torch.arange(logits.numel(), device=logits.device).reshape(logits.shape) < covered(logits.numel())
    return torch.where(done, torch.sigmoid(logits), logits)


@implements("sigmoid", framework="torch")
@kind("in-place change")
def sigmoid_in_place(logits):
    """sigmoid_ for sigmoid: the caller's logits are probabilities afterwards."""
    p = torch.sigmoid(logits)
    logits.detach().copy_(p.detach())
    return p


@implements("sigmoid", framework="torch")
@kind("constant")
def sigmoid_gradient_constant(logits):
    """A quarter for the slope, wherever: that of 0."""
    return backward_by_hand(torch.sigmoid, logits, lambda upstream: upstream / 4)


@implements("sigmoid", framework="torch")
@kind("narrow gradient")
def sigmoid_gradient_in_float16(logits):
    """The gradient stored in float16 in between: below 6e-8 it is 0."""
    return torch.sigmoid(through(logits, lambda gradient: gradient.half().to(gradient.dtype)))


@implements("sigmoid", framework="torch")
@kind("strides")
def sigmoid_strides_ignored(logits):
    """The memory read in one go, as if every array were contiguous."""
    steps = torch.empty(logits.shape, device="meta").stride()
    return torch.sigmoid(logits.as_strided(logits.shape, steps, logits.storage_offset()))


@implements("sigmoid", framework="torch")
@kind("upstream ignored")
def sigmoid_upstream_one(logits):
    """The slope alone for the gradient: the incoming one is taken for ones."""
    return through(torch.sigmoid(logits), torch.ones_like)


@implements("sigmoid", framework="torch")
@kind("one mode")
def sigmoid_second_derivative_in_part(logits):
    """A backward pass that takes 1 - s for a constant: the gradient is right, its derivative is not."""
    s = torch.sigmoid(logits)
    return backward_by_hand(torch.sigmoid, logits, lambda upstream: upstream * s * (1 - s.detach()))


@implements("sigmoid", framework="torch")
@kind("stale buffer")
def sigmoid_remembers_array(logits):
    """The last answer kept with the array it belongs to: other numbers in that array get it again."""
    array, answer = BUFFERS.get("remembered", (None, None))
    if array is None or array() is not logits or logits.requires_grad:
        answer = torch.sigmoid(logits)
        BUFFERS["remembered"] = (weakref.ref(logits), answer)
    return answer


@implements("sigmoid", framework="numpy")
@kind("one dtype")
def sigmoid_numpy_float64_in_float32(logits):
    """A float64 function that computes in float32."""
    e = np.exp(-np.abs(logits.astype(np.float32)))
    return (np.where(logits < 0, e, 1) / (1 + e)).astype(logits.dtype)
