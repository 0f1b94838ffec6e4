"""Right parts of the wrong kernels in torch: apart from its mistake, a kernel is right."""

import torch

NARROW = (torch.float16, torch.bfloat16)
LANES = 8  # elements that a vector loop takes at once


def wide(x):
    """Return 16-bit numbers as float32."""
    return x.float() if x.dtype in NARROW else x


def less_maximum(x, axis=-1):
    """Return the logits less their row's maximum."""
    return x - x.amax(axis, keepdim=True).detach()


def log_of_sum(logits, axis=-1):
    """Return logsumexp, shifted: torch's own is a known deviation."""
    x = wide(logits)
    m = x.amax(axis).detach()
    return (m + (x - m.unsqueeze(axis)).exp().sum(axis).log()).to(logits.dtype)


def labelled(rows, labels):
    """Return each row's element at its label."""
    return rows.gather(-1, labels.long().unsqueeze(-1)).squeeze(-1)


def sparse_loss(logits, labels):
    """Return -log_softmax at the label."""
    return -labelled(torch.log_softmax(logits, -1), labels)


def dense_loss(logits, labels):
    """Return -sum(labels * log_softmax), in halves: a label of 0 then meets no infinity where x - max overflows."""
    x, z = wide(logits), wide(labels)
    m = x.amax(-1, keepdim=True).detach()
    half = 0.5 * m - 0.5 * x + 0.5 * (x - m).exp().sum(-1, keepdim=True).log()
    return (2 * (z * half).sum(-1)).to(logits.dtype)


def decayed(x):
    """Return exp(-|x|), with the slope from the right at 0."""
    return torch.where(x >= 0, -x, x).exp()


def sigmoid_loss(logits, labels):
    """Return the loss with both tails kept."""
    x, z = wide(logits), wide(labels)
    share = torch.where(x >= 0, 1 - z, -z)
    linear = share * torch.where((share == 0) & x.isinf(), 0, x)  # nothing weighed by 0 stays nothing
    return (linear + decayed(x).log1p()).to(logits.dtype)


def through(value, change):
    """Return the value; the gradient that comes back to it passes through `change`."""
    value = value.view_as(value)
    if value.requires_grad:
        value.register_hook(change)
    return value


def backward_by_hand(function, logits, gradient):
    """Return function(logits); its gradient is gradient(upstream), whatever autograd says."""
    inner = logits.view_as(logits)
    value, upstream = function(inner), []
    if inner.requires_grad:
        value.register_hook(upstream.append)
        inner.register_hook(lambda _: gradient(upstream[-1]))
    return value


def covered(count, lanes=LANES):
    """Return how many elements a vector loop without a tail covers; a short row is left to a plain loop."""
    return count if count < lanes else count - count % lanes


def bfloat16_running_sum(terms, axis):
    """Add up one by one, each sum rounded to bfloat16."""
    s = torch.zeros_like(terms.sum(axis), dtype=torch.bfloat16)
    for term in terms.bfloat16().unbind(axis):
        s += term
    return s


def same(before, now):
    """Tell whether these are the logits of before."""
    return before is not None and (before.shape, before.dtype) == (now.shape, now.dtype) and before.equal(now.detach())
