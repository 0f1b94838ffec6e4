"""TensorFlow's public functions, and the compositions of them that people write.

A function's spellings (`tf.nn`, `tf.compat.v1.nn`, `tf.compat.v2.nn`) are rows of their own, because readers look for
the one in their code; where two are one function object they share what is compiled. Apart from the adapter for length,
as are the losses with reductions and weights of their own.
"""

from __future__ import annotations

import keras  # type: ignore[import-untyped, unused-ignore]
import tensorflow as tf

from harness.adapters import Catalogue, Function, Native, NotSupported

CATALOGUE = Catalogue("tensorflow", {"tf": tf, "keras": keras})
STOPPED = "the labels gradient is stopped, its documentation says"


def reduced(losses: Function, reduction: str) -> Function:
    """Return the losses themselves, or their sum or mean as users take it: no loss of `tf.nn` has a reduction."""
    match reduction:
        case "none":
            return losses
        case "sum":
            return lambda logits, labels: tf.reduce_sum(losses(logits, labels))
        case "mean":
            return lambda logits, labels: tf.reduce_mean(losses(logits, labels))
    raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', 'mean'")


def last_axis(axis: int, rank: int) -> None:
    """Refuse another axis of the classes than the last."""
    if axis not in {-1, rank - 1}:
        raise NotSupported(f"axis is {axis} of {rank}, expected the last; it has no axis, or takes -1 alone")


def integers(label_dtype: str) -> None:
    """Refuse labels of another dtype than the two that the kernel has."""
    if label_dtype not in {"int32", "int64"}:
        raise NotSupported(f"labels are {label_dtype}, expected int32 or int64")


def weights(like: Native, pattern: str | float, axis: int) -> Native:
    """Return a pattern along an axis of a tensor, in its dtype; of a number, the number. The length may be unknown."""
    if not isinstance(pattern, str):
        return pattern
    numbers = list(map(float, pattern.split()))
    return tf.gather(tf.constant(numbers, like.dtype), tf.range(tf.shape(like)[axis]) % len(numbers))


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


@CATALOGUE.form("softmax", "tf.compat.v1.nn.softmax(logits, dim=-1)", "fused")
def softmax_dim(*, axis: int = -1) -> Function:
    """Name the axis as TF 1.4 and older did."""
    return lambda logits: tf.compat.v1.nn.softmax(logits, dim=axis)


@CATALOGUE.form("softmax", "tf.exp(logits) / tf.reduce_sum(tf.exp(logits))", "naive")
def softmax_unshifted() -> Function:
    """Overflow where a logit passes the logarithm of the largest float."""
    return lambda logits: tf.exp(logits) / tf.reduce_sum(tf.exp(logits), axis=-1, keepdims=True)


@CATALOGUE.form("log_softmax", "tf.math.log(tf.nn.softmax(logits))", "naive")
def log_of_softmax() -> Function:
    """Answer -inf where the softmax underflows."""
    return lambda logits: tf.math.log(tf.nn.softmax(logits))


@CATALOGUE.public("logsumexp", "tf.math.reduce_logsumexp")
def reduce_logsumexp(function: Function, *, axis: int = -1) -> Function:
    """Name the axis: without one, all axes are reduced."""
    return lambda logits: function(logits, axis=axis)


@CATALOGUE.form("logsumexp", "tf.math.log(tf.reduce_sum(tf.exp(logits)))", "naive")
def log_sum_exp() -> Function:
    """Overflow as the unshifted softmax does."""
    return lambda logits: tf.math.log(tf.reduce_sum(tf.exp(logits), axis=-1))


@CATALOGUE.form("log_sigmoid", "tf.math.log(tf.math.sigmoid(logits))", "naive")
def log_of_sigmoid() -> Function:
    """Answer -inf where the sigmoid underflows."""
    return lambda logits: tf.math.log(tf.math.sigmoid(logits))


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
    return reduced(lambda logits, labels: function(labels=labels, logits=logits), reduction)


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
    return reduced(lambda logits, labels: function(labels=labels, logits=logits, **given), reduction)


@CATALOGUE.form(
    "sparse_xent", "tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int32), logits)", "fused"
)
def sparse_xent_int32(
    *, reduction: str = "none", axis: int = -1, rank: int = 2, label_dtype: str = "int64"
) -> Function:
    """Take int32 labels, the other integer it documents; whatever they were before."""
    del label_dtype
    last_axis(axis, rank)
    function = tf.nn.sparse_softmax_cross_entropy_with_logits
    return reduced(lambda logits, labels: function(labels=tf.cast(labels, tf.int32), logits=logits), reduction)


