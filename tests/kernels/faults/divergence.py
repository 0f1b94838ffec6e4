"""Wrong entropies and divergences, each with one mistake."""

import torch
from kinds import kind
from parts import wide

from harness.adapters import implements


@implements("entropy", framework="torch")
@kind("shift missing")
def entropy_unshifted(logits):
    """exp of the logits as they are."""
    x = wide(logits)
    e = x.exp()
    s = e.sum(-1, keepdim=True)
    return (s.log() - (e * x).sum(-1, keepdim=True) / s)[..., 0].to(logits.dtype)


@implements("entropy", framework="torch")
@kind("wrong denominator")
def entropy_in_bits(logits):
    """Logarithms of base two."""
    y = torch.log_softmax(wide(logits), -1)
    return (-(y.exp() * y).sum(-1) / 0.6931471805599453).to(logits.dtype)


@implements("entropy", framework="torch")
@kind("derivative")
def entropy_of_detached_probabilities(logits):
    """The weights p take no part in the gradient, which is then 0 but for rounding."""
    y = torch.log_softmax(wide(logits), -1)
    return -(y.exp().detach() * y).sum(-1).to(logits.dtype)


@implements("kl_div", framework="torch")
@kind("all zeros")
def kl_div_without_entropy(log_probabilities, labels):
    """-z x: the cross-entropy, which is right but for what does not depend on x."""
    return -labels * log_probabilities


@implements("kl_div", framework="torch")
@kind("epsilon")
def kl_div_epsilon(log_probabilities, labels):
    """1e-4 added to labels before their logarithm is taken."""
    x, z = wide(log_probabilities), wide(labels)
    return (z * ((z + 1e-4).log() - x)).to(labels.dtype)
