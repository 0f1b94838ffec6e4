"""Correct losses of given probabilities that are written unusually."""

import torch
from rows import widened

from harness.adapters import implements


@implements("binary_prob_xent", framework="torch")
@widened
def binary_prob_xent_by_odds(p, labels):
    """log1p(-p) and xlogy, each with its own weight."""
    return -torch.special.xlogy(labels, p) - torch.special.xlog1py(1 - labels, -p)


@implements("binary_prob_xent", framework="torch")
@widened
def binary_prob_xent_in_base_two(p, labels):
    """Logarithms of base two."""
    yes, no = p.log2(), torch.log1p(-p)
    return -(labels * yes) * 0.6931471805599453 - (1 - labels) * no


@implements("dense_prob_xent", framework="torch")
@widened
def dense_prob_xent_by_product(p, labels):
    """A scalar product of labels and logarithms."""
    return -torch.einsum("rc,rc->r", labels, p.log())


@implements("sparse_prob_xent", framework="torch")
@widened
def sparse_prob_xent_in_double(p, labels):
    """Double precision inside."""
    return -p.double().gather(-1, labels.long()[:, None])[:, 0].log()
