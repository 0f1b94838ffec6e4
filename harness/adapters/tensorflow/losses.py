"""The losses that reduce and weigh: `tf.compat.v1.losses`, and Keras's functions and classes.

A loss class of Keras computes in float32 unless told otherwise, so it is told the dtype of the logits.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from harness.adapters import Function, Native, NotSupported
from harness.adapters.catalogue import last_axis
from harness.adapters.tensorflow.functions import CATALOGUE, integers, weights
from harness.forms.tensorflow import STOPPED

OWN = tf.compat.v1.losses.Reduction
REDUCTIONS = {
    "none": OWN.NONE,
    "sum": OWN.SUM,
    "mean": OWN.SUM_OVER_BATCH_SIZE,
    "mean_nonzero": OWN.SUM_BY_NONZERO_WEIGHTS,
    "mean_sampleweight": OWN.MEAN,
}


def own_reduction(reduction: str, known: dict[str, str]) -> str:
    """Return a loss's own name of a reduction."""
    if reduction not in known:
        raise NotSupported(f"reduction is {reduction!r}, expected one of {', '.join(map(repr, known))}")
    return known[reduction]


@CATALOGUE.public("sparse_xent", "tf.compat.v1.losses.sparse_softmax_cross_entropy")
def losses_sparse_xent(
    function: Function,
    *,
    reduction: str = "none",
    sample_weight: str = "",
    axis: int = -1,
    rank: int = 2,
    label_dtype: str = "int64",
) -> Function:
    """Weigh the rows; a label to be ignored has to be a valid one all the same."""
    last_axis(axis, rank)
    integers(label_dtype)
    given = {"reduction": own_reduction(reduction, REDUCTIONS)}
    return lambda logits, labels: function(labels, logits, weights(logits, sample_weight or 1.0, 0), **given)


@CATALOGUE.public("dense_xent", "tf.compat.v1.losses.softmax_cross_entropy", grad_labels=STOPPED)
def losses_dense_xent(
    function: Function,
    *,
    reduction: str = "none",
    sample_weight: str = "",
    label_smoothing: float = 0,
    axis: int = -1,
    rank: int = 2,
    label_dtype: str = "",
) -> Function:
    """Weigh the rows, and smooth towards 1 / classes."""
    del label_dtype  # cast to the logits'
    last_axis(axis, rank)
    given = {"reduction": own_reduction(reduction, REDUCTIONS), "label_smoothing": label_smoothing}
    return lambda logits, labels: function(labels, logits, weights(logits, sample_weight or 1.0, 0), **given)


@CATALOGUE.public("sigmoid_xent", "tf.compat.v1.losses.sigmoid_cross_entropy")
def losses_sigmoid_xent(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    sample_weight: str = "",
    label_smoothing: float = 0,
    label_dtype: str = "",
) -> Function:
    """Weigh the elements, by class or by row, and smooth towards 1 / 2; its default is a mean over those that weigh."""
    del label_dtype  # cast to the logits'
    given = {"reduction": own_reduction(reduction, REDUCTIONS), "label_smoothing": label_smoothing}

    def losses(logits: Native, labels: Native) -> Native:
        by_row = weights(logits, sample_weight, 0)[:, None] if sample_weight else 1.0
        by_class = weights(logits, class_weight, 1)[None, :] if class_weight else 1.0
        return function(labels, logits, by_row * by_class, **given)

    return losses


@CATALOGUE.public("sparse_xent", "keras.losses.sparse_categorical_crossentropy")
def keras_sparse_xent(
    function: Function,
    *,
    reduction: str = "none",
    ignore_index: int | None = None,
    axis: int = -1,
    rank: int = 2,
    label_dtype: str = "",
) -> Function:
    """Ask the function: the class beside it has the reductions."""
    del label_dtype  # cast to int64
    last_axis(axis, rank)
    given = {"from_logits": True, "ignore_class": ignore_index, "axis": axis}
    return CATALOGUE.reduced(lambda logits, labels: function(labels, logits, **given), reduction)


