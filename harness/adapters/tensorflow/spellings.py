"""Further names of TensorFlow's functions, each of which is shown to do what a row does; they are not asked again."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from harness.adapters import Function, Native
from harness.adapters.tensorflow.functions import CATALOGUE, sparse

KERAS = ("keras.ops", "keras.activations", "tf.keras.backend")


def of_one_axis(function: Function, *, axis: int = -1) -> Function:
    """Build a function that would take no axis for all of them."""
    return lambda logits: function(logits, axis=axis)


def raw(function: Function) -> Function:
    """Build a raw op of logits."""
    return lambda logits: function(logits=logits)


def raw_of_elements(function: Function) -> Function:
    """Build a raw op of every element."""
    return lambda logits: function(x=logits)


def of_target(function: Any) -> Function:
    """Build a loss of Keras that takes the target first."""
    return lambda logits, labels: function(labels, logits, from_logits=True)


def negated_softplus(function: Function) -> Function:
    """Build log_sigmoid of softplus."""
    return lambda logits: -function(-logits)


def raw_sparse(function: Function, *, mask: str) -> Function:
    """Build the raw op of a sparse tensor's parts."""

    def softmax(tensor: Native) -> Native:
        values = function(sp_indices=tensor.indices, sp_values=tensor.values, sp_shape=tensor.dense_shape)
        return tf.SparseTensor(tensor.indices, values, tensor.dense_shape)

    return sparse(softmax, mask=mask)


def raw_softplus(function: Function) -> Function:
    """Build log_sigmoid of the raw softplus."""
    return lambda logits: -function(features=-logits)


SAME = CATALOGUE.spelled
ELEMENTS = {
    "sigmoid": ("tf.compat.v1.math", "tf.compat.v1.nn", *KERAS),
    "log_sigmoid": ("tf.compat.v1.math", *KERAS[:2]),
}
for name, places in ELEMENTS.items():
    SAME(name, f"tf.math.{name}", *(f"{place}.{name}" for place in places))
SAME("sigmoid", "tf.math.sigmoid", "tf.raw_ops.Sigmoid", build=raw_of_elements)
for name in ("softmax", "log_softmax"):
    SAME(name, f"tf.nn.{name}", *(f"{place}.{name}" for place in KERAS[:2]), build=of_one_axis, axis=0)
SAME("softmax", "tf.nn.softmax", "tf.keras.backend.softmax", build=of_one_axis, axis=0)
SAME("softmax", "tf.nn.softmax", "tf.raw_ops.Softmax", build=raw)
SAME("log_softmax", "tf.nn.log_softmax", "tf.raw_ops.LogSoftmax", build=raw)
SAME(
    *("logsumexp", "tf.math.reduce_logsumexp", "tf.compat.v1.reduce_logsumexp", "tf.compat.v1.math.reduce_logsumexp"),
    "keras.ops.logsumexp",
    axis=0,
)
SOFTPLUS = ("tf.nn.softplus", "tf.math.softplus", "tf.compat.v1.nn.softplus", "tf.compat.v1.math.softplus")
SAME(
    *("log_sigmoid", "tf.math.log_sigmoid", *SOFTPLUS, *(f"{place}.softplus" for place in KERAS)),
    build=negated_softplus,
    shown="tf.math.log_sigmoid, by way of -softplus(-logits)",
)
SAME(
    *("log_sigmoid", "tf.math.log_sigmoid", "tf.raw_ops.Softplus"),
    build=raw_softplus,
    shown="tf.math.log_sigmoid, by way of -softplus(-logits)",
)
for place in ("keras.ops", "tf.keras.backend"):
    for op, row, name in (
        ("dense_xent", "keras.losses.categorical_crossentropy", "categorical_crossentropy"),
        ("sparse_xent", "keras.losses.sparse_categorical_crossentropy", "sparse_categorical_crossentropy"),
    ):
        SAME(op, row, f"{place}.{name}", build=of_target)
SAME("softmax", "tf.sparse.softmax", "tf.raw_ops.SparseSoftmax", build=raw_sparse, plain=False, mask="1 1 0")
SAME("sigmoid_xent", "keras.ops.binary_crossentropy", "tf.keras.backend.binary_crossentropy", build=of_target)
