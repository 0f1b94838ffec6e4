"""Wrong linear_xent kernels, each with one mistake."""

import torch
from kinds import kind

from harness.adapters import implements

BLOCK = 64


def loss_of(logits, labels, reduction="none"):
    """Return the losses of logits, in float32 where these are narrower."""
    return torch.nn.functional.cross_entropy(logits, labels, reduction=reduction)


def wide(array):
    """Return an array in float32, or wider as it is."""
    return array if array.dtype == torch.float64 else array.float()


@implements("linear_xent", framework="torch")
@kind("sum in low precision")
def linear_xent_chunks_added_in_their_dtype(hidden, weight, labels, *, reduction="none"):
    """The losses of chunks of rows are added up in the dtype of the hidden states: in bfloat16 the sum stands still."""
    if reduction == "none":
        return loss_of(wide(hidden) @ wide(weight).T, labels).to(hidden.dtype)
    total = hidden.new_zeros(())
    for rows, chosen in zip(hidden.split(1), labels.split(1), strict=True):
        total = total + loss_of(wide(rows) @ wide(weight).T, chosen, "sum").to(hidden.dtype) / (
            len(hidden) if reduction == "mean" else 1
        )
    return total


class RoundedProbability(torch.autograd.Function):
    """The loss, whose backward pass rounds the probability to bfloat16 before it subtracts the label."""

    @staticmethod
    def forward(ctx, hidden, weight, labels):
        """Keep the probabilities, rounded."""
        logits = wide(hidden) @ wide(weight).T
        ctx.save_for_backward(hidden, weight, labels, logits.softmax(-1).bfloat16())
        return loss_of(logits, labels).to(hidden.dtype)

    @staticmethod
    def backward(ctx, upstream):
        """Subtract the label from what is left."""
        hidden, weight, labels, p = ctx.saved_tensors
        of = wide(p).to(wide(hidden).dtype)
        of[torch.arange(len(of)), labels] -= 1
        of = of * wide(upstream)[:, None]
        return (of @ wide(weight)).to(hidden.dtype), (of.T @ wide(hidden)).to(weight.dtype), None


@implements("linear_xent", framework="torch")
@kind("target gradient erased")
def linear_xent_probability_rounded(hidden, weight, labels):
    """p rounded to bfloat16 before the label is subtracted: nothing is left of a confident label's gradient."""
    return RoundedProbability.apply(hidden, weight, labels)


@implements("linear_xent", framework="torch")
@kind("padding counted")
def linear_xent_padded_vocabulary(hidden, weight, labels):
    """Zero rows that fill the weight's last block count as classes."""
    padded = torch.nn.functional.pad(wide(weight), (0, 0, 0, -len(weight) % BLOCK))
    return loss_of(wide(hidden) @ padded.T, labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("logits rounded")
def linear_xent_logits_in_bfloat16(hidden, weight, labels):
    """A product in bfloat16, whatever the dtype, as under autocast."""
    logits = (hidden.bfloat16() @ weight.bfloat16().T).to(wide(hidden).dtype)
    return loss_of(logits, labels).to(hidden.dtype)


class LastChunk(torch.autograd.Function):
    """The loss, whose gradient of the weight is that of the last chunk of rows."""

    @staticmethod
    def forward(ctx, hidden, weight, labels):
        """Compute the losses."""
        ctx.save_for_backward(hidden, weight, labels)
        return loss_of(wide(hidden) @ wide(weight).T, labels).to(hidden.dtype)

    @staticmethod
    def backward(ctx, upstream):
        """Write each chunk's gradient of the weight over the one before."""
        hidden, weight, labels = ctx.saved_tensors
        x, w, g = wide(hidden), wide(weight), wide(upstream)
        of = (x @ w.T).softmax(-1)
        of[torch.arange(len(of)), labels] -= 1
        of = of * g[:, None]
        of_weight = torch.zeros_like(w)
        for some, rows in zip(of.split(4), x.split(4), strict=True):
            of_weight = some.T @ rows
        return (of @ w).to(hidden.dtype), of_weight.to(weight.dtype), None


@implements("linear_xent", framework="torch")
@kind("part of the sum")
def linear_xent_last_chunk(hidden, weight, labels):
    """The gradient of the weight holds the last rows alone."""
    return LastChunk.apply(hidden, weight, labels)


@implements("linear_xent", framework="torch")
@kind("option ignored")
def linear_xent_bias_in_the_value_alone(hidden, weight, labels, *, bias=None):
    """The bias is detached, and has no gradient but a 0."""
    logits = wide(hidden) @ wide(weight).T
    if bias is not None:
        logits = logits + wide(bias).detach() + 0 * wide(bias)
    return loss_of(logits, labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("option ignored")
def linear_xent_ignored_rows_counted(hidden, weight, labels, *, reduction="none", ignore_index=-100):
    """A mean over all rows, those that are ignored among them."""
    losses = torch.nn.functional.cross_entropy(
        wide(hidden) @ wide(weight).T, labels, ignore_index=ignore_index, reduction="none"
    )
    found = {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]
    return found.to(hidden.dtype)
