"""Correct focal, poly and generalized losses, entropies and losses in two steps, that are written unusually."""

import torch
from rows import decayed, wide, widened

from harness.adapters import implements


def softplus(x):
    """Return log(1 + e**x), both tails kept."""
    return x.clamp(min=0) + decayed(x).log1p()


@implements("sigmoid_focal_xent", framework="torch")
@widened
def sigmoid_focal_from_logarithms(logits, labels):
    """exp(2 log m), m from both sigmoids."""
    no, yes = -softplus(logits), -softplus(-logits)
    m = labels * no.exp() + (1 - labels) * yes.exp()
    return (2 * m.log()).exp() * (-labels * yes - (1 - labels) * no)


@implements("focal_xent", framework="torch")
@widened
def focal_of_other_classes(logits, labels):
    """1 - p is -expm1 of the log-probability."""
    y = torch.log_softmax(logits, -1)
    return -(labels * torch.expm1(y) ** 2 * y).sum(-1)


@implements("poly_xent", framework="torch")
@widened
def poly_of_one_sum(logits, labels):
    """Both terms under one sum."""
    y = torch.log_softmax(logits, -1)
    return (labels * (-2 * torch.expm1(y) - y)).sum(-1)


@implements("adaptive_xent", framework="torch")
def adaptive_by_masks(logits, labels):
    """Both steps of all rows, the tail's loss dropped where the label is in the head."""
    x = wide(logits)
    half = x.shape[-1] // 2
    head = torch.log_softmax(torch.cat([x[:, :half], torch.zeros_like(x[:, :1])], -1), -1)
    tail = torch.log_softmax(x[:, half:], -1)
    of_head = head.gather(-1, labels.clamp(max=half)[:, None])[:, 0]
    of_tail = tail.gather(-1, (labels - half).clamp(min=0)[:, None])[:, 0]
    return -(of_head + torch.where(labels < half, 0, of_tail)).to(logits.dtype)


@implements("generalized_prob_xent", framework="torch")
@widened
def generalized_by_root(p, labels):
    """The root instead of a power."""
    return 2 - 2 * p.gather(-1, labels[:, None])[:, 0].sqrt()


@implements("bernoulli_entropy", framework="torch")
@widened
def bernoulli_entropy_of_terms(logits):
    """-p log p - q log q."""
    return torch.sigmoid(logits) * softplus(-logits) + torch.sigmoid(-logits) * softplus(logits)
