"""PyTorch's public functions, and the compositions of them that people write. Apart from the adapter for length."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from harness.adapters import Builder, Catalogue, Function, Native, NotSupported
from harness.options import repeated

CATALOGUE = Catalogue("torch", {"torch": torch})


def plain(function: Function) -> Builder:
    """Make a composition without options a builder."""
    return lambda: function


def reducing(losses: Function) -> Builder:
    """Give a composition of un-reduced losses the option `reduction` as users write it: .mean() behind the losses."""

    def build(*, reduction: str = "none") -> Function:
        match reduction:
            case "none":
                return losses
            case "sum":
                return lambda logits, labels: losses(logits, labels).sum()
            case "mean":
                return lambda logits, labels: losses(logits, labels).mean()
        raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', 'mean'")

    return build


def own_reduction(reduction: str, mean: str) -> str:
    """Return torch's name of a reduction; `mean` is what its mean divides by, as `harness.options` names it."""
    known = {"none": "none", "sum": "sum", mean: "mean"}
    if reduction not in known:
        raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', {mean!r}")
    return known[reduction]


def weights(like: Native, pattern: str | float, axis: int) -> Native:
    """Return a pattern along an axis of a tensor, in its dtype; a number as a scalar."""
    if isinstance(pattern, str):
        return like.new_tensor(repeated(pattern, like.shape[axis]))
    return like.new_full((), pattern)


@CATALOGUE.public("softmax", "torch.softmax", "torch.nn.functional.softmax")
@CATALOGUE.public("log_softmax", "torch.log_softmax", "torch.nn.functional.log_softmax")
@CATALOGUE.public("logsumexp", "torch.logsumexp")
def over_classes(function: Function, *, axis: int = -1) -> Function:
    """Build a function of one axis; torch wants it named."""
    return lambda logits: function(logits, dim=axis)


@CATALOGUE.public("sigmoid", "torch.sigmoid")
@CATALOGUE.public("log_sigmoid", "torch.nn.functional.logsigmoid")
def elementwise(function: Function) -> Function:
    """Build a function of every element."""
    # Note: not the builtin itself; torch.compile needs a Python frame to start from.
    return lambda logits: function(logits)  # noqa: PLW0108


@CATALOGUE.public("sparse_xent", "torch.nn.functional.cross_entropy")
def cross_entropy_of_indices(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    label_dtype: str = "int64",
    axis: int = -1,
    rank: int = 2,
) -> Function:
    """Build the loss of class indices, whose mean is over the class weights of the labels that are not ignored."""
    if label_dtype not in {"int64", "uint8"}:
        raise NotSupported(f"labels are {label_dtype}, expected int64 or uint8")
    mean = "mean_classweight" if class_weight else "mean" if ignore_index is None else "mean_valid"
    given: dict[str, Any] = {"reduction": own_reduction(reduction, mean), "label_smoothing": label_smoothing}
    if ignore_index is not None:
        given["ignore_index"] = ignore_index
    return cross_entropy(partial(function, **given), class_weight, class_axis(axis, rank))


@CATALOGUE.public("dense_xent", "torch.nn.functional.cross_entropy")
def cross_entropy_of_probabilities(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    label_smoothing: float = 0.0,
    axis: int = -1,
    rank: int = 2,
) -> Function:
    """Build the loss of class probabilities, whose mean is over the rows, whatever they weigh."""
    given: dict[str, Any] = {"reduction": own_reduction(reduction, "mean"), "label_smoothing": label_smoothing}
    return cross_entropy(partial(function, **given), class_weight, class_axis(axis, rank))


def class_axis(axis: int, rank: int) -> int:
    """Return the axis of the classes, which torch fixes: 0 of (C,), 1 of (N, C) and (N, C, d1, ...)."""
    fixed = min(1, rank - 1)
    if axis % rank != fixed:
        raise NotSupported(f"axis is {axis} of {rank}, expected {fixed}: classes of (N, C, d1, ...)")
    return fixed


def cross_entropy(function: Function, class_weight: str, axis: int) -> Function:
    """Build either loss: one function, which tells them apart by the labels' shape."""

    def losses(logits: Native, labels: Native) -> Native:
        weight = weights(logits, class_weight, axis) if class_weight else None
        return function(logits, labels, weight=weight)

    return losses


@CATALOGUE.public("sigmoid_xent", "torch.nn.functional.binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    function: Function,
    *,
    reduction: str = "none",
    pos_weight: float | str | None = None,
    class_weight: str = "",
    sample_weight: str = "",
) -> Function:
    """Build the loss; without pos_weight torch takes another branch than with pos_weight 1, so None is passed on."""
    own = own_reduction(reduction, "mean")

    def losses(logits: Native, labels: Native) -> Native:
        weight = weights(logits, class_weight, 1) if class_weight else None
        if sample_weight:
            of_rows = weights(logits, sample_weight, 0)[:, None]
            weight = of_rows if weight is None else weight * of_rows
        positive = None if pos_weight is None else weights(logits, pos_weight, 1)
        return function(logits, labels, weight=weight, reduction=own, pos_weight=positive)

    return losses


