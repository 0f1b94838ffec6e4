"""MLX, eager and compiled, on the cpu."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, get_args

import ml_dtypes
import mlx
import mlx.core as mx
import numpy as np
from mlx import nn

from harness import adapters
from harness.adapters import Catalogue, Function, Layout, Native, NotSupported
from harness.forms.mlx import FORMS
from harness.options import repeated

if TYPE_CHECKING:
    from harness.model import Array

INTEGERS = ("int8", "int16", "int32", "int64", "uint8")
BRIEF = ("normal", "extremes")  # families of what is asked little


def weights(like: Native, pattern: str, axis: int) -> Native:
    """Return a pattern along an axis of an array, in its dtype."""
    return mx.array(repeated(pattern, like.shape[axis]), dtype=like.dtype)


CATALOGUE = Catalogue("mlx", {"mlx": mlx, "mx": mx, "nn": nn}, mx.sum, mx.mean, FORMS, weights)


def own_reduction(reduction: str) -> str:
    """Return MLX's name of a reduction, whose mean is over the rows, whatever they weigh."""
    if reduction not in {"none", "sum", "mean"}:
        raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', 'mean'")
    return reduction


@CATALOGUE.public("softmax", "mlx.core.softmax")
@CATALOGUE.public("softmax", "mlx.nn.softmax", only=BRIEF)
@CATALOGUE.public("logsumexp", "mlx.core.logsumexp")
def over_classes(function: Function, *, axis: int = -1) -> Function:
    """Build a function of one axis."""
    return lambda logits: function(logits, axis=axis)


@CATALOGUE.public("log_softmax", "mlx.nn.log_softmax")
def compiled_over_classes(function: Function, *, axis: int = -1) -> Function:
    """Build a function of one axis that MLX itself compiles, also in mode eager."""

    def over(logits: Native) -> Native:
        if logits.shape[axis] < 2:
            raise NotSupported(
                "rows of fewer than two classes are not asked of it: in MLX 0.32.4, on a cpu, the process dies of them "
                "or the call does not return"
            )
        return function(logits, axis=axis)

    return over


@CATALOGUE.public("logsumexp", "mlx.core.logaddexp", only=("two_class_gap",))
def of_two(function: Function) -> Function:
    """Build the function of two logits, each an array of its own."""
    return lambda logits: function(logits[..., 0], logits[..., 1])


@CATALOGUE.public("sigmoid", "mlx.core.sigmoid")
@CATALOGUE.public("log_sigmoid", "mlx.nn.log_sigmoid")
def elementwise(function: Function) -> Function:
    """Build a function of every element."""

    def of_each(logits: Native) -> Native:
        return function(logits)

    return of_each


@CATALOGUE.public("sparse_xent", "mlx.nn.losses.cross_entropy")
def cross_entropy_of_indices(
    function: Function,
    *,
    reduction: str = "none",
    sample_weight: str = "",
    label_smoothing: float = 0.0,
    label_dtype: str = "int64",
    axis: int = -1,
) -> Function:
    """Build the loss of class indices; its weights are one a row, and it ignores no label."""
    if label_dtype not in INTEGERS:
        raise NotSupported(f"labels are {label_dtype}, expected one of {', '.join(INTEGERS)}: they index the logits")
    return cross_entropy(
        partial(function, reduction=own_reduction(reduction), label_smoothing=label_smoothing, axis=axis), sample_weight
    )


@CATALOGUE.public("dense_xent", "mlx.nn.losses.cross_entropy")
def cross_entropy_of_probabilities(
    function: Function,
    *,
    reduction: str = "none",
    sample_weight: str = "",
    label_smoothing: float = 0.0,
    label_dtype: str = "",
    axis: int = -1,
) -> Function:
    """Build the loss of class probabilities, of any dtype: they are multiplied with the logits."""
    del label_dtype
    return cross_entropy(
        partial(function, reduction=own_reduction(reduction), label_smoothing=label_smoothing, axis=axis), sample_weight
    )


def cross_entropy(function: Function, sample_weight: str) -> Function:
    """Build either loss: one function, which tells them apart by the labels' number of axes."""

    def losses(logits: Native, labels: Native) -> Native:
        return function(logits, labels, weights=weights(logits, sample_weight, 0) if sample_weight else None)

    return losses


