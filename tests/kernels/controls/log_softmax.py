"""Correct log_softmax kernels that are written unusually."""

from rows import in_rows, less_maximum, wide
from sums import compensated_sum, log_sum_by_log1p, log_sum_by_logaddexp, online

from harness.adapters import implements


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_by_log1p(x):
    """The leader's term, 1, left out of the sum: log1p of the rest."""
    d = less_maximum(x)
    return d - log_sum_by_log1p(d)


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_compensated(x):
    """Kahan's sum."""
    d = less_maximum(x)
    return d - compensated_sum(d.exp()).log()


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_by_logaddexp(x):
    """No sum at all: logaddexp of neighbours, up a tree."""
    d = less_maximum(x)
    return d - log_sum_by_logaddexp(d)


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_online(x):
    """The online algorithm."""
    m, s = online(x)
    return (x - m) - s.log()


@implements("log_softmax", framework="torch")
def log_softmax_contiguous_copy(logits, axis):
    """Copied with the classes first and contiguous, the sum taken across the rows."""
    x = wide(logits).movedim(axis, 0).contiguous()
    d = x - x.detach().amax(0)
    return (d - d.exp().sum(0).log()).movedim(0, axis).to(logits.dtype)
