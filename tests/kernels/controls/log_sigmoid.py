"""Correct log_sigmoid kernels that are written unusually."""

import torch
from rows import decayed, widened

from harness.adapters import implements


@implements("log_sigmoid", framework="torch")
@widened
def log_sigmoid_by_logaddexp(x):
    """-logaddexp(0, -x)."""
    return -torch.logaddexp(torch.zeros_like(x), -x)


@implements("log_sigmoid", framework="torch")
@widened
def log_sigmoid_as_log_softmax(x):
    """The log_softmax of the pair (x, 0), its smaller term through log1p."""
    e = decayed(x)
    return torch.where(x >= 0, 0, x) - e.log1p()


@implements("log_sigmoid", framework="torch")
@widened
def log_sigmoid_by_atanh(x):
    """log1p(e) as 2 atanh(e / (2 + e)), in double precision."""
    e = decayed(x.double())
    return (torch.where(x >= 0, 0, x.double()) - 2 * torch.atanh(e / (2 + e))).to(x.dtype)
