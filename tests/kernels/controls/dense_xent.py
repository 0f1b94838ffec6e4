"""Correct dense_xent kernels that are written unusually."""

import torch
from rows import widened
from sums import pairwise_sum

from harness.adapters import implements


def half_losses(x):
    """Return -log_softmax / 2, which does not overflow, so that a label of 0 meets no infinity."""
    m = x.detach().amax(-1, keepdim=True)
    return 0.5 * m - 0.5 * x + 0.5 * (x - m).exp().sum(-1, keepdim=True).log()


@implements("dense_xent", framework="torch")
@widened
def dense_xent_by_einsum(x, labels):
    """The sum over the classes as a product of matrices."""
    return 2 * torch.einsum("rc,rc->r", labels, half_losses(x))


@implements("dense_xent", framework="torch")
@widened
def dense_xent_pairwise(x, labels):
    """Terms added in pairs."""
    return 2 * pairwise_sum(labels * half_losses(x)).squeeze(-1)


@implements("dense_xent", framework="torch")
@widened
def dense_xent_two_sums(x, labels):
    """sum z (m - x) + log S sum z: the logarithm enters once a row."""
    m = x.detach().amax(-1, keepdim=True)
    far = (labels * (0.5 * m - 0.5 * x)).sum(-1)
    return 2 * far + labels.sum(-1) * (x - m).exp().sum(-1).log()


@implements("dense_xent", framework="torch")
@widened
def dense_xent_in_double(x, labels):
    """Double precision inside, terms from the last class to the first."""
    return (2 * (labels.double() * half_losses(x.double())).flip(-1).sum(-1)).to(x.dtype)
