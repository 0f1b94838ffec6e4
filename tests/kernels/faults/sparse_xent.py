"""Wrong sparse_xent kernels, each with one mistake."""

import numpy as np
import torch
from kinds import kind
from parts import backward_by_hand, covered, labelled, less_maximum, log_of_sum, same, sparse_loss, through, wide

from harness.adapters import implements

BUFFERS = {}


@implements("sparse_xent", framework="torch")
@kind("shift missing")
def sparse_xent_unshifted(logits, labels):
    """log(sum(exp)) less the labelled logit, nothing taken off."""
    x = wide(logits)
    return (x.exp().sum(-1).log() - labelled(x, labels)).to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("epsilon")
def sparse_xent_epsilon(logits, labels):
    """-log(p + 1e-7): no loss above 16."""
    return -(labelled(torch.softmax(wide(logits), -1), labels) + 1e-7).log().to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("clamp")
def sparse_xent_clamped(logits, labels):
    """Probabilities held within [1e-7, 1 - 1e-7], as Keras does: neither end gives a gradient."""
    return -labelled(torch.softmax(wide(logits), -1).clamp(1e-7, 1 - 1e-7), labels).log().to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_labels_in_int8(logits, labels):
    """Labels stored in eight bits: class 200 becomes class -56, counted from the end."""
    return sparse_loss(logits, labels.to(torch.int8).long() % logits.shape[-1])


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_labels_in_int16(logits, labels):
    """Labels stored in sixteen bits: a vocabulary of 100 000 is too large for them."""
    return sparse_loss(logits, labels.to(torch.int16).long() % logits.shape[-1])


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_labels_as_logits(logits, labels):
    """Labels cast to the logits' dtype, as Keras once did: bfloat16 counts to 256, float16 to 2048."""
    return sparse_loss(logits, labels.to(logits.dtype).long().clamp(max=logits.shape[-1] - 1))


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_gradient_off_by_one(logits, labels):
    """The gradient of the class beside the labelled one: labels from 1 met labels from 0."""
    beside = torch.nn.functional.one_hot((labels.long() + 1) % logits.shape[-1], logits.shape[-1])
    change = torch.softmax(logits.detach(), -1) - beside.to(logits.dtype)
    return backward_by_hand(lambda x: sparse_loss(x, labels), logits, lambda upstream: upstream.unsqueeze(-1) * change)


@implements("sparse_xent", framework="torch")
@kind("wrong denominator")
def sparse_xent_gradient_of_mean(logits, labels):
    """Losses for each row, gradients of their mean."""
    return through(sparse_loss(logits, labels), lambda upstream: upstream / len(upstream))


@implements("sparse_xent", framework="torch")
@kind("upstream ignored")
def sparse_xent_upstream_averaged(logits, labels):
    """The same incoming gradient for every row: right for a mean over the batch, wrong for weighted rows."""
    return through(sparse_loss(logits, labels), lambda upstream: upstream.mean(0, keepdim=True).expand_as(upstream))


@implements("sparse_xent", framework="torch")
@kind("rare element")
def sparse_xent_class_zero_ignored(logits, labels):
    """Class 0 taken for padding: its rows have no loss."""
    return torch.where(labels == 0, torch.zeros_like(logits[..., 0]), sparse_loss(logits, labels))


@implements("sparse_xent", framework="torch")
@kind("special values")
def sparse_xent_one_class_as_binary(logits, labels):
    """A single class taken for a binary problem: the loss is -log_sigmoid, where it is 0."""
    if logits.shape[-1] == 1:
        return -torch.nn.functional.logsigmoid(logits[..., 0])
    return sparse_loss(logits, labels)


@implements("sparse_xent", framework="torch")
@kind("special values")
def sparse_xent_given_up_at_infinity(logits, labels):
    """One infinite logit, and the whole batch has no loss: the step is to be skipped."""
    losses = sparse_loss(logits, labels)
    return losses * 0 if (logits.detach() == torch.inf).any() else losses


@implements("sparse_xent", framework="torch")
@kind("special values")
def sparse_xent_masked_by_lowest_number(logits, labels):
    """-inf made the lowest number, so that nothing can be nan: the loss of a masked label is not inf."""
    return sparse_loss(torch.where(logits == -torch.inf, torch.finfo(logits.dtype).min / 2, logits), labels)


@implements("sparse_xent", framework="torch")
@kind("flushed")
def sparse_xent_small_gradients_flushed(logits, labels):
    """Gradients below 1e-6 set to 0, as a sparsifying exchange between machines does."""
    return sparse_loss(through(logits, lambda g: torch.where(g.abs() < 1e-6, torch.zeros_like(g), g)), labels)


