"""The textbook in numpy: shifted algorithms in the array's own dtype, a control to hold the frameworks against.

The one adapter that writes the mathematics itself. Nothing is widened by hand, so that a framework which gains by
widening shows it. Note: sums are numpy's own: in pairs for floats, inside float32 for float16, but one by
one in bfloat16 for ml_dtypes' bfloat16, whose long rows are the worse for it.
"""

from __future__ import annotations

import platform
from functools import partial
from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np

from harness import adapters
from harness.adapters import Builder, Catalogue, Function, NotSupported
from harness.options import repeated

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.adapters import Layout
    from harness.model import Array

CATALOGUE = Catalogue("numpy")


def control(op: str, name: str) -> Callable[[Function], Function]:
    """Register a function without options, and leave it one: others are made of it."""

    def register(function: Function) -> Function:
        CATALOGUE.form(op, name, "control")(lambda: function)
        return function

    return register


def control_along(op: str, name: str) -> Callable[[Function], Function]:
    """Register a function of an axis, and leave it one."""

    def register(function: Function) -> Function:
        CATALOGUE.form(op, name, "control")(lambda *, axis=-1: partial(function, axis=axis))
        return function

    return register


def reducing(losses: Function) -> Builder:
    """Give un-reduced losses the options `axis` and `reduction`."""

    def build(*, axis: int = -1, reduction: str = "none") -> Function:
        match reduction:
            case "none":
                return partial(losses, axis=axis)
            case "sum":
                return lambda logits, labels: losses(logits, labels, axis=axis).sum()
            case "mean":
                return lambda logits, labels: losses(logits, labels, axis=axis).mean()
        raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', 'mean'")

    return build


def shifted(logits: Array, axis: int) -> Array:
    """Return the logits less their row's maximum, so that exp cannot overflow."""
    less: Array = logits - logits.max(axis=axis, keepdims=True)
    return less


@control_along("softmax", "np.exp(logits - max) / sum")
def softmax(logits: Array, axis: int = -1) -> Array:
    """Return exp(x - m) / sum(exp(x - m)), m the row's maximum."""
    exponentials = np.exp(shifted(logits, axis))
    probabilities: Array = exponentials / exponentials.sum(axis=axis, keepdims=True)
    return probabilities


@control_along("log_softmax", "logits - max - np.log(np.exp(logits - max).sum())")
def log_softmax(logits: Array, axis: int = -1) -> Array:
    """Return (x - m) - log(sum(exp(x - m)))."""
    less = shifted(logits, axis)
    logarithms: Array = less - np.log(np.exp(less).sum(axis=axis, keepdims=True))
    return logarithms


@control_along("logsumexp", "max + np.log(np.exp(logits - max).sum())")
def logsumexp(logits: Array, axis: int = -1) -> Array:
    """Return m + log(sum(exp(x - m)))."""
    logarithm: Array = logits.max(axis=axis) + np.log(np.exp(shifted(logits, axis)).sum(axis=axis))
    return logarithm


@control("sigmoid", "1 / (1 + np.exp(-logits)), mirrored below 0")
def sigmoid(logits: Array) -> Array:
    """Return 1 / (1 + exp(-x)), or exp(x) / (1 + exp(x)) where x < 0: exp of what is not positive cannot overflow."""
    decayed = np.exp(-np.abs(logits))
    probabilities: Array = np.where(logits < 0, decayed, 1) / (1 + decayed)
    return probabilities


@control("log_sigmoid", "np.minimum(logits, 0) - np.log1p(np.exp(-abs(logits)))")
def log_sigmoid(logits: Array) -> Array:
    """Return min(x, 0) - log1p(exp(-|x|))."""
    logarithms: Array = np.minimum(logits, 0) - np.log1p(np.exp(-np.abs(logits)))
    return logarithms


@CATALOGUE.form("sparse_xent", "-(the textbook log_softmax)[labels]", "control")
@reducing
def sparse_xent(logits: Array, labels: Array, axis: int) -> Array:
    """Return -log_softmax(x)[label]."""
    picked = np.take_along_axis(log_softmax(logits, axis), np.expand_dims(labels, axis), axis=axis)
    losses: Array = -picked.squeeze(axis)
    return losses


@CATALOGUE.form("dense_xent", "-sum(labels * the textbook log_softmax)", "control")
@reducing
def dense_xent(logits: Array, labels: Array, axis: int) -> Array:
    """Return -sum(y * log_softmax(x))."""
    losses: Array = -(labels * log_softmax(logits, axis)).sum(axis=axis)
    return losses


@CATALOGUE.form("sigmoid_xent", "(1 - labels) * logits - (1 + (pos_weight - 1) * labels) * log_sigmoid", "control")
def sigmoid_xent(*, pos_weight: float | str = 1.0) -> Function:
    """Build (1 - z) * x - (1 + (q - 1) * z) * log_sigmoid(x), q = pos_weight; the weight is 1 where q is."""

    def losses(logits: Array, labels: Array) -> Array:
        positive = np.array(repeated(str(pos_weight), logits.shape[1])).astype(logits.dtype)
        weights = 1 + (positive - 1) * labels
        weighted: Array = (1 - labels) * logits - weights * log_sigmoid(logits)
        return weighted

    return losses


class Adapter(adapters.Adapter):
    """numpy on the cpu; values only."""

    catalogue = CATALOGUE
    modes = ("eager",)
    dtypes = ("float16", "float32", "float64")  # bfloat16 is ml_dtypes', whose sums run one by one

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        enabled = np.show_config(mode="dicts")["SIMD Extensions"]
        return {
            "numpy": np.__version__,
            "ml_dtypes": ml_dtypes.__version__,
            "cpu_capability": enabled["found"][-1] if enabled.get("found") else platform.machine(),
        }

    def put(self, array: Array, *, mode: str, device: str) -> Array:  # noqa: ARG002
        return np.array(array, order="C")

    def get(self, native: Array) -> Array:
        return np.array(native)

    def wait(self, native: Array) -> None:
        """Return at once: numpy has nothing running."""

    def forward(self, function: Function, mode: str) -> Function:  # noqa: ARG002
        def quiet(*arrays: Array) -> Array:
            with np.errstate(all="ignore"):  # infinities are asked on purpose, and judged by the answer
                answer: Array = function(*arrays)
            return answer

        return quiet

    def backward(self, function: Function, mode: str, argument: int) -> Function:  # noqa: ARG002
        raise NotSupported("numpy has no automatic differentiation")

    def view(self, native: Array, layout: Layout) -> Array:
        rows, columns = native.shape
        match layout:
            case "transposed":
                return np.array(native.T, order="C").T
            case "strided":  # every second column of a wider array
                wide = np.zeros((rows, 2 * columns), native.dtype)
                wide[:, ::2] = native
                return wide[:, ::2]
        flat = np.zeros(native.size + 1, native.dtype)  # begins one element behind an aligned address
        flat[1:] = native.ravel()
        return flat[1:].reshape(rows, columns)

    def fill(self, native: Array, array: Array) -> None:
        native[...] = array
