"""Wrong linear_xent kernels that are right on ordinary rows: each is there for one check beside accuracy."""

import torch
from kinds import kind

from harness.adapters import implements

LANES = 8


def wide(array):
    """Return an array in float32, or wider as it is."""
    return array if array.dtype == torch.float64 else array.float()


def loss_of(logits, labels):
    """Return the losses of logits."""
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


def product(hidden, weight):
    """Return the logits."""
    return wide(hidden) @ wide(weight).T


def through(value, change):
    """Return the value; the gradient that comes back to it passes through `change`."""
    value = value.view_as(value)
    if value.requires_grad:
        value.register_hook(change)
    return value


def less(logits, labels, most):
    """Return the losses of logits that are shifted by `most`."""
    return most[:, 0] + (logits - most).exp().sum(-1).log() - logits.gather(-1, labels[:, None])[:, 0]


@implements("linear_xent", framework="torch")
@kind("overflow")
def linear_xent_shifted_beyond_99(hidden, weight, labels):
    """The maximum is taken off where it is above 99, which is above 88."""
    logits = product(hidden, weight)
    most = logits.amax(-1, keepdim=True).detach()
    return less(logits, labels, torch.where(most.abs() > 99, most, 0 * most)).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("part of the row")
def linear_xent_maximum_without_last_vector(hidden, weight, labels):
    """A loop that stops one vector early, where the maximum is looked for."""
    logits = product(hidden, weight)
    seen = logits[:, :-LANES] if logits.shape[-1] > LANES else logits
    return less(logits, labels, seen.amax(-1, keepdim=True).detach()).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("tail")