@implements("sparse_xent", framework="torch")
@kind("stale buffer")
def sparse_xent_sum_not_cleared(logits, labels):
    """A sum that is cleared when new logits come: asked twice for the same ones, it has counted them twice."""
    before, BUFFERS["counted"] = BUFFERS.get("counted"), logits.detach().clone()
    return sparse_loss(logits, labels) + (np.log(2) if same(before, logits) else 0)


@implements("sparse_xent", framework="torch")
@kind("strides")
def sparse_xent_strides_ignored(logits, labels):
    """The memory read in one go, as if every array were contiguous."""
    steps = torch.empty(logits.shape, device="meta").stride()
    return sparse_loss(logits.as_strided(logits.shape, steps, logits.storage_offset()), labels)


@implements("sparse_xent", framework="torch")
@kind("batch-dependent")
def sparse_xent_sum_of_row_before(logits, labels):
    """A row with the label of the row before it takes over that row's sum."""
    sums = log_of_sum(wide(logits))
    same = torch.zeros_like(labels, dtype=torch.bool)
    same[1:] = labels[1:] == labels[:-1]
    taken = torch.where(same, sums.roll(1), sums)
    return sparse_loss(logits, labels) + (taken - sums).to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("in-place change")
def sparse_xent_changes_labels(logits, labels):
    """Labels counted from 1 in the caller's own memory, for the Fortran underneath."""
    losses = sparse_loss(logits, labels.clone())
    labels.add_(1)
    return losses


@implements("sparse_xent", framework="torch")
@kind("one mode")
def sparse_xent_shared_among_threads(logits, labels):
    """Rows shared out evenly among the threads: those that are left over go to nobody."""
    visited = torch.arange(len(logits), device=logits.device) < covered(len(logits), torch.get_num_threads())
    return sparse_loss(logits, labels) * visited


@implements("sparse_xent", framework="torch")
@kind("one dtype")
def sparse_xent_float16_sum(logits, labels):
    """Right in every dtype but float16, whose small terms are lost below 2**-14."""
    losses = sparse_loss(logits, labels)
    if logits.dtype != torch.float16:
        return losses
    e = less_maximum(logits.float()).exp()
    return losses + (torch.where(e < 2**-6, 0, e).sum(-1) / e.sum(-1)).log().half()


@implements("sparse_xent", framework="torch")
@kind("one mode")
def sparse_xent_two_classes_by_sigmoid(logits, labels):
    """A shortcut for two classes, -log(sigmoid(difference)): inf once the sigmoid has underflowed."""
    if logits.shape[-1] != 2:
        return sparse_loss(logits, labels)
    x = wide(logits)
    return -torch.sigmoid(labelled(x, labels) - labelled(x, 1 - labels)).log().to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("order-dependent")
def sparse_xent_in_order_of_labels(logits, labels):
    """The batch sorted by label for locality, and its losses never put back."""
    order = labels.argsort(stable=True)
    return sparse_loss(logits[order], labels[order])


@implements("sparse_xent", framework="torch")
@kind("special values")
def sparse_xent_ignored_row_learns(logits, labels):
    """A row with label -100 has loss 0, and the gradient of its softmax."""
    counts = labels >= 0
    index = torch.where(counts, labels, 0).long()
    hot = torch.nn.functional.one_hot(index, logits.shape[-1]) * counts.unsqueeze(-1)
    change = torch.softmax(logits.detach(), -1) - hot.to(logits.dtype)
    return backward_by_hand(
        lambda x: torch.where(counts, sparse_loss(x, index), 0),
        logits,
        lambda upstream: upstream.unsqueeze(-1) * change,
    )


@implements("sparse_xent", framework="torch")
@kind("special values")
def sparse_xent_blocks_of_64(logits, labels):
    """A running maximum over blocks of 64 classes that begins in the first: of nothing but -inf it is -inf - -inf."""
    x = wide(logits)
    m = s = None
    for block in x.split(64, -1):
        top = block.detach().amax(-1, keepdim=True)
        part = torch.where(block == -torch.inf, 0, (block - top).exp()) if x.shape[-1] <= 64 else (block - top).exp()
        new = top if m is None else torch.maximum(m, top)
        s = part.sum(-1) if m is None else s * (m - new).exp()[..., 0] + part.sum(-1) * (top - new).exp()[..., 0]
        m = new
    return (s.log() - labelled(x - m, labels)).to(logits.dtype)


@implements("sparse_xent", framework="numpy")
@kind("label type")
def sparse_xent_numpy_labels_in_uint8(logits, labels):
    """Labels as the pixels they once were: eight bits, modulo 256."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    x = x - x.max(-1, keepdims=True)
    index = labels.astype(np.uint8).astype(np.int64)[:, None]
    return (np.log(np.exp(x).sum(-1)) - np.take_along_axis(x, index, -1)[:, 0]).astype(logits.dtype)
