"""Wrong softmax kernels: right values, and gradients or forward derivatives that are not."""

import torch
from kinds import kind
from parts import backward_by_hand, covered, through, wide

from harness.adapters import implements


@implements("softmax", framework="torch")
@kind("vector tail")
def softmax_gradient_without_tail(logits, axis):
    """A backward loop that never writes the last n mod 8 elements of the gradient."""

    def cut(gradient):
        kept = covered(gradient.shape[axis])
        gradient = gradient.clone()
        gradient.narrow(axis, kept, gradient.shape[axis] - kept).zero_()
        return gradient

    return torch.softmax(through(logits, cut), axis)


@implements("softmax", framework="torch")
@kind("upstream ignored")
def softmax_upstream_ignored(logits, axis):
    """A backward pass that takes the incoming gradient for one-hot at the first class."""

    def first(upstream):
        change = torch.zeros_like(upstream)
        change.narrow(axis, 0, 1).fill_(1)
        return change

    return through(torch.softmax(logits, axis), first)


@implements("softmax", framework="torch")
@kind("upstream ignored")
def softmax_upstream_clipped(logits, axis):
    """Incoming gradients clipped to +-4 "against explosions": right until loss scaling is switched on."""
    return through(torch.softmax(logits, axis), lambda upstream: upstream.clamp(-4, 4))


@implements("softmax", framework="torch")
@kind("upstream ignored")
def softmax_gradient_diagonal_only(logits, axis):
    """g p (1 - p), the sigmoid's gradient: the classes do not feel each other."""
    p = torch.softmax(logits.detach(), axis)
    return backward_by_hand(lambda x: torch.softmax(x, axis), logits, lambda upstream: upstream * p * (1 - p))


@implements("softmax", framework="torch")
@kind("narrow gradient")
def softmax_gradient_in_bfloat16(logits, axis):
    """The gradient handed on in bfloat16, as autocast around a hand-written backward does."""
    return torch.softmax(through(logits, lambda gradient: gradient.bfloat16().to(gradient.dtype)), axis)


class ForwardDerivative(torch.autograd.Function):
    """Softmax, right but for its derivative in forward mode."""

    @staticmethod
    def forward(logits, axis):
        """Return the probabilities."""
        return torch.softmax(logits, axis)

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
        p = torch.softmax(ctx.saved_tensors[0], ctx.axis)
        return p * (upstream - (p * upstream).sum(ctx.axis, keepdim=True)), None

    @staticmethod
    def jvp(ctx, direction, _):
        """p t: the mean is missing."""
        return torch.softmax(ctx.saved_tensors[0], ctx.axis) * direction


@implements("softmax", framework="torch")
@kind("one mode")
def softmax_forward_derivative_without_mean(logits, axis):
    """Right backwards; in forward mode the classes do not feel each other."""
    return ForwardDerivative.apply(wide(logits), axis).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("one mode")
def softmax_rough_in_training(logits, axis):
    """The value is rounded to bfloat16 where a gradient will be asked for, and only there."""
    p = torch.softmax(logits, axis)
    if not p.requires_grad:
        return p
    return p + (p.bfloat16().to(p.dtype) - p).detach()
