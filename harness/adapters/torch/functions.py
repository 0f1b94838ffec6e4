"""PyTorch's public functions: what each is called with for an op's options."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from harness.adapters import Catalogue, Function, Native, NotSupported
from harness.forms.torch import FORMS
from harness.options import repeated


def weights(like: Native, pattern: str | float, axis: int) -> Native:
    """Return a pattern along an axis of a tensor, in its dtype; a number as a scalar."""
    if isinstance(pattern, str):
        return like.new_tensor(repeated(pattern, like.shape[axis]))
    return like.new_full((), pattern)


CATALOGUE = Catalogue("torch", {"torch": torch}, torch.sum, torch.mean, FORMS, weights)


BRIEF = ("normal", "extremes")  # families of what is asked little


def own_reduction(reduction: str, mean: str) -> str:
    """Return torch's name of a reduction; `mean` is what its mean divides by, as `harness.options` names it."""
    known = {"none": "none", "sum": "sum", mean: "mean"}
    if reduction not in known:
        raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', {mean!r}")
    return known[reduction]


@CATALOGUE.public("softmax", "torch.softmax", "torch.nn.functional.softmax")
@CATALOGUE.public("log_softmax", "torch.log_softmax", "torch.nn.functional.log_softmax")
@CATALOGUE.public("logsumexp", "torch.logsumexp")
def over_classes(function: Function, *, axis: int = -1) -> Function:
    """Build a function of one axis; torch wants it named."""
    return lambda logits: function(logits, dim=axis)


@CATALOGUE.public("logsumexp", "torch.logaddexp", only=("two_class_gap",))
def of_two(function: Function) -> Function:
    """Build the function of two logits, each an array of its own."""
    return lambda logits: function(logits[..., 0], logits[..., 1])


@CATALOGUE.public("softmax", "torch.masked.softmax", only=("mask",))
@CATALOGUE.public("logsumexp", "torch.masked.logsumexp", only=("mask",))
def masked(function: Function, *, mask: str) -> Function:
    """Build a function that takes a mask of the logits' shape."""
    return lambda logits: function(logits, dim=-1, mask=(weights(logits, mask, -1) > 0).expand(logits.shape))


@CATALOGUE.public("softmax", "torch.masked.softmin", only=("mask",))
def masked_negated(function: Function, *, mask: str) -> Function:
    """Build the same of negated logits, which rounds nothing."""
    softmin = masked(function, mask=mask)
    return lambda logits: softmin(-logits)


@CATALOGUE.public("log_softmax", "torch.masked.log_softmax", only=("mask",))
def masked_log(function: Function, *, mask: str) -> Function:
    """Build the same of log_softmax; what it gives of a masked class is undefined, so that -inf is put there."""

    def logs(logits: Native) -> Native:
        kept = (weights(logits, mask, -1) > 0).expand(logits.shape)
        return function(logits, dim=-1, mask=kept).masked_fill(~kept, -torch.inf)

    return logs


@CATALOGUE.public("log_softmax", "torch.sparse.log_softmax", only=("mask",))
def sparse_log(function: Function, *, mask: str) -> Function:
    """Build the log_softmax of a sparse tensor, whose unspecified elements are -inf."""
    return of_sparse(function, mask, -torch.inf)


@CATALOGUE.public("softmax", "torch.sparse.softmax", only=("mask",))
def sparse(function: Function, *, mask: str) -> Function:
    """Build the function of a sparse tensor, which has the classes that are not masked."""
    return of_sparse(function, mask, 0.0)


def of_sparse(function: Function, mask: str, elsewhere: float) -> Function:
    """Build a function of a sparse tensor, and say what its answer is of classes that the tensor has not."""

    def dense(logits: Native) -> Native:
        kept = (weights(logits, mask, -1) > 0).expand(logits.shape)
        tensor = torch.sparse_coo_tensor(kept.nonzero().t(), logits[kept], logits.shape, check_invariants=True)
        answer = function(tensor, dim=-1).to_dense()
        return answer.masked_fill(~kept, elsewhere) if elsewhere else answer

    return dense