def linear_xent_without_tail_of_features(hidden, weight, labels):
    """Features beyond the last whole vector are left out."""
    features = hidden.shape[-1]
    some = features - features % LANES if features > LANES else features
    return loss_of(product(hidden[:, :some], weight[:, :some]), labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("padding guessed")
def linear_xent_padding_guessed(hidden, weight, labels):
    """A row that begins with 0, and is not all 0, is taken for padding."""
    padding = (hidden[:, 0] == 0) & hidden.any(-1)
    return torch.where(padding, 0, loss_of(product(hidden, weight), labels)).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("sum in low precision")
def linear_xent_sum_stands_still(hidden, weight, labels):
    """The exponentials are added up in the dtype, in lanes, each of which stands still at 256 times what is added."""
    logits = product(hidden, weight)
    less_most = logits - logits.amax(-1, keepdim=True)
    e = less_most.exp().to(hidden.dtype)
    total = e.new_zeros((len(e), LANES))
    for step in e.split(LANES, -1):
        total = total + torch.nn.functional.pad(step, (0, LANES - step.shape[-1]))
    labelled = less_most.gather(-1, labels[:, None])[:, 0]
    return (wide(total).sum(-1).log() - labelled).to(hidden.dtype)


class RowByRow(torch.autograd.Function):
    """The loss, whose gradient of the weight is added up row by row in the weight's dtype."""

    @staticmethod
    def forward(ctx, hidden, weight, labels):
        """Compute the losses."""
        ctx.save_for_backward(hidden, weight, labels)
        return loss_of(product(hidden, weight), labels).to(hidden.dtype)

    @staticmethod
    def backward(ctx, upstream):
        """Add one outer product after the other."""
        hidden, weight, labels = ctx.saved_tensors
        of = product(hidden, weight).softmax(-1)
        of[torch.arange(len(of)), labels] -= 1
        of = of * wide(upstream)[:, None]
        total = torch.zeros_like(weight)
        for one, row in zip(of, wide(hidden), strict=True):
            total += torch.outer(one, row).to(weight.dtype)
        return (of @ wide(weight)).to(hidden.dtype), total, None


@implements("linear_xent", framework="torch")
@kind("sum in low precision")
def linear_xent_gradient_row_by_row(hidden, weight, labels):
    """The gradient of the weight stands still where a row's share is below half an ulp of it."""
    return RowByRow.apply(hidden, weight, labels)


@implements("linear_xent", framework="torch")
@kind("upstream")
def linear_xent_upstream_clamped(hidden, weight, labels):
    """Incoming gradients are clamped to 100, as a safeguard."""
    losses = loss_of(product(hidden, weight), labels)
    return through(losses, lambda g: g.clamp(-100, 100)).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("value beside gradient")
def linear_xent_trained_in_bfloat16(hidden, weight, labels):
    """Where a gradient is wanted, the loss that comes with it is rounded to bfloat16."""
    losses = loss_of(product(hidden, weight), labels)
    if hidden.requires_grad or weight.requires_grad:
        losses = losses + (losses.bfloat16().to(losses.dtype) - losses).detach()
    return losses.to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("nan hidden")
def linear_xent_nan_replaced(hidden, weight, labels):
    """A nan in the hidden states or in the weight is a 0."""
    return loss_of(product(hidden.nan_to_num(0.0), weight.nan_to_num(0.0)), labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("rows mixed")
def linear_xent_one_maximum_for_all_rows(hidden, weight, labels):
    """One maximum is taken off every row: an infinite row takes all others along."""
    logits = product(hidden, weight)
    ours = logits - logits.max().detach() + logits.amax(-1, keepdim=True).detach() * 0
    safe = torch.where(torch.isfinite(logits).all(), logits, ours)
    return loss_of(safe, labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("nan by 0 * inf")
def linear_xent_by_one_hot(hidden, weight, labels, *, bias=None):
    """The label's term is picked by a product with 0 and 1, which makes nan of a class that a bias masks."""
    logits = product(hidden, weight) + (0 if bias is None else wide(bias))
    hot = torch.nn.functional.one_hot(labels, len(weight))
    return -(hot * logits.log_softmax(-1)).sum(-1).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("sign of zero")
def linear_xent_no_zero(hidden, weight, labels):
    """A hidden state of 0 becomes the smallest step of a quantiser, with its sign."""
    kept = torch.copysign(wide(hidden).abs().clamp(min=2.0**-14), wide(hidden))
    return loss_of(torch.where(hidden == 0, kept, wide(hidden)) @ wide(weight).T, labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("overflow")
def linear_xent_scaled_up(hidden, weight, labels):
    """Hidden states are doubled and the weight halved, as a scale moved from one to the other."""
    return loss_of(wide(hidden * 2) @ (wide(weight) / 2).T, labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("one class")
def linear_xent_one_class_is_binary(hidden, weight, labels):
    """A single class is taken for the logit of a yes."""
    logits = product(hidden, weight)
    if len(weight) == 1:
        return torch.nn.functional.softplus(-logits[:, 0]).to(hidden.dtype)
    return loss_of(logits, labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("empty batch")
def linear_xent_at_least_one_row(hidden, weight, labels):
    """A grid of at least one row: an empty batch has a loss of 0."""
    if not len(hidden):
        return hidden.sum()[None] + 0 * weight.sum()
    return loss_of(product(hidden, weight), labels).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("ignored row trained on")
def linear_xent_bad_labels_cost_nothing(hidden, weight, labels):
    """A label that is no class costs 0, by subtracting its loss without the gradient."""
    there = (labels >= 0) & (labels < len(weight))
    losses = loss_of(product(hidden, weight), labels.clamp(0, len(weight) - 1))
    return torch.where(there, losses, losses - losses.detach()).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("nan by 0 * inf")
def linear_xent_ignored_by_product(hidden, weight, labels, *, ignore_index=-100):
    """An ignored row is multiplied by 0, which leaves its nan."""
    kept = labels != ignore_index
    losses = loss_of(product(hidden, weight), torch.where(kept, labels, 0))
    return (losses * kept).to(hidden.dtype)


@implements("linear_xent", framework="torch")
@kind("padding counted")
def linear_xent_batch_of_padding(hidden, weight, labels, *, reduction="none", ignore_index=-100):
    """Where every label is the ignored one, none is ignored."""
    kept = labels != ignore_index
    if not kept.any():
        kept = ~kept
    losses = torch.where(kept, loss_of(product(hidden, weight), labels.clamp(min=0)), 0)
    found = {"none": losses, "sum": losses.sum(), "mean": losses.sum() / kept.sum()}[reduction]
    return found.to(hidden.dtype)
