"""Wrong losses of given probabilities, each with one mistake."""

import torch
from kinds import kind
from parts import labelled, wide

from harness.adapters import implements


def bernoulli(p, z):
    """Return the loss of probabilities, both logarithms kept."""
    return -torch.special.xlogy(z, p) - (1 - z) * torch.log1p(-p)


@implements("binary_prob_xent", framework="torch")
@kind("rare element")
def binary_prob_xent_rounded_complement(probabilities, labels):
    """log(1 - p), where 1 - p is rounded first: the loss of a small p under label 0 is 0."""
    p, z = wide(probabilities), wide(labels)
    return (-torch.special.xlogy(z, p) - (1 - z) * (1 - p).log()).to(probabilities.dtype)


@implements("binary_prob_xent", framework="torch")
@kind("epsilon")
def binary_prob_xent_epsilon(probabilities, labels):
    """1e-7 added before the logarithms."""
    p, z = wide(probabilities), wide(labels)
    return -(z * (p + 1e-7).log() + (1 - z) * (1 - p + 1e-7).log()).to(probabilities.dtype)


@implements("binary_prob_xent", framework="torch")
@kind("clamp")
def binary_prob_xent_clipped(probabilities, labels):
    """Probabilities clipped to 1e-7 and 1 - 1e-7."""
    return bernoulli(wide(probabilities).clamp(1e-7, 1 - 1e-7), wide(labels)).to(probabilities.dtype)


@implements("binary_prob_xent", framework="torch")
@kind("all zeros")
def binary_prob_xent_positive_term_only(probabilities, labels):
    """-labels * log(p): where the label is 0, so are the loss and the gradient."""
    return -torch.special.xlogy(labels, probabilities)


@implements("dense_prob_xent", framework="torch")
@kind("clamp")
def dense_prob_xent_renormalised(probabilities, labels):
    """Probabilities divided by their sum, which is 1 but for its rounding: the gradient is another one."""
    p = wide(probabilities)
    return -torch.special.xlogy(wide(labels), p / p.sum(-1, keepdim=True)).sum(-1).to(probabilities.dtype)


@implements("dense_prob_xent", framework="torch")
@kind("wrong denominator")
def dense_prob_xent_mean_over_classes(probabilities, labels):
    """The mean over the classes for their sum."""
    return -torch.special.xlogy(wide(labels), wide(probabilities)).mean(-1).to(probabilities.dtype)


@implements("sparse_prob_xent", framework="torch")
@kind("epsilon")
def sparse_prob_xent_epsilon(probabilities, labels):
    """-log(p + 1e-8): no loss above 18, and none that is small."""
    return -(labelled(wide(probabilities), labels) + 1e-8).log().to(probabilities.dtype)


@implements("sparse_prob_xent", framework="torch")
@kind("one dtype")
def sparse_prob_xent_in_float16(probabilities, labels):
    """Probabilities in float16, in which 1e-8 is 0."""
    half = probabilities.half() if probabilities.dtype == torch.float32 else probabilities
    return -labelled(half, labels).log().to(probabilities.dtype)
