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


def sparse_xent(logits, labels):
    """The labelled element of -log_softmax."""
    return -log_softmax(logits).gather(-1, labels[:, None])[:, 0]


def dense_xent(logits, labels):
    """The labels' sum of -log_softmax."""
    return -(wide(labels) * log_softmax(wide(logits))).sum(-1).to(logits.dtype)


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


def sigmoid_xent(logits, labels):
    """Both tails kept."""
    x, z = wide(logits), wide(labels)
    return (torch.where(x >= 0, 1 - z, -z) * x + decayed(x).log1p()).to(logits.dtype)


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
