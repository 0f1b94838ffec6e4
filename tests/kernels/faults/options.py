"""Wrong losses with options, each right as long as its option is not asked."""

import torch
from kinds import kind
from parts import labelled, sigmoid_loss, sparse_loss, wide

from harness.adapters import implements


def reduced(losses, reduction, count):
    """Return the losses, their sum, or their sum over a count."""
    return losses if reduction == "none" else losses.sum() / (count if reduction == "mean" else 1)


@implements("sparse_xent", framework="torch")
@kind("option")
def sparse_xent_smoothed_over_half_the_classes(logits, labels, label_smoothing=0.0):
    """Labels smoothed towards the first half of the classes, one shard of the vocabulary."""
    y = torch.log_softmax(logits, -1)
    half = y[..., : (y.shape[-1] + 1) // 2].mean(-1)
    hard = -labelled(y, labels)
    return (1 - label_smoothing) * hard - label_smoothing * half if label_smoothing else hard


@implements("sparse_xent", framework="torch")
@kind("option")
def sparse_xent_mean_over_ignored_rows(logits, labels, ignore_index=-100, reduction="none"):
    """The mean of a batch divides by all of its rows, those of padding included."""
    counts = labels != ignore_index
    losses = torch.where(counts, sparse_loss(logits, torch.where(counts, labels, 0)), 0)
    return reduced(losses, reduction, len(labels))


@implements("sparse_xent", framework="torch")
@kind("option")
def sparse_xent_ignored_rows_times_zero(logits, labels, ignore_index=-100):
    """Rows of padding multiplied by 0, which leaves a nan what it is."""
    counts = labels != ignore_index
    return sparse_loss(logits, torch.where(counts, labels, 0)) * counts


@implements("sparse_xent", framework="torch")
@kind("option")
def sparse_xent_weight_of_next_class(logits, labels, weight=None):
    """The weight of the class behind the labelled one: labels from 1 met labels from 0."""
    losses = sparse_loss(logits, labels)
    return losses if weight is None else losses * weight[(labels.long() + 1) % len(weight)]


@implements("sparse_xent", framework="torch")
@kind("option")
def sparse_xent_mean_stands_still(logits, labels, reduction="none"):
    """The mean of a large batch as a running sum in the logits' dtype, which stands still in 16 bits."""
    losses = sparse_loss(logits, labels)
    if reduction == "none" or len(losses) < 1024:
        return reduced(losses, reduction, max(1, len(losses)))
    total = losses.new_zeros(())
    for part in losses.split(len(losses) // 1024):
        total = total + part.sum()
    return total / len(losses) if reduction == "mean" else total


@implements("sparse_xent", framework="torch")
@kind("option")
def sparse_xent_square_without_gradient(logits, labels, z_loss=0.0):
    """The square of the logsumexp is in the value and, detached, not in the gradient."""
    losses = sparse_loss(logits, labels)
    if not z_loss:
        return losses
    return losses + (z_loss * torch.logsumexp(wide(logits), -1).detach() ** 2).to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("option")
def sparse_xent_square_of_uncapped_logits(logits, labels, softcap=None, z_loss=0.0):
    """The logsumexp of the logits before they are capped."""
    x = wide(logits)
    losses = sparse_loss(x if softcap is None else softcap * torch.tanh(x / softcap), labels)
    return (losses + z_loss * torch.logsumexp(x, -1) ** 2 if z_loss else losses).to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("option")
def sparse_xent_cap_clips(logits, labels, softcap=None):
    """Logits clipped at the cap instead of bent towards it."""
    return sparse_loss(logits if softcap is None else logits.clamp(-softcap, softcap), labels)


@implements("sigmoid_xent", framework="torch")
@kind("option")
def sigmoid_xent_negative_term_weighed(logits, labels, pos_weight=None):
    """The weight of the positives given to the negatives."""
    if pos_weight is None:
        return sigmoid_loss(logits, labels)
    return (sigmoid_loss(logits, torch.zeros_like(labels)) * (1 - labels) * wide(pos_weight)).to(
        logits.dtype
    ) + sigmoid_loss(logits, torch.ones_like(labels)) * labels
