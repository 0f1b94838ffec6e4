"""Keras on another backend than TensorFlow: its functions as spellings of the backend's rows.

Keras reads its backend once, when it is imported, so a process has one. On TensorFlow its functions are rows
(`harness/adapters/tensorflow`). On torch and on jax they are Python over functions of theirs that are rows already, and
they are shown to do the same, or said to be asked nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.adapters.catalogue import Builder, Catalogue, Function
from harness.model import DTYPES

Row = tuple[str, Builder | None, str]  # the row's name; what its function is behind an exact step, and how that reads


def spell(catalogue: Catalogue, keras: Any, rows: Mapping[str, Row], **narrow: tuple[str, ...]) -> None:
    """Add Keras's functions to a backend's catalogue.

    rows: of each op, of softplus and logaddexp, of `sparse_xent object`, and of `mean`, that of binary_crossentropy.
    narrow: of an op, the dtypes in which its functions do what the row does, where these are not all.
    """
    catalogue.within["keras"] = keras

    def same(op: str, *functions: str, of: str = "", **given: Any) -> None:
        row, like, shown = rows.get(of or op) or rows[op]
        catalogue.spelled(op, row, *functions, like=like, shown=shown, **given)

    for op in ("softmax", "log_softmax"):
        some = narrow.get(op, DTYPES)
        same(op, f"keras.ops.{op}", f"keras.activations.{op}", build=of_one_axis, dtypes=some, axis=0)
    same("softmax", "keras.layers.Softmax", build=of_layer, dtypes=narrow.get("softmax", DTYPES))
    same("logsumexp", "keras.ops.logsumexp", build=of_one_axis, axis=0)
    same("logsumexp", "keras.ops.logaddexp", of="logaddexp", build=of_two, dtypes=narrow.get("logaddexp", DTYPES))
    for op in ("sigmoid", "log_sigmoid"):
        same(op, f"keras.ops.{op}", f"keras.activations.{op}", build=of_elements)
    same("log_sigmoid", "keras.ops.softplus", "keras.activations.softplus", of="softplus", build=negated_softplus)
    for op, name, loss in (
        ("dense_xent", "categorical_crossentropy", "CategoricalCrossentropy"),
        ("sparse_xent", "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"),
    ):
        same(op, f"keras.ops.{name}", f"keras.losses.{name}", build=of_target, dtypes=narrow.get(op, DTYPES))
        same(op, f"keras.losses.{loss}", of=f"{op} object", build=of_loss, dtypes=narrow.get(op, DTYPES))
    same("sigmoid_xent", "keras.ops.binary_crossentropy", build=of_target)
    mean: dict[str, Any] = {
        "of": "mean",
        "dtypes": narrow.get("mean", DTYPES),
        "plain": False,
        "reduction": "mean_axis",
    }
    same("sigmoid_xent", "keras.losses.binary_crossentropy", build=of_mean_target, **mean)
    same("sigmoid_xent", "keras.losses.BinaryCrossentropy", build=of_mean_loss, **mean)


def of_one_axis(function: Function, *, axis: int = -1) -> Function:
    """Build a function that would take no axis for all of them."""
    return lambda logits: function(logits, axis=axis)


def of_two(function: Function) -> Function:
    """Build the function of two logits, each an array of its own."""
    return lambda logits: function(logits[..., 0], logits[..., 1])


def of_elements(function: Function) -> Function:
    """Build a function of every element."""
    return lambda logits: function(logits)  # noqa: PLW0108 - a Python frame of ours, as for the row


def negated_softplus(function: Function) -> Function:
    """Build log_sigmoid of softplus."""
    return lambda logits: -function(-logits)


def of_layer(made: Function) -> Function:
    """Build a layer that computes in the dtype of the logits."""
    return lambda logits: made(logits, dtype=dtype(logits))


def of_target(function: Any) -> Function:
    """Build a loss that takes the target first."""
    return lambda logits, labels: function(labels, logits, from_logits=True)


def of_loss(made: Any) -> Function:
    """Build a loss object that reduces nothing."""
    return lambda logits, labels: made(labels, logits, from_logits=True, reduction="none", dtype=dtype(logits))


def of_mean_target(function: Any, *, reduction: str) -> Function:
    """Build a loss that is the mean over the last axis, whatever is asked."""
    del reduction
    return of_target(function)


def of_mean_loss(made: Any, *, reduction: str) -> Function:
    """Build a loss object whose losses are means over the last axis."""
    del reduction
    return of_loss(made)


def dtype(logits: Any) -> str:
    """Name the dtype of an array: an object of Keras that is not told one computes in float32."""
    return str(logits.dtype).removeprefix("torch.")
