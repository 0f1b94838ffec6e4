"""Wrong focal, poly and generalized losses, entropies and losses in two steps, each with one mistake."""

import torch
from kinds import kind
from parts import labelled, wide

from harness.adapters import implements


def both(logits, labels):
    """Return a sigmoid's m and loss, and its logarithms of p and 1 - p."""
    x, z = wide(logits), wide(labels)
    no, yes = -torch.nn.functional.softplus(x), -torch.nn.functional.softplus(-x)
    return z * no.exp() + (1 - z) * yes.exp(), -z * yes - (1 - z) * no


@implements("sigmoid_focal_xent", framework="torch")
@kind("rare element")
def sigmoid_focal_rounded_complement(logits, labels):
    """m is 1 - p_t, rounded: the loss of a sure and right answer is 0."""
    z, p = wide(labels), torch.sigmoid(wide(logits))
    _, loss = both(logits, labels)
    return ((1 - z * p - (1 - z) * (1 - p)) ** 2 * loss).to(logits.dtype)


@implements("sigmoid_focal_xent", framework="torch")
@kind("derivative")
def sigmoid_focal_detached(logits, labels):
    """The factor takes no part in the gradient."""
    m, loss = both(logits, labels)
    return (m.detach() ** 2 * loss).to(logits.dtype)


@implements("focal_xent", framework="torch")
@kind("clamp")
def focal_clipped(logits, labels):
    """Probabilities clipped to 1e-7 and 1 - 1e-7 although logits are given."""
    p = torch.softmax(wide(logits), -1).clamp(1e-7, 1 - 1e-7)
    return -(wide(labels) * (1 - p) ** 2 * p.log()).sum(-1).to(logits.dtype)


@implements("poly_xent", framework="torch")
@kind("wrong denominator")
def poly_of_the_whole_row(logits, labels):
    """1 - p of every class, not of what is right alone."""
    y = torch.log_softmax(wide(logits), -1)
    return (-(wide(labels) * y).sum(-1) + 2 * (1 - y.exp()).mean(-1)).to(logits.dtype)


@implements("adaptive_xent", framework="torch")
@kind("all zeros")
def adaptive_without_head(logits, labels):
    """A label in the tail pays for the tail alone."""
    x = wide(logits)
    half = x.shape[-1] // 2
    head = torch.log_softmax(torch.cat([x[:, :half], torch.zeros_like(x[:, :1])], -1), -1)
    tail = torch.log_softmax(x[:, half:], -1)
    in_head, in_tail = labelled(head, labels.clamp(max=half)), labelled(tail, (labels - half).clamp(min=0))
    return -torch.where(labels < half, in_head, in_tail).to(logits.dtype)


@implements("generalized_prob_xent", framework="torch")
@kind("epsilon")
def generalized_epsilon(probabilities, labels):
    """1e-3 added before the root."""
    return (2 - 2 * (labelled(wide(probabilities), labels) + 1e-3).sqrt()).to(probabilities.dtype)


@implements("bernoulli_entropy", framework="torch")
@kind("rare element")
def bernoulli_entropy_that_cancels(logits):
    """softplus(x) - x sigmoid(x): what a sure answer leaves is lost."""
    x = wide(logits)
    return (torch.nn.functional.softplus(x) - x * torch.sigmoid(x)).to(logits.dtype)