@CATALOGUE.public("sigmoid", "torch.sigmoid")
@CATALOGUE.public("log_sigmoid", "torch.nn.functional.logsigmoid")
def elementwise(function: Function) -> Function:
    """Build a function of every element."""
    # Note: not the builtin itself; torch.compile needs a Python frame to start from.
    return lambda logits: function(logits)  # noqa: PLW0108


@CATALOGUE.public("log_sigmoid", "torch.nn.functional.soft_margin_loss", only=BRIEF)
def soft_margin_loss(function: Function) -> Function:
    """Build the loss of targets 1, whose negative is log_sigmoid; a target -1 negates the logit, which is exact."""
    return lambda logits: -function(logits, torch.ones_like(logits), reduction="none")


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


def linear_cross_entropy(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    bias: bool = False,
) -> Function:
    """Build the loss of hidden states times a weight, whose mean is that of `cross_entropy_of_indices`."""
    mean = "mean_classweight" if class_weight else "mean" if ignore_index is None else "mean_valid"
    given: dict[str, Any] = {"reduction": own_reduction(reduction, mean), "label_smoothing": label_smoothing}
    if ignore_index is not None:
        given["ignore_index"] = ignore_index

    return times_a_weight(partial(function, **given), class_weight, bias=bias)


def linear_cross_entropy_of_probabilities(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    label_smoothing: float = 0.0,
    bias: bool = False,
) -> Function:
    """Build the same of class probabilities, whose mean is over the rows, whatever they weigh."""
    given: dict[str, Any] = {"reduction": own_reduction(reduction, "mean"), "label_smoothing": label_smoothing}
    return times_a_weight(partial(function, **given), class_weight, bias=bias)


def times_a_weight(function: Function, class_weight: str, *, bias: bool) -> Function:
    """Build either loss of hidden states: one function, which tells them apart by the labels' shape."""

    def losses(hidden: Native, weight: Native, labels: Native, linear_bias: Native = None) -> Native:
        of_classes = weights(weight, class_weight, 0) if class_weight else None
        return function(hidden, weight, labels, linear_bias=linear_bias if bias else None, weight=of_classes)

    return losses


if hasattr(torch.nn.functional, "linear_cross_entropy"):  # since torch 2.13
    CATALOGUE.public("linear_xent", "torch.nn.functional.linear_cross_entropy")(linear_cross_entropy)
    CATALOGUE.public("linear_dense_xent", "torch.nn.functional.linear_cross_entropy")(
        linear_cross_entropy_of_probabilities
    )


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


@CATALOGUE.public("kl_div", "torch.nn.functional.kl_div")
def kl_div(function: Function, *, log_target: bool = False) -> Function:
    """Build the terms of a divergence, unreduced."""
    return lambda given, labels: function(given, labels, reduction="none", log_target=log_target)


@CATALOGUE.public("binary_prob_xent", "torch.nn.functional.binary_cross_entropy")
def binary_cross_entropy(function: Function) -> Function:
    """Build the losses of probabilities, unreduced."""
    return lambda given, labels: function(given, labels, reduction="none")


@CATALOGUE.public("sigmoid_xent", "torch.nn.functional.multilabel_soft_margin_loss", only=("reduction",))
def multilabel_soft_margin_loss(function: Function, *, reduction: str = "none", class_weight: str = "") -> Function:
    """Build the loss of a row, which is the mean of its elements' losses; its own reductions are over rows."""
    known = {"mean_axis": "none", "mean": "mean"}
    if reduction not in known:
        raise NotSupported(f"reduction is {reduction!r}, expected one of {', '.join(map(repr, known))}")
    own = known[reduction]

    def losses(logits: Native, labels: Native) -> Native:
        return function(
            logits, labels, weight=weights(logits, class_weight, 1) if class_weight else None, reduction=own
        )

    return losses


CATALOGUE.compose()
