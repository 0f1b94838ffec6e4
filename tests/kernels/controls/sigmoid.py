"""Correct sigmoid kernels that are written unusually."""

import torch
from rows import decayed, widened

from harness.adapters import implements


@implements("sigmoid", framework="torch")
@widened
def sigmoid_as_softmax(x):
    """The softmax of the pair (x, 0), in which an infinite x is the largest number."""
    finite = torch.where(x.isinf(), x.nan_to_num(), x)
    return torch.softmax(torch.stack([finite, torch.zeros_like(x)]), 0)[0]


@implements("sigmoid", framework="torch")
@widened
def sigmoid_by_reciprocal(x):
    """1 / (1 + exp(-|x|)), times exp(-|x|) below 0."""
    e = decayed(x)
    return (1 + e).reciprocal() * torch.where(x < 0, e, 1)


@implements("sigmoid", framework="torch")
@widened
def sigmoid_by_tanh_above(x):
    """(1 + tanh(x / 2)) / 2 from -1 on, where it loses nothing, and the quotient below."""
    e = x.clamp(max=0).exp()
    return torch.where(x >= -1, 0.5 + 0.5 * torch.tanh(0.5 * x), e / (1 + e))


@implements("sigmoid", framework="torch")
@widened
def sigmoid_in_double(x):
    """Double precision inside."""
    return torch.sigmoid(x.double()).to(x.dtype)
