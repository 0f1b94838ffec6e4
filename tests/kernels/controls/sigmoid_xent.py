"""Correct sigmoid_xent kernels that are written unusually."""

import torch
from rows import decayed, widened

from harness.adapters import implements


def weighed(share, x):
    """Return the product; nothing weighed by 0 stays nothing where it is infinite."""
    return share * torch.where((share == 0) & x.isinf(), 0, x)


@implements("sigmoid_xent", framework="torch")
@widened
def sigmoid_xent_both_tails(x, labels):
    """The linear part by the sign of x, the tail by log1p."""
    return weighed(torch.where(x >= 0, 1 - labels, -labels), x) + decayed(x).log1p()


@implements("sigmoid_xent", framework="torch")
@widened
def sigmoid_xent_by_size(x, labels):
    """The share that the sign of x speaks against, times |x|, and the tail by logaddexp."""
    size = torch.where(x >= 0, x, -x)
    return weighed(torch.where(x >= 0, 1 - labels, labels), size) + torch.logaddexp(torch.zeros_like(x), -size)


@implements("sigmoid_xent", framework="torch")
@widened
def sigmoid_xent_in_double(x, labels):
    """Double precision inside."""
    w, z = x.double(), labels.double()
    return (weighed(torch.where(w >= 0, 1 - z, -z), w) + decayed(w).log1p()).to(x.dtype)