@CATALOGUE.public("sigmoid_xent", "mlx.nn.losses.binary_cross_entropy")
def binary_cross_entropy(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    sample_weight: str = "",
    label_dtype: str = "",
) -> Function:
    """Build the loss of logits; its weights have the shape of the losses."""
    del label_dtype
    own = own_reduction(reduction)

    def losses(logits: Native, labels: Native) -> Native:
        weight = None
        if class_weight or sample_weight:
            weight = weights(logits, class_weight or "1", 1) * weights(logits, sample_weight or "1", 0)[:, None]
        return function(logits, labels, weights=weight, reduction=own)

    return losses


CATALOGUE.compose()


def differentiated(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Return the value and its gradient; the last array is the upstream."""
    *given, upstream = arrays

    def alone(array: Native) -> Native:
        return function(*given[:argument], array, *given[argument + 1 :])

    (value,), (gradient,) = mx.vjp(alone, [given[argument]], [upstream])
    return value, gradient


def tangents(function: Function, *arrays: Native) -> tuple[Native, Native]:
    """Return the value and its derivative along a direction of the first array, the last of those given."""
    logits, *given, direction = arrays
    (value,), (derivative,) = mx.jvp(lambda x: function(x, *given), [logits], [direction])
    return value, derivative


def curved(function: Function, *arrays: Native) -> tuple[Native, Native]:
    """Return the gradient and its derivative along a direction, both of the first array: forward over reverse."""
    logits, *given, upstream, direction = arrays

    def gradient(x: Native) -> Native:
        return differentiated(function, 0, x, *given, upstream)[1]

    return tangents(gradient, logits, direction)


class Adapter(adapters.Adapter):
    """MLX on the cpu."""

    catalogue = CATALOGUE
    modes = ("eager", "compile")
    compiling: ClassVar = {"compile": "slowly"}  # by a C++ compiler, which it looks for when it is asked
    by_name = frozenset({"compile"})
    layouts = get_args(Layout)
    engine = True

    def __init__(self) -> None:
        """Compute on the cpu, also where there is a GPU, which has no float64."""
        super().__init__()
        mx.set_default_device(mx.cpu)

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        found = mx.device_info()
        return {
            "mlx": mx.__version__,
            "numpy": np.__version__,
            "cpu_capability": str(found.get("architecture", "")),
            "threads": "1",  # a stream of the cpu computes one operation after another, each in one thread
        }

    def put(self, array: Array, *, mode: str, device: str) -> Native:  # noqa: ARG002
        copy = np.array(array, order="C")
        if copy.dtype == ml_dtypes.bfloat16:  # numpy's is ml_dtypes', unknown to MLX: go through the bits
            native = mx.array(copy.view(np.uint16)).view(mx.bfloat16)
        else:
            native = mx.array(copy, dtype=getattr(mx, copy.dtype.name))  # else float64 becomes float32
        mx.eval(native)
        return native

    def get(self, native: Native) -> Array:
        if native.dtype == mx.bfloat16:
            return np.array(native.view(mx.uint16)).view(ml_dtypes.bfloat16)
        return np.array(native)

    def wait(self, native: Native) -> None:
        mx.eval(native)

    def forward(self, function: Function, mode: str) -> Function:
        if mode == "compile":
            native: Function = mx.compile(function)
            return native
        return function

    def backward(self, function: Function, mode: str, argument: int) -> Function:
        return self.forward(partial(differentiated, function, argument), mode)

    def tangent(self, function: Function, mode: str) -> Function:
        return self.forward(partial(tangents, function), mode)

    def curvature(self, function: Function, mode: str) -> Function:
        return self.forward(partial(curved, function), mode)

    def view(self, native: Native, layout: Layout) -> Native:
        *rows, last = native.shape
        match layout:
            case "transposed":
                return mx.contiguous(native.T).T
            case "strided":  # every second number of a longer row
                return mx.stack([native, mx.zeros_like(native)], axis=-1)[..., 0]
            case "wider":  # the first numbers of longer rows
                return mx.concatenate([native, mx.zeros((*rows, 5), native.dtype)], axis=-1)[..., :last]
            case "repeated":
                return mx.broadcast_to(native[:1], native.shape)
            case "expanded":
                return mx.broadcast_to(native.reshape(-1)[:1], native.shape)
            case "reversed":
                return native[::-1][::-1]
        flat = mx.concatenate([mx.zeros((1,), native.dtype), native.reshape(-1)])
        return flat[1:].reshape(native.shape)

    def fill(self, native: Native, array: Array) -> None:
        native[...] = self.put(array, mode="eager", device="cpu")
