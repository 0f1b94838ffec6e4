"""Correct kernels whose exponentials are powers of two, e**d as 2**(d log2 e), as GPU hardware takes them."""

import math

import torch
from rows import in_rows, less_maximum, of_rows, widened

from harness.adapters import implements

LOG2E = 1 / math.log(2)


def power(d):
    """Return e**d; the product is rounded."""
    return (d * LOG2E).exp2()


def log_of_sum(d):
    """Return log(sum(e**d)), the logarithm to base two as well."""
    return power(d).sum(-1, keepdim=True).log2() * math.log(2)


def decayed(x):
    """Return exp(-|x|), with the slope from the right at 0."""
    return power(torch.where(x >= 0, -x, x))


@implements("softmax", framework="torch")
@in_rows
def softmax_by_powers_of_two(x):
    """Quotients of powers of two."""
    e = power(less_maximum(x))
    return e / e.sum(-1, keepdim=True)


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_by_powers_of_two(x):
    """The logarithm to base two as well."""
    d = less_maximum(x)
    return d - log_of_sum(d)


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_by_powers_of_two(x):
    """The logarithm to base two as well."""
    return x.detach().amax(-1, keepdim=True) + log_of_sum(less_maximum(x))


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_by_powers_of_two(x, labels):
    """The logarithm to base two as well."""
    d = less_maximum(x)
    return (log_of_sum(d) - d.gather(-1, labels.unsqueeze(-1))).squeeze(-1)


@implements("sigmoid", framework="torch")
@widened
def sigmoid_by_powers_of_two(x):
    """1 / (1 + e), or e / (1 + e) below 0."""
    e = decayed(x)
    return torch.where(x >= 0, 1, e) / (1 + e)


@implements("log_sigmoid", framework="torch")
@widened
def log_sigmoid_by_powers_of_two(x):
    """The line below 0, and the tail."""
    return torch.where(x >= 0, 0 * x.nan_to_num(), x) - decayed(x).log1p()


@implements("sigmoid_xent", framework="torch")
@widened
def sigmoid_xent_by_powers_of_two(x, labels):
    """The linear part by the sign of x, the tail by log1p."""
    share = torch.where(x >= 0, 1 - labels, -labels)
    return share * torch.where((share == 0) & x.isinf(), 0, x) + decayed(x).log1p()