@CATALOGUE.public("dense_xent", "keras.losses.categorical_crossentropy")
def keras_dense_xent(
    function: Function,
    *,
    reduction: str = "none",
    label_smoothing: float = 0.0,
    axis: int = -1,
    label_dtype: str = "",
) -> Function:
    """Ask the function: the class beside it has the reductions."""
    del label_dtype  # cast to the logits'
    given = {"from_logits": True, "label_smoothing": label_smoothing, "axis": axis}
    return CATALOGUE.reduced(lambda logits, labels: function(labels, logits, **given), reduction)


@CATALOGUE.public("sigmoid_xent", "keras.ops.binary_crossentropy")
def keras_sigmoid_xent(function: Function, *, reduction: str = "none") -> Function:
    """Ask the op: the loss of this name takes a mean over the last axis."""
    return CATALOGUE.reduced(lambda logits, labels: function(labels, logits, from_logits=True), reduction)


@CATALOGUE.public("sigmoid_xent", "keras.losses.binary_crossentropy")
def keras_mean_sigmoid_xent(
    function: Function, *, reduction: str = "none", label_smoothing: float = 0.0, label_dtype: str = ""
) -> Function:
    """Ask for the one thing it gives: the mean over the last axis."""
    del label_dtype  # cast to the logits'
    own_reduction(reduction, {"mean_axis": ""})
    return lambda logits, labels: function(labels, logits, from_logits=True, label_smoothing=label_smoothing)


@CATALOGUE.public("sparse_xent", "keras.losses.SparseCategoricalCrossentropy")
def keras_sparse_class(
    loss: Any,
    *,
    reduction: str = "none",
    sample_weight: str = "",
    ignore_index: int | None = None,
    axis: int = -1,
    rank: int = 2,
    label_dtype: str = "",
) -> Function:
    """Weigh the rows; the mean is over those that are not ignored."""
    del label_dtype  # cast to the loss's
    last_axis(axis, rank)
    mean = "mean" if ignore_index is None else "mean_valid"
    known = {"none": "none", "sum": "sum", mean: "sum_over_batch_size"}
    if ignore_index is None:
        known["mean_sampleweight"] = "mean_with_sample_weight"
    given = {"reduction": own_reduction(reduction, known), "ignore_class": ignore_index, "axis": axis}
    return keras_loss(loss, sample_weight, given)


@CATALOGUE.public("dense_xent", "keras.losses.CategoricalCrossentropy")
def keras_dense_class(
    loss: Any,
    *,
    reduction: str = "none",
    sample_weight: str = "",
    label_smoothing: float = 0.0,
    axis: int = -1,
    label_dtype: str = "",
) -> Function:
    """Weigh the rows, and smooth towards 1 / classes; the mean is over all rows, or over the weights."""
    del label_dtype  # cast to the loss's
    known = {
        "none": "none",
        "sum": "sum",
        "mean": "sum_over_batch_size",
        "mean_sampleweight": "mean_with_sample_weight",
    }
    own = own_reduction(reduction, known)
    return keras_loss(loss, sample_weight, {"reduction": own, "label_smoothing": label_smoothing, "axis": axis})


@CATALOGUE.public("sigmoid_xent", "keras.losses.BinaryCrossentropy")
def keras_sigmoid_class(
    loss: Any,
    *,
    reduction: str = "none",
    sample_weight: str = "",
    label_smoothing: float = 0.0,
    label_dtype: str = "",
) -> Function:
    """Weigh the rows, each the mean of its elements, and smooth towards 1 / 2; a sum would be one of these means."""
    del label_dtype  # cast to the loss's
    known = {"mean_axis": "none", "mean": "sum_over_batch_size", "mean_sampleweight": "mean_with_sample_weight"}
    given = {"reduction": own_reduction(reduction, known), "label_smoothing": label_smoothing}
    return keras_loss(loss, sample_weight, given)


def keras_loss(loss: Any, sample_weight: str, given: dict[str, Any]) -> Function:
    """Make and call a loss object, as a training loop does."""

    def losses(logits: Native, labels: Native) -> Native:
        by_row = weights(logits, sample_weight, 0) if sample_weight else None
        return loss(from_logits=True, dtype=logits.dtype.name, **given)(labels, logits, sample_weight=by_row)

    return losses
