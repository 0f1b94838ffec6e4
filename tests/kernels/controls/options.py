"""Correct losses with options, and with parameters that are none."""

import torch
from rows import decayed, less_maximum, wide

from harness.adapters import implements


@implements("sparse_xent", framework="torch")
def sparse_xent_with_options(
    logits, labels, weight=None, ignore_index=-100, reduction="none", label_smoothing=0.0, softcap=None, z_loss=0.0
):
    """All options at once, in float32 inside; the mean is over the weights of the rows that count."""
    counts = labels != ignore_index
    index = torch.where(counts, labels, 0).long()
    x = wide(logits)
    x = x if softcap is None else softcap * torch.tanh(x / softcap)
    m = x.detach().amax(-1, keepdim=True)
    log_sum = (x - m).exp().sum(-1, keepdim=True).log()
    y = x - m - log_sum
    w = y.new_ones(y.shape[-1]) if weight is None else wide(weight)
    hard = -w[index] * y.gather(-1, index.unsqueeze(-1)).squeeze(-1)
    losses = (1 - label_smoothing) * hard
    if label_smoothing:
        losses = losses - label_smoothing * (w * y).mean(-1)
    losses = torch.where(counts, losses, 0)
    if z_loss:
        losses = losses + z_loss * torch.where(counts, (m + log_sum).squeeze(-1) ** 2, 0)
    if reduction == "none":
        return losses.to(logits.dtype)
    total = losses.sum()
    return (total / torch.where(counts, w[index], 0).sum() if reduction == "mean" else total).to(logits.dtype)


@implements("sigmoid_xent", framework="torch")
def sigmoid_xent_with_options(logits, labels, *, pos_weight=None, weight=None, reduction="none"):
    """Both tails kept, each with its weight."""
    x, z = wide(logits), wide(labels)
    q = 1 if pos_weight is None else wide(pos_weight)
    share = torch.where(x >= 0, 1 - z, -q * z)
    losses = share * torch.where((share == 0) & x.isinf(), 0, x) + (1 + (q - 1) * z) * decayed(x).log1p()
    losses = losses if weight is None else losses * wide(weight)
    return (losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()).to(logits.dtype)


@implements("dense_xent", framework="torch")
def dense_xent_capped_by_a_sigmoid(logits, labels, *, soft_cap=0.0, lse_square_scale=0.0):
    """The tanh of the cap as 2 sigmoid(2 t) - 1, as where there is none; the gradient is autograd's."""
    x, z = wide(logits), wide(labels)
    if soft_cap:
        x = soft_cap * (2 * torch.sigmoid(2 * x / soft_cap) - 1)
    m = x.detach().amax(-1, keepdim=True)
    log_sum = (x - m).exp().sum(-1, keepdim=True).log()
    losses = 2 * (z * (0.5 * m - 0.5 * x + 0.5 * log_sum)).sum(-1)
    square = lse_square_scale * (m + log_sum).squeeze(-1) ** 2 if lse_square_scale else 0
    return (losses + square).to(logits.dtype)


@implements("dense_xent", framework="torch")
def dense_xent_along_an_axis(logits, labels, dim=-1, label_smoothing=0.0):
    """Classes along any axis, in halves; labels smoothed by their number."""
    x, z = wide(logits), wide(labels)
    if label_smoothing:
        z = (1 - label_smoothing) * z + label_smoothing / x.shape[dim]
    m = x.detach().amax(dim, keepdim=True)
    half = 0.5 * m - 0.5 * x + 0.5 * (x - m).exp().sum(dim, keepdim=True).log()
    return (2 * (z * half).sum(dim)).to(logits.dtype)


@implements("softmax", framework="torch")
def softmax_with_temperature(logits, axis, temperature=None):
    """A parameter that is no option stays at its default."""
    e = less_maximum(wide(logits if temperature is None else logits / temperature).movedim(axis, -1)).exp()
    return (e / e.sum(-1, keepdim=True)).movedim(-1, axis).to(logits.dtype)
