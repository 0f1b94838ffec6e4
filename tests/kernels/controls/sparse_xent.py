"""Correct sparse_xent kernels that are written unusually."""

import torch
from rows import less_maximum, widened
from sums import log_sum_by_log1p, running_sum

from harness.adapters import implements


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_by_index(x, labels):
    """Labels as an index beside the rows' own."""
    d = less_maximum(x)
    return running_sum(d.exp())[:, 0].log() - d[torch.arange(len(d), device=d.device), labels]


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_by_one_hot(x, labels):
    """Labels as a mask: what it hides is 0 in the sum."""
    d = less_maximum(x)
    hot = torch.arange(d.shape[-1], device=d.device) == labels.unsqueeze(-1)
    return d.exp().flip(-1).sum(-1).log() - torch.where(hot, d, 0).sum(-1)


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_by_log1p(x, labels):
    """The leader's term left out of the sum."""
    d = less_maximum(x)
    return (log_sum_by_log1p(d) - d.gather(-1, labels.unsqueeze(-1))).squeeze(-1)


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_in_double(x, labels):
    """Double precision inside."""
    d = less_maximum(x.double())
    return (d.exp().sum(-1, keepdim=True).log() - d).gather(-1, labels.unsqueeze(-1)).squeeze(-1).to(x.dtype)
