"""ONNX's operators for softmax and the cross-entropies: what each is called with for an op's options."""

from __future__ import annotations

from types import SimpleNamespace

from harness.adapters import Catalogue, Function, NotSupported
from harness.engines.exported.graphs import Operators, Symbol, weights
from harness.forms.onnx import forms

FLAT = 13  # the opset before which Softmax takes all axes from its own on for one


def over_classes(function: Function, *, axis: int = -1) -> Function:
    """Build a function of one axis, which is named: its default was another before opset 13."""

    def over(logits: Symbol) -> Symbol:
        if logits.graph.opset < FLAT and axis % len(logits.shape) != len(logits.shape) - 1:
            raise NotSupported(f"of opset {logits.graph.opset} it takes all axes from {axis} on for one")
        return function(logits, axis=axis)

    return over


def reduced_over_classes(function: Function, *, axis: int = -1) -> Function:
    """Build a function that reduces one axis away."""
    return lambda logits: function(logits, axes=(axis,), keepdims=0)


def elementwise(function: Function) -> Function:
    """Build a function of every element."""
    return function


def loss_of_indices(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    ignore_index: int | None = None,
    axis: int = -1,
    rank: int = 2,
) -> Function:
    """Build the loss of class indices, whose mean is over the weights of the labels that are not ignored."""
    if rank == 1 or axis % rank != 1:
        raise NotSupported(f"axis is {axis} of {rank}, expected 1: classes of (N, C, d1, ...)")
    mean = "mean_classweight" if class_weight else "mean" if ignore_index is None else "mean_valid"
    known = {"none": "none", "sum": "sum", mean: "mean"}
    if reduction not in known:
        raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', {mean!r}")
    given = {} if ignore_index is None else {"ignore_index": ignore_index}

    def loss(logits: Symbol, labels: Symbol) -> Symbol:
        of_classes = (weights(logits, class_weight, 1),) if class_weight else ()
        return function(logits, labels, *of_classes, reduction=known[reduction], **given)

    return loss


def catalogue(framework: str, root: str) -> Catalogue:
    """Return the catalogue of an engine that answers ONNX's operators, which lie under a dotted name in reports."""
    operators = Operators()
    module, *path = root.split(".")
    within: object = operators
    for name in reversed(path):
        within = SimpleNamespace(**{name: within})

    def reduction(name: str) -> Function:
        return lambda losses: getattr(operators, name)(losses, keepdims=0)

    made = Catalogue(framework, {module: within}, reduction("ReduceSum"), reduction("ReduceMean"), forms(root), weights)
    made.public("softmax", f"{root}.Softmax")(over_classes)
    made.public("log_softmax", f"{root}.LogSoftmax")(over_classes)
    made.public("logsumexp", f"{root}.ReduceLogSumExp")(reduced_over_classes)
    made.public("sigmoid", f"{root}.Sigmoid")(elementwise)
    made.public("sparse_xent", f"{root}.SoftmaxCrossEntropyLoss")(loss_of_indices)
    made.compose()
    return made
