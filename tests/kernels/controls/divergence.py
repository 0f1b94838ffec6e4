"""Correct entropies and divergences that are written unusually."""

from rows import wide, widened

from harness.adapters import implements


@implements("entropy", framework="torch")
def entropy_from_the_maximum(logits):
    """log S + sum d e**-d / S."""
    x = wide(logits)
    d = x.amax(-1, keepdim=True).detach() - x
    e = (-d).exp()
    s = e.sum(-1)
    return (s.log() + (d * e).sum(-1) / s).to(logits.dtype)


@implements("kl_div", framework="torch")
@widened
def kl_div_of_one_logarithm(log_probabilities, labels):
    """A difference of logarithms, times the label."""
    return labels * (labels.log() - log_probabilities)
