"""Sound functions in torch, written plainly: in float32 inside or, where named so, in the logits' own type."""

import torch

NARROW = (torch.float16, torch.bfloat16)


def wide(x):
    """Return 16-bit numbers as float32."""
    return x.float() if x.dtype in NARROW else x


def softmax(logits, axis=-1):
    """Exponentials over their sum."""
    e = (wide(logits) - wide(logits).amax(axis, keepdim=True)).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


def log_softmax(logits, axis=-1):
    """Shifted logits less the logarithm of their sum."""
    d = wide(logits) - wide(logits).amax(axis, keepdim=True).detach()
    return (d - d.exp().sum(axis, keepdim=True).log()).to(logits.dtype)


def logsumexp(logits, axis=-1):
    """The maximum, and the logarithm of the sum beside it."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    return (m + (x - m).exp().sum(axis, keepdim=True).log()).squeeze(axis).to(logits.dtype)


def reduced(losses, reduction):
    """Return the losses themselves, their sum or their mean."""
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def sparse_xent(logits, labels, reduction="none"):
    """The labelled element of -log_softmax."""
    losses = -log_softmax(wide(logits)).gather(-1, labels[:, None])[:, 0]
    return reduced(losses, reduction).to(logits.dtype)


def dense_xent(logits, labels, reduction="none"):
    """The labels' sum of -log_softmax."""
    return reduced(-(wide(labels) * log_softmax(wide(logits))).sum(-1), reduction).to(logits.dtype)


def decayed(x):
    """Return exp(-|x|), with the slope from the right at 0."""
    return torch.where(x >= 0, -x, x).exp()


def sigmoid(logits):
    """Mirrored below 0."""
    x = wide(logits)
    e = decayed(x)
    return (torch.where(x >= 0, 1, e) / (1 + e)).to(logits.dtype)


def log_sigmoid(logits):
    """The line below 0, and the tail."""
    x = wide(logits)
    return (torch.where(x >= 0, 0 * x, x) - decayed(x).log1p()).to(logits.dtype)


def sigmoid_xent(logits, labels, reduction="none"):
    """Both tails kept."""
    x, z = wide(logits), wide(labels)
    return reduced(torch.where(x >= 0, 1 - z, -z) * x + decayed(x).log1p(), reduction).to(logits.dtype)


SOUND = {f.__name__: f for f in (softmax, log_softmax, logsumexp, sparse_xent, dense_xent)}
SOUND |= {f.__name__: f for f in (sigmoid, log_sigmoid, sigmoid_xent)}


def in_pairs(x):
    """Add neighbours, then their sums, in the type that x has."""
    while x.shape[-1] > 1:
        x = x[..., ::2] + x[..., 1::2]
    return x


def native_softmax(logits):
    """Every intermediate result rounded to the logits' own type; the sum in pairs."""
    e = (logits - logits.amax(-1, keepdim=True)).exp()
    return e / in_pairs(e)


def native_logsumexp(logits):
    """As native_softmax."""
    m = logits.amax(-1, keepdim=True).detach()
    return (m + in_pairs((logits - m).exp()).log())[..., 0]
