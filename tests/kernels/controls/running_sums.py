"""Correct kernels whose sums are taken one by one in the logits' own precision, float32 in 16-bit formats."""

import numpy as np
import torch
from rows import in_rows, less_maximum, of_rows, widened

from harness.adapters import implements


def one_by_one(e):
    """Add from left to right, every sum rounded; torch keeps its own in double precision, and lends its derivative."""
    plain = e.sum(-1, keepdim=True)
    running = np.add.accumulate(e.detach().cpu().numpy(), -1)[..., -1:]
    return plain + (torch.from_numpy(running).to(e.device) - plain).detach()


@implements("softmax", framework="torch")
@in_rows
def softmax_one_by_one(x):
    """Terms added one by one."""
    e = less_maximum(x).exp()
    return e / one_by_one(e)


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_one_by_one(x):
    """Terms added one by one."""
    d = less_maximum(x)
    return d - one_by_one(d.exp()).log()


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_one_by_one(x):
    """Terms added one by one."""
    return x.detach().amax(-1, keepdim=True) + one_by_one(less_maximum(x).exp()).log()


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_one_by_one(x, labels):
    """Terms added one by one."""
    d = less_maximum(x)
    return (one_by_one(d.exp()).log() - d.gather(-1, labels.unsqueeze(-1))).squeeze(-1)