@CATALOGUE.form("dense_xent", "tf.compat.v1.nn.softmax_cross_entropy_with_logits(dim=-1)", "fused", grad_labels=STOPPED)
def dense_xent_dim(*, reduction: str = "none", axis: int = -1, label_dtype: str = "") -> Function:
    """Name the axis as TF 1.4 and older did."""
    del label_dtype
    function = tf.compat.v1.nn.softmax_cross_entropy_with_logits
    return reduced(lambda logits, labels: function(labels=labels, logits=logits, dim=axis), reduction)


@CATALOGUE.form("sparse_xent", "tf.math.reduce_logsumexp(logits) - logits[label]", "composed")
def logsumexp_minus_logit(*, reduction: str = "none") -> Function:
    """Lose digits where the label's logit is far above the loss."""

    def losses(logits: Native, labels: Native) -> Native:
        return tf.math.reduce_logsumexp(logits, axis=-1) - tf.gather(logits, labels, batch_dims=1)

    return reduced(losses, reduction)


@CATALOGUE.form("sparse_xent", "-tf.reduce_sum(tf.one_hot(labels) * tf.nn.log_softmax(logits))", "composed")
def one_hot_log_softmax(*, reduction: str = "none") -> Function:
    """Pick the label's log-probability by a product with its one-hot row."""

    def losses(logits: Native, labels: Native) -> Native:
        one_hot = tf.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
        return -tf.reduce_sum(one_hot * tf.nn.log_softmax(logits), axis=-1)

    return reduced(losses, reduction)


@CATALOGUE.form("dense_xent", "-tf.reduce_sum(labels * tf.nn.log_softmax(logits))", "composed")
def labels_log_softmax(*, reduction: str = "none") -> Function:
    """Take the formula with the stable log-softmax."""
    return reduced(lambda logits, labels: -tf.reduce_sum(labels * tf.nn.log_softmax(logits), axis=-1), reduction)


@CATALOGUE.form("dense_xent", "-tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits)))", "naive")
def labels_log_of_softmax(*, reduction: str = "none") -> Function:
    """Take the softmax, then log, then sum: what everyone writes first."""
    log_softmax = log_of_softmax()
    return reduced(lambda logits, labels: -tf.reduce_sum(labels * log_softmax(logits), axis=-1), reduction)


@CATALOGUE.form("dense_xent", "-tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits) + 1e-7))", "naive")
def labels_log_of_softmax_epsilon(*, reduction: str = "none") -> Function:
    """Add an epsilon against log(0), which caps the loss at 16.1 and its gradient at nothing."""

    def losses(logits: Native, labels: Native) -> Native:
        return -tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits) + 1e-7), axis=-1)

    return reduced(losses, reduction)


@CATALOGUE.form("dense_xent", "tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(logits))", "misuse")
def double_softmax(*, reduction: str = "none") -> Function:
    """Hand probabilities to the function that takes logits."""
    function = tf.nn.softmax_cross_entropy_with_logits
    return reduced(lambda logits, labels: function(labels=labels, logits=tf.nn.softmax(logits)), reduction)


@CATALOGUE.form("dense_xent", "-tf.reduce_sum(labels * tf.math.log(logits))", "misuse")
def log_of_logits(*, reduction: str = "none") -> Function:
    """Take logits for probabilities: nan where one is negative."""
    return reduced(lambda logits, labels: -tf.reduce_sum(labels * tf.math.log(logits), axis=-1), reduction)


@CATALOGUE.public(
    "sigmoid_xent",
    "tf.nn.sigmoid_cross_entropy_with_logits",
    "tf.compat.v1.nn.sigmoid_cross_entropy_with_logits",
    "tf.compat.v2.nn.sigmoid_cross_entropy_with_logits",
)
def sigmoid_xent(function: Function, *, reduction: str = "none") -> Function:
    """Name the arguments, as TF 1 made everyone do."""
    return reduced(lambda logits, labels: function(labels=labels, logits=logits), reduction)


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

    return reduced(losses, reduction)


@CATALOGUE.form("sigmoid_xent", "-labels * log(sigmoid) - (1 - labels) * log(1 - sigmoid)", "naive")
def log_of_sigmoid_both_terms() -> Function:
    """Take the formula with the probabilities: 0 * -inf where the sigmoid is 0 or 1."""

    def losses(logits: Native, labels: Native) -> Native:
        positive = tf.math.sigmoid(logits)
        return -labels * tf.math.log(positive) - (1 - labels) * tf.math.log(1 - positive)

    return losses


@CATALOGUE.form("sigmoid_xent", "-labels * log(sigmoid)", "misuse")
def log_of_sigmoid_positive_term() -> Function:
    """Forget that a label of 0 has a loss too."""
    return lambda logits, labels: -labels * tf.math.log(tf.math.sigmoid(logits))
