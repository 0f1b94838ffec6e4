"""TensorFlow's public functions: what each is called with for an op's options.

A function's spellings (`tf.nn`, `tf.compat.v1.nn`, `tf.compat.v2.nn`) are rows of their own, because readers look for
the one in their code; where two are one function object they share what is compiled.
"""

from __future__ import annotations

from typing import Any

import keras  # type: ignore[import-untyped, unused-ignore]
import tensorflow as tf

from harness.adapters import Catalogue, Function, Native, NotSupported
from harness.adapters.catalogue import last_axis
from harness.forms.tensorflow import FORMS, STOPPED
from harness.options import repeated


def weights(like: Native, pattern: str | float, axis: int) -> Native:
    """Return a pattern along an axis of a tensor, in its dtype; of a number, the number. The length may be unknown."""
    if not isinstance(pattern, str):
        return pattern
    numbers = list(map(float, pattern.split()))
    return tf.gather(tf.constant(numbers, like.dtype), tf.range(tf.shape(like)[axis]) % len(numbers))


def kept_classes(mask: str, classes: int) -> list[int]:
    """Return the classes that a pattern leaves."""
    return [index for index, kept in enumerate(repeated(mask, classes)) if kept]


CATALOGUE = Catalogue("tensorflow", {"tf": tf, "keras": keras}, tf.reduce_sum, tf.reduce_mean, FORMS, weights)


BRIEF = ("normal", "offset", "confident")  # families of what is asked little


def integers(label_dtype: str) -> None:
    """Refuse labels of another dtype than the two that the kernel has."""
    if label_dtype not in {"int32", "int64"}:
        raise NotSupported(f"labels are {label_dtype}, expected int32 or int64")


@CATALOGUE.public("softmax", "tf.nn.softmax", "tf.compat.v1.nn.softmax", "tf.compat.v2.nn.softmax")
@CATALOGUE.public("log_softmax", "tf.nn.log_softmax", "tf.compat.v1.nn.log_softmax", "tf.compat.v2.nn.log_softmax")
def over_classes(function: Function, *, axis: int | None = None) -> Function:
    """Take the last axis where none is given."""
    return lambda logits: function(logits, axis=axis)


@CATALOGUE.public("sigmoid", "tf.math.sigmoid")
@CATALOGUE.public("log_sigmoid", "tf.math.log_sigmoid")
def on_logits(function: Function) -> Function:
    """Call with the logits alone."""
    return function


CATALOGUE.compose("softmax", "log_softmax")


@CATALOGUE.public("logsumexp", "tf.math.reduce_logsumexp")
def reduce_logsumexp(function: Function, *, axis: int = -1) -> Function:
    """Name the axis: without one, all axes are reduced."""
    return lambda logits: function(logits, axis=axis)


@CATALOGUE.public("logsumexp", "tf.experimental.numpy.logaddexp", "keras.ops.logaddexp", only=("two_class_gap",))
def of_two(function: Function) -> Function:
    """Build the function of two logits, each a tensor of its own."""
    return lambda logits: function(logits[..., 0], logits[..., 1])


@CATALOGUE.public("softmax", "keras.layers.Softmax", only=("mask",))
def masked_layer(layer: Any, *, mask: str) -> Function:
    """Make and call a layer that computes in the dtype of the logits; without a mask it is the activation."""

    def softmax(logits: Native) -> Native:
        kept = tf.broadcast_to(weights(logits, mask, -1) > 0, tf.shape(logits))
        return layer(axis=-1, dtype=logits.dtype.name)(logits, mask=kept)

    return softmax


@CATALOGUE.public("softmax", "tf.sparse.softmax", only=("mask",))
def sparse(function: Function, *, mask: str) -> Function:
    """Build the function of a sparse tensor, which has the classes that are not masked."""

    def dense(logits: Native) -> Native:
        kept = tf.broadcast_to(weights(logits, mask, -1) > 0, tf.shape(logits))
        places = tf.where(kept)
        tensor = tf.SparseTensor(places, tf.gather_nd(logits, places), tf.shape(logits, tf.int64))
        return tf.sparse.to_dense(function(tensor))

    return dense


CATALOGUE.compose("logsumexp", "log_sigmoid")


@CATALOGUE.public(
    "sparse_xent",
    "tf.nn.sparse_softmax_cross_entropy_with_logits",
    "tf.compat.v1.nn.sparse_softmax_cross_entropy_with_logits",
    "tf.compat.v2.nn.sparse_softmax_cross_entropy_with_logits",
)
def sparse_xent(
    function: Function, *, reduction: str = "none", axis: int = -1, rank: int = 2, label_dtype: str = "int64"
) -> Function:
    """Name the arguments, as TF 1 made everyone do; the classes are the last axis."""
    last_axis(axis, rank)
    integers(label_dtype)
    return CATALOGUE.reduced(lambda logits, labels: function(labels=labels, logits=logits), reduction)


@CATALOGUE.public("dense_xent", "tf.compat.v1.nn.softmax_cross_entropy_with_logits", grad_labels=STOPPED)
@CATALOGUE.public(
    "dense_xent",
    "tf.nn.softmax_cross_entropy_with_logits",
    "tf.compat.v1.nn.softmax_cross_entropy_with_logits_v2",
    "tf.compat.v2.nn.softmax_cross_entropy_with_logits",
)
def dense_xent(
    function: Function, *, reduction: str = "none", axis: int | None = None, label_dtype: str = ""
) -> Function:
    """Name the arguments, the axis where it is asked for; labels of any dtype are cast to that of the logits."""
    del label_dtype
    given = {} if axis is None else {"axis": axis}
    return CATALOGUE.reduced(lambda logits, labels: function(labels=labels, logits=logits, **given), reduction)


@CATALOGUE.public("dense_xent", "tf.raw_ops.SoftmaxCrossEntropyWithLogits", only=BRIEF)
@CATALOGUE.public("sparse_xent", "tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits", only=BRIEF)
def raw_losses(function: Function) -> Function:
    """Build a raw op that gives the losses and, beside them, their gradient."""
    return lambda logits, labels: function(features=logits, labels=labels).loss


CATALOGUE.compose("sparse_xent", "dense_xent", "linear_xent", "linear_dense_xent")


@CATALOGUE.public(
    "sigmoid_xent",
    "tf.nn.sigmoid_cross_entropy_with_logits",
    "tf.compat.v1.nn.sigmoid_cross_entropy_with_logits",
    "tf.compat.v2.nn.sigmoid_cross_entropy_with_logits",
)
def sigmoid_xent(function: Function, *, reduction: str = "none") -> Function:
    """Name the arguments, as TF 1 made everyone do."""
    return CATALOGUE.reduced(lambda logits, labels: function(labels=labels, logits=logits), reduction)


@CATALOGUE.public(
    "sigmoid_xent",
    "tf.nn.weighted_cross_entropy_with_logits",
    "tf.compat.v1.nn.weighted_cross_entropy_with_logits",
    "tf.compat.v2.nn.weighted_cross_entropy_with_logits",
)
def weighted_xent(function: Function, *, reduction: str = "none", pos_weight: float | str = 1.0) -> Function:
    """Weigh the positive term, by one number or class by class."""

    def losses(logits: Native, labels: Native) -> Native:
        return function(labels=labels, logits=logits, pos_weight=weights(logits, pos_weight, 1))

    return CATALOGUE.reduced(losses, reduction)


CATALOGUE.compose("sigmoid_xent")
