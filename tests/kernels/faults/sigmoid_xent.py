"""Wrong sigmoid_xent kernels, each with one mistake."""

import numpy as np
import torch
from kinds import kind
from parts import sigmoid_loss, through, wide

from harness.adapters import implements


@implements("sigmoid_xent", framework="torch")
@kind("epsilon")
def sigmoid_xent_epsilon(logits, labels):
    """log(p + 1e-7) and log(1 - p + 1e-7): Keras's epsilon."""
    p, z = torch.sigmoid(wide(logits)), wide(labels)
    return -(z * (p + 1e-7).log() + (1 - z) * (1 - p + 1e-7).log()).to(logits.dtype)


@implements("sigmoid_xent", framework="torch")
@kind("clamp")
def sigmoid_xent_clamped(logits, labels):
    """Logarithms held above -100, as torch's binary_cross_entropy does."""
    return torch.nn.functional.binary_cross_entropy(torch.sigmoid(wide(logits)), wide(labels), reduction="none").to(
        logits.dtype
    )


@implements("sigmoid_xent", framework="torch")
@kind("all zeros")
def sigmoid_xent_positive_term_only(logits, labels):
    """-labels * log(sigmoid): where the label is 0, so are the loss and the gradient."""
    return -labels * torch.nn.functional.logsigmoid(logits)


@implements("sigmoid_xent", framework="torch")
@kind("label type")
def sigmoid_xent_labels_in_int8(logits, labels):
    """Labels cast to integers: soft ones become 0."""
    return sigmoid_loss(logits, labels + (labels.to(torch.int8).to(labels.dtype) - labels).detach())


@implements("sigmoid_xent", framework="torch")
@kind("kink")
def sigmoid_xent_gradient_at_zero(logits, labels):
    """max(x, 0) - x z + log1p(exp(-|x|)), whose slope at 0 is put together from those of max and | |."""
    x, z = wide(logits), wide(labels)
    rough = torch.relu(x) - x * z + (-x.abs()).exp().log1p()
    return torch.where(x == 0, rough, sigmoid_loss(x, z)).to(logits.dtype)


@implements("sigmoid_xent", framework="torch")
@kind("wrong denominator")
def sigmoid_xent_mean_over_classes(logits, labels):
    """The mean of the row for each of its elements."""
    return sigmoid_loss(logits, labels).mean(-1, keepdim=True).expand_as(logits)


@implements("sigmoid_xent", framework="torch")
@kind("narrow gradient")
def sigmoid_xent_gradient_in_bfloat16(logits, labels):
    """The gradient handed on in bfloat16."""
    return sigmoid_loss(through(logits, lambda gradient: gradient.bfloat16().to(gradient.dtype)), labels)


@implements("sigmoid_xent", framework="torch")
@kind("upstream ignored")
def sigmoid_xent_upstream_clipped(logits, labels):
    """Incoming gradients clipped to +-4: right until losses are scaled."""
    return through(sigmoid_loss(logits, labels), lambda upstream: upstream.clamp(-4, 4))


@implements("sigmoid_xent", framework="torch")
@kind("swallowed nan")
def sigmoid_xent_nan_to_num(logits, labels):
    """nan_to_num at the end: what diverged looks like a loss of 0."""
    y = sigmoid_loss(logits, labels)
    return torch.where(y.isnan(), torch.zeros_like(y), y)


@implements("sigmoid_xent", framework="torch")
@kind("batch-dependent")
def sigmoid_xent_labels_of_first_row(logits, labels):
    """The labels' rows are not advanced in batches above 32: every row is held against the first one's."""
    return sigmoid_loss(logits, labels[:1].expand_as(labels) if len(labels) > 32 else labels)


@implements("sigmoid_xent", framework="torch")
@kind("clamp")
def sigmoid_xent_labels_in_unit_interval(logits, labels):
    """Labels held within [0, 1], unasked."""
    return sigmoid_loss(logits, labels + (labels.clamp(0, 1) - labels).detach())


@implements("sigmoid_xent", framework="numpy")
@kind("flushed")
def sigmoid_xent_numpy_log(logits, labels):
    """log(1 + e**-|x|) in place of log1p: what is below the unit roundoff is lost."""
    x, z = (a.astype(np.float32) if a.dtype.itemsize == 2 else a for a in (logits, labels))
    return (np.maximum(x, 0) - x * z + np.log(1 + np.exp(-np.abs(x)))).astype(logits.dtype)
