"""Wrong linear_dense_xent kernels, each with one mistake."""

import torch
from kinds import kind

from harness.adapters import implements


def wide(array):
    """Return an array in float32, or wider as it is."""
    return array if array.dtype == torch.float64 else array.float()


@implements("linear_dense_xent", framework="torch")
@kind("labels made hard")
def linear_dense_xent_takes_the_largest_label(hidden, weight, labels):
    """A kernel of class indices, given the largest of each row's labels: what a teacher is unsure of is gone."""
    logits = wide(hidden) @ wide(weight).T
    return torch.nn.functional.cross_entropy(logits, labels.argmax(-1), reduction="none").to(hidden.dtype)


@implements("linear_dense_xent", framework="torch")
@kind("target gradient erased")
def linear_dense_xent_probability_rounded(hidden, weight, labels):
    """p rounded to bfloat16 before the labels are subtracted: nothing is left of a confident label's gradient."""
    return RoundedProbability.apply(hidden, weight, labels)


class RoundedProbability(torch.autograd.Function):
    """The loss, whose backward pass rounds the probability to bfloat16 before it subtracts the labels."""

    @staticmethod
    def forward(ctx, hidden, weight, labels):
        """Keep the probabilities, rounded."""
        logits = wide(hidden) @ wide(weight).T
        ctx.save_for_backward(hidden, weight, labels, logits.softmax(-1).bfloat16())
        return -(wide(labels) * logits.log_softmax(-1)).sum(-1).to(hidden.dtype)

    @staticmethod
    def backward(ctx, upstream):
        """Subtract the labels from what is left."""
        hidden, weight, labels, p = ctx.saved_tensors
        of = (wide(p).to(wide(hidden).dtype) - wide(labels)) * wide(upstream)[:, None]
        return (of @ wide(weight)).to(hidden.dtype), (of.T @ wide(hidden)).to(weight.dtype), None
