"""Correct logsumexp kernels that are written unusually."""

import math

import numpy as np
import torch
from rows import less_maximum, of_rows
from sums import blocked_sum, log_sum_by_logaddexp, online, pairwise_sum

from harness.adapters import implements


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_by_logaddexp(x):
    """logaddexp of neighbours, up a tree, below the maximum."""
    return x.detach().amax(-1, keepdim=True) + log_sum_by_logaddexp(less_maximum(x))


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_online(x):
    """The online algorithm."""
    m, s = online(x)
    return m + s.log()


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_in_double(x):
    """Double precision inside, the sum in blocks."""
    m = x.detach().amax(-1, keepdim=True).double()
    return (m + blocked_sum((x.double() - m).exp()).log()).to(x.dtype)


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_base_two(x):
    """The logarithm of the sum by frexp: whole powers of two, and the rest."""
    m = x.detach().amax(-1, keepdim=True)
    s = pairwise_sum((x - m).exp())
    k = torch.frexp(s.detach()).exponent.to(s.dtype)
    return m + ((s * torch.exp2(-k)).log() + k * math.log(2))


@implements("logsumexp", framework="numpy")
def logsumexp_numpy_long_double(logits, axis):
    """x87's extended precision, where there is one."""
    x = logits.astype(np.longdouble)
    m = x.max(axis, keepdims=True)
    return np.squeeze(m + np.log(np.exp(x - m).sum(axis, keepdims=True)), axis).astype(logits.dtype)