@CATALOGUE.form("softmax", "torch.exp(logits) / torch.exp(logits).sum()", "naive")
@plain
def _(logits: Native) -> Native:
    exponentials = torch.exp(logits)
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@CATALOGUE.form("log_softmax", "logits - torch.logsumexp(logits)", "composed")
@plain
def _(logits: Native) -> Native:
    return logits - torch.logsumexp(logits, dim=-1, keepdim=True)


@CATALOGUE.form("log_softmax", "torch.log(torch.softmax(logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return torch.log(torch.softmax(logits, dim=-1))


@CATALOGUE.form("logsumexp", "torch.log(torch.exp(logits).sum())", "naive")
@plain
def _(logits: Native) -> Native:
    return torch.log(torch.exp(logits).sum(dim=-1))


@CATALOGUE.form("sigmoid", "1 / (1 + torch.exp(-logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return 1 / (1 + torch.exp(-logits))


@CATALOGUE.form("log_sigmoid", "-torch.nn.functional.softplus(-logits)", "composed")
@plain
def _(logits: Native) -> Native:
    return -torch.nn.functional.softplus(-logits)


@CATALOGUE.form("log_sigmoid", "torch.log(torch.sigmoid(logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return torch.log(torch.sigmoid(logits))


@CATALOGUE.form("sparse_xent", "torch.nn.functional.nll_loss(torch.log_softmax(logits), labels)", "composed")
def _(*, reduction: str = "none") -> Function:
    return lambda logits, labels: torch.nn.functional.nll_loss(
        torch.log_softmax(logits, dim=-1), labels, reduction=reduction
    )


@CATALOGUE.form("sparse_xent", "torch.logsumexp(logits) - logits[labels]", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return torch.logsumexp(logits, dim=-1) - logits.gather(-1, labels[:, None])[:, 0]


@CATALOGUE.form("sparse_xent", "-torch.log(torch.softmax(logits))[labels]", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -torch.log(torch.softmax(logits, dim=-1)).gather(-1, labels[:, None])[:, 0]


@CATALOGUE.form("dense_xent", "-sum(labels * torch.log_softmax(logits))", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * torch.log_softmax(logits, dim=-1)).sum(dim=-1)


@CATALOGUE.form("dense_xent", "-sum(labels * torch.log(torch.softmax(logits)))", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * torch.log(torch.softmax(logits, dim=-1))).sum(dim=-1)


@CATALOGUE.form("dense_xent", "-sum(labels * torch.log(torch.softmax(logits) + 1e-7))", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    # 1e-7 is keras.config.epsilon(), copied far beyond Keras; 1e-8 and less are lost in float16.
    return -(labels * torch.log(torch.softmax(logits, dim=-1) + 1e-7)).sum(dim=-1)


@CATALOGUE.form("sparse_xent", "torch.nn.functional.cross_entropy(torch.softmax(logits), labels)", "misuse")
@CATALOGUE.form("dense_xent", "torch.nn.functional.cross_entropy(torch.softmax(logits), labels)", "misuse")
def _(*, reduction: str = "none") -> Function:
    return lambda logits, labels: torch.nn.functional.cross_entropy(
        torch.softmax(logits, dim=-1), labels, reduction=reduction
    )


@CATALOGUE.form("dense_xent", "-sum(labels * torch.log(logits))", "misuse")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * torch.log(logits)).sum(dim=-1)


@CATALOGUE.form(
    "sigmoid_xent",
    "-labels * logsigmoid(logits) - (1 - labels) * logsigmoid(-logits)",
    "composed",
)
@plain
def _(logits: Native, labels: Native) -> Native:
    logsigmoid = torch.nn.functional.logsigmoid
    return -labels * logsigmoid(logits) - (1 - labels) * logsigmoid(-logits)


# Naive and not composed: once the sigmoid has rounded to 1 (logits above 17 in float32), log(1 - 1) can only be
# guessed, and torch guesses -100. The clamp is documented, the loss of the logit is the composition's.
@CATALOGUE.form("sigmoid_xent", "torch.nn.functional.binary_cross_entropy(torch.sigmoid(logits), labels)", "naive")
@plain
def _(logits: Native, labels: Native) -> Native:
    return torch.nn.functional.binary_cross_entropy(torch.sigmoid(logits), labels, reduction="none")


@CATALOGUE.form(
    "sigmoid_xent",
    "-labels * torch.log(torch.sigmoid(logits)) - (1 - labels) * torch.log(1 - torch.sigmoid(logits))",
    "naive",
)
@plain
def _(logits: Native, labels: Native) -> Native:
    probabilities = torch.sigmoid(logits)
    return -labels * torch.log(probabilities) - (1 - labels) * torch.log(1 - probabilities)


@CATALOGUE.form("sigmoid_xent", "-labels * torch.log(torch.sigmoid(logits))", "misuse")
@plain
def _(logits: Native, labels: Native) -> Native:
    return -labels * torch.log(torch.sigmoid(logits))
