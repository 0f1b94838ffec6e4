"""PaddlePaddle, in its dynamic graph, on the cpu."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
import paddle.nn.functional as F  # noqa: N812 - as its users write it

from harness import adapters
from harness.adapters import Catalogue, Function, Layout, Native, NotSupported
from harness.forms.paddle import FORMS
from harness.options import repeated

if TYPE_CHECKING:
    from harness.model import Array

LABELS = ("int32", "int64", "float32", "float64")  # of class indices, as cross_entropy documents it

WITHOUT = "its backward pass is of the logits alone"  # Paddle's operators: cross_entropy_with_softmax_grad and others


def weights(like: Native, pattern: str | float, axis: int) -> Native:
    """Return a pattern along an axis of a tensor, in its dtype; a number as an array of one."""
    numbers = repeated(pattern, like.shape[axis]) if isinstance(pattern, str) else (pattern,)
    return paddle.to_tensor(numbers, dtype=like.dtype)


CATALOGUE = Catalogue("paddle", {"paddle": paddle, "F": F}, paddle.sum, paddle.mean, FORMS, weights)


def own_reduction(reduction: str, mean: str) -> str:
    """Return Paddle's name of a reduction; `mean` is what its mean divides by, as `harness.options` names it."""
    known = {"none": "none", "sum": "sum", mean: "mean"}
    if reduction not in known:
        raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', {mean!r}")
    return known[reduction]


@CATALOGUE.public("softmax", "paddle.nn.functional.softmax")
@CATALOGUE.public("log_softmax", "paddle.nn.functional.log_softmax")
@CATALOGUE.public("logsumexp", "paddle.logsumexp")
def over_classes(function: Function, *, axis: int = -1) -> Function:
    """Build a function of one axis."""
    return lambda logits: function(logits, axis=axis)


@CATALOGUE.public("sigmoid", "paddle.nn.functional.sigmoid")
@CATALOGUE.public("log_sigmoid", "paddle.nn.functional.log_sigmoid")
def elementwise(function: Function) -> Function:
    """Build a function of every element."""

    def of_each(logits: Native) -> Native:
        return function(logits)

    return of_each


@CATALOGUE.public("sparse_xent", "paddle.nn.functional.cross_entropy")
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
    """Build the loss of class indices, whose mean is over the class weights of the labels that are not ignored.

    It documents that a negative index ignores nothing, and that this is so of its default, -100, which other
    frameworks' users write into labels; those are asked as theirs.
    """
    if label_dtype not in LABELS:
        raise NotSupported(f"labels are {label_dtype}, expected one of {', '.join(LABELS)}")
    if rank == 1:
        raise NotSupported("logits have 1 axis, expected 2 or more: (N, C)")
    mean = "mean_classweight" if class_weight else "mean" if ignore_index is None else "mean_valid"
    given: dict[str, Any] = {"reduction": own_reduction(reduction, mean), "label_smoothing": label_smoothing}
    if ignore_index is not None:
        given["ignore_index"] = ignore_index
    return cross_entropy(partial(function, axis=axis, **given), class_weight, axis)


@CATALOGUE.public("dense_xent", "paddle.nn.functional.cross_entropy", grad_labels=WITHOUT)
def cross_entropy_of_probabilities(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    label_smoothing: float = 0.0,
    axis: int = -1,
    rank: int = 2,
) -> Function:
    """Build the loss of class probabilities, whose mean is over the rows."""
    if rank == 1:
        raise NotSupported("logits have 1 axis, expected 2 or more: (N, C)")
    own = own_reduction(reduction, "mean")
    return cross_entropy(
        partial(function, soft_label=True, reduction=own, label_smoothing=label_smoothing, axis=axis),
        class_weight,
        axis,
    )


def cross_entropy(function: Function, class_weight: str, axis: int) -> Function:
    """Build either loss; of labels that are probabilities it keeps the axis of the classes, of length 1."""

    def losses(logits: Native, labels: Native) -> Native:
        weight = weights(logits, class_weight, axis) if class_weight else None
        found = function(logits, labels, weight=weight)
        return found.squeeze(axis) if found.ndim == logits.ndim else found

    return losses


@CATALOGUE.public("sigmoid_xent", "paddle.nn.functional.binary_cross_entropy_with_logits", grad_labels=WITHOUT)
def binary_cross_entropy_with_logits(
    function: Function,
    *,
    reduction: str = "none",
    pos_weight: float | str | None = None,
    class_weight: str = "",
    sample_weight: str = "",
) -> Function:
    """Build the loss of logits; its weight is broadcast over the losses."""
    own = own_reduction(reduction, "mean")

    def losses(logits: Native, labels: Native) -> Native:
        weight = weights(logits, class_weight, 1) if class_weight else None
        if sample_weight:
            of_rows = weights(logits, sample_weight, 0)[:, None]
            weight = of_rows if weight is None else weight * of_rows
        positive = None if pos_weight is None else weights(logits, pos_weight, 1)
        return function(logits, labels, weight=weight, reduction=own, pos_weight=positive)

    return losses


@CATALOGUE.public("kl_div", "paddle.nn.functional.kl_div", grad_labels=WITHOUT)
@CATALOGUE.public("binary_prob_xent", "paddle.nn.functional.binary_cross_entropy", grad_labels=WITHOUT)
def of_probabilities(function: Function) -> Function:
    """Build the losses of probabilities, or of their logarithms, unreduced."""
    return lambda given, labels: function(given, labels, reduction="none")


CATALOGUE.compose()


def differentiated(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Return the value and its gradient; the last array is the upstream."""
    *given, upstream = arrays
    given[argument] = leaf = given[argument].detach()
    leaf.stop_gradient = False
    value = function(*given)
    return value, paddle.grad([value], [leaf], [upstream])[0]


class Adapter(adapters.Adapter):
    """Paddle on the cpu."""

    catalogue = CATALOGUE
    modes = ("dynamic",)
    dtypes = ("float32", "float64")  # it has no kernels of 16 bits on a cpu
    layouts = ("transposed", "strided", "wider", "offset")
    engine = True

    def __init__(self) -> None:
        """Compute on the cpu, also in a build that sees GPUs."""
        super().__init__()
        paddle.set_device("cpu")

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        return {
            "paddle": paddle.__version__,
            "numpy": np.__version__,
            "threads": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count())),
            "onednn_flags": str(paddle.get_flags("FLAGS_use_mkldnn")["FLAGS_use_mkldnn"]),
        }

    def put(self, array: Array, *, mode: str, device: str) -> Native:  # noqa: ARG002
        return paddle.to_tensor(np.array(array, order="C"))

    def get(self, native: Native) -> Array:
        return np.array(native.detach().numpy())

    def wait(self, native: Native) -> None:
        """Return at once: on a cpu a call has computed when it returns."""

    def forward(self, function: Function, mode: str) -> Function:  # noqa: ARG002
        return function

    def backward(self, function: Function, mode: str, argument: int) -> Function:  # noqa: ARG002
        return partial(differentiated, function, argument)

    def view(self, native: Native, layout: Layout) -> Native:
        *rows, last = native.shape
        match layout:
            case "transposed":
                return native.t().contiguous().t()
            case "strided":  # every second number of a longer row
                return paddle.stack([native, paddle.zeros_like(native)], axis=-1)[..., 0]
            case "wider":  # the first numbers of longer rows
                return paddle.concat([native, paddle.zeros([*rows, 5], native.dtype)], axis=-1)[..., :last]
        flat = paddle.concat([paddle.zeros([1], native.dtype), native.reshape([-1])])
        return flat[1:].reshape(native.shape)
