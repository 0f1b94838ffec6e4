"""TensorFlow's public functions, and the compositions of them that people write.

A function's spellings (`tf.nn`, `tf.compat.v1.nn`, `tf.compat.v2.nn`) are rows of their own, because readers look for
the one in their code; where two are one function object they share what is compiled. Apart from the adapter for length.
"""

from __future__ import annotations

from functools import partial

import keras  # type: ignore[import-untyped, unused-ignore]  # noqa: F401 - rows are looked up by their names
import tensorflow as tf

from harness.adapters import Catalogue, Function, Native, NotSupported

CATALOGUE = Catalogue("tensorflow")
STOPPED = "the labels gradient is stopped, its documentation says"
public = partial(CATALOGUE.public, within=globals())
form = CATALOGUE.form


def reduced(losses: Function, reduction: str) -> Function:
    """Return the losses (rows,) themselves, or their mean as users take it: no loss of `tf.nn` has a reduction."""
    match reduction:
        case "none":
            return losses
        case "mean":
            return lambda logits, labels: tf.reduce_mean(losses(logits, labels))
    raise NotSupported(f"reduction is {reduction!r}, expected 'none' or 'mean'")


@public("softmax", "tf.nn.softmax", "tf.compat.v1.nn.softmax", "tf.compat.v2.nn.softmax")
@public("log_softmax", "tf.nn.log_softmax", "tf.compat.v1.nn.log_softmax", "tf.compat.v2.nn.log_softmax")
@public("sigmoid", "tf.math.sigmoid")
@public("log_sigmoid", "tf.math.log_sigmoid")
def on_logits(function: Function) -> Function:
    """Call with the logits alone; the softmaxes take the last axis where none is given."""
    return function


@form("softmax", "tf.compat.v1.nn.softmax(logits, dim=-1)", "fused")
def softmax_dim() -> Function:
    """Name the axis as TF 1.4 and older did."""
    return lambda logits: tf.compat.v1.nn.softmax(logits, dim=-1)


@form("softmax", "tf.exp(logits) / tf.reduce_sum(tf.exp(logits))", "naive")
def softmax_unshifted() -> Function:
    """Overflow where a logit passes the logarithm of the largest float."""
    return lambda logits: tf.exp(logits) / tf.reduce_sum(tf.exp(logits), axis=-1, keepdims=True)


@form("log_softmax", "tf.math.log(tf.nn.softmax(logits))", "naive")
def log_of_softmax() -> Function:
    """Answer -inf where the softmax underflows."""
    return lambda logits: tf.math.log(tf.nn.softmax(logits))


@public("logsumexp", "tf.math.reduce_logsumexp")
def reduce_logsumexp(function: Function) -> Function:
    """Name the axis: without one, all axes are reduced."""
    return lambda logits: function(logits, axis=-1)


@form("logsumexp", "tf.math.log(tf.reduce_sum(tf.exp(logits)))", "naive")
def log_sum_exp() -> Function:
    """Overflow as the unshifted softmax does."""
    return lambda logits: tf.math.log(tf.reduce_sum(tf.exp(logits), axis=-1))


@form("log_sigmoid", "tf.math.log(tf.math.sigmoid(logits))", "naive")
def log_of_sigmoid() -> Function:
    """Answer -inf where the sigmoid underflows."""
    return lambda logits: tf.math.log(tf.math.sigmoid(logits))


@public("dense_xent", "tf.compat.v1.nn.softmax_cross_entropy_with_logits", grad_labels=STOPPED)
@public(
    "sparse_xent",
    "tf.nn.sparse_softmax_cross_entropy_with_logits",
    "tf.compat.v1.nn.sparse_softmax_cross_entropy_with_logits",
    "tf.compat.v2.nn.sparse_softmax_cross_entropy_with_logits",
)
@public(
    "dense_xent",
    "tf.nn.softmax_cross_entropy_with_logits",
    "tf.compat.v1.nn.softmax_cross_entropy_with_logits_v2",
    "tf.compat.v2.nn.softmax_cross_entropy_with_logits",
)
def softmax_xent(function: Function, *, reduction: str = "none") -> Function:
    """Name the arguments, as TF 1 made everyone do."""
    return reduced(lambda logits, labels: function(labels=labels, logits=logits), reduction)


@form("sparse_xent", "tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int32), logits)", "fused")
def sparse_xent_int32(*, reduction: str = "none") -> Function:
    """Take int32 labels, the other integer it documents."""
    function = tf.nn.sparse_softmax_cross_entropy_with_logits
    return reduced(lambda logits, labels: function(labels=tf.cast(labels, tf.int32), logits=logits), reduction)


@form("dense_xent", "tf.compat.v1.nn.softmax_cross_entropy_with_logits(dim=-1)", "fused", grad_labels=STOPPED)
def dense_xent_dim(*, reduction: str = "none") -> Function:
    """Name the axis as TF 1.4 and older did."""
    function = tf.compat.v1.nn.softmax_cross_entropy_with_logits
    return reduced(lambda logits, labels: function(labels=labels, logits=logits, dim=-1), reduction)


@public("sparse_xent", "tf.compat.v1.losses.sparse_softmax_cross_entropy")
@public("dense_xent", "tf.compat.v1.losses.softmax_cross_entropy", grad_labels=STOPPED)
def losses_xent(function: Function, *, reduction: str = "none") -> Function:
    """Ask by the loss's own reduction, which has the mean over the rows as SUM_OVER_BATCH_SIZE."""
    own = tf.compat.v1.losses.Reduction
    reductions = {"none": own.NONE, "mean": own.SUM_OVER_BATCH_SIZE}
    if reduction not in reductions:
        raise NotSupported(f"reduction is {reduction!r}, expected one of {', '.join(map(repr, reductions))}")
    return lambda logits, labels: function(labels, logits, reduction=reductions[reduction])


@public("sparse_xent", "keras.losses.sparse_categorical_crossentropy")
@public("dense_xent", "keras.losses.categorical_crossentropy")
def keras_xent(function: Function, *, reduction: str = "none") -> Function:
    """Ask the function: the class beside it, which has a reduction, casts to float32."""
    return reduced(lambda logits, labels: function(labels, logits, from_logits=True), reduction)


@form("sparse_xent", "tf.math.reduce_logsumexp(logits) - logits[label]", "composed")
def logsumexp_minus_logit(*, reduction: str = "none") -> Function:
    """Lose digits where the label's logit is far above the loss."""

    def losses(logits: Native, labels: Native) -> Native:
        return tf.math.reduce_logsumexp(logits, axis=-1) - tf.gather(logits, labels, batch_dims=1)

    return reduced(losses, reduction)


@form("sparse_xent", "-tf.reduce_sum(tf.one_hot(labels) * tf.nn.log_softmax(logits))", "composed")
def one_hot_log_softmax(*, reduction: str = "none") -> Function:
    """Pick the label's log-probability by a product with its one-hot row."""

    def losses(logits: Native, labels: Native) -> Native:
        one_hot = tf.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
        return -tf.reduce_sum(one_hot * tf.nn.log_softmax(logits), axis=-1)

    return reduced(losses, reduction)


@form("dense_xent", "-tf.reduce_sum(labels * tf.nn.log_softmax(logits))", "composed")
def labels_log_softmax(*, reduction: str = "none") -> Function:
    """Take the formula with the stable log-softmax."""
    return reduced(lambda logits, labels: -tf.reduce_sum(labels * tf.nn.log_softmax(logits), axis=-1), reduction)


@form("dense_xent", "-tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits)))", "naive")
def labels_log_of_softmax(*, reduction: str = "none") -> Function:
    """Take the softmax, then log, then sum: what everyone writes first."""
    log_softmax = log_of_softmax()
    return reduced(lambda logits, labels: -tf.reduce_sum(labels * log_softmax(logits), axis=-1), reduction)


@form("dense_xent", "-tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits) + 1e-7))", "naive")
def labels_log_of_softmax_epsilon(*, reduction: str = "none") -> Function:
    """Add an epsilon against log(0), which caps the loss at 16.1 and its gradient at nothing."""

    def losses(logits: Native, labels: Native) -> Native:
        return -tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits) + 1e-7), axis=-1)

    return reduced(losses, reduction)


@form("dense_xent", "tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(logits))", "misuse")
def double_softmax(*, reduction: str = "none") -> Function:
    """Hand probabilities to the function that takes logits."""
    function = tf.nn.softmax_cross_entropy_with_logits
    return reduced(lambda logits, labels: function(labels=labels, logits=tf.nn.softmax(logits)), reduction)


@form("dense_xent", "-tf.reduce_sum(labels * tf.math.log(logits))", "misuse")
def log_of_logits(*, reduction: str = "none") -> Function:
    """Take logits for probabilities: nan where one is negative."""
    return reduced(lambda logits, labels: -tf.reduce_sum(labels * tf.math.log(logits), axis=-1), reduction)


@public(
    "sigmoid_xent",
    "tf.nn.sigmoid_cross_entropy_with_logits",
    "tf.compat.v1.nn.sigmoid_cross_entropy_with_logits",
    "tf.compat.v2.nn.sigmoid_cross_entropy_with_logits",
)
def sigmoid_xent(function: Function) -> Function:
    """Name the arguments, as TF 1 made everyone do."""
    return lambda logits, labels: function(labels=labels, logits=logits)


@public(
    "sigmoid_xent",
    "tf.nn.weighted_cross_entropy_with_logits",
    "tf.compat.v1.nn.weighted_cross_entropy_with_logits",
    "tf.compat.v2.nn.weighted_cross_entropy_with_logits",
)
def weighted_xent(function: Function, *, pos_weight: float = 1.0) -> Function:
    """Weigh the positive term."""
    return lambda logits, labels: function(labels=labels, logits=logits, pos_weight=pos_weight)


@public("sigmoid_xent", "tf.compat.v1.losses.sigmoid_cross_entropy")
def losses_sigmoid_xent(function: Function) -> Function:
    """Ask for the elements, where the default is a mean over those with a weight."""
    return lambda logits, labels: function(labels, logits, reduction=tf.compat.v1.losses.Reduction.NONE)


@public("sigmoid_xent", "keras.ops.binary_crossentropy")
def keras_sigmoid_xent(function: Function) -> Function:
    """Ask the op: the loss of this name takes a mean over the last axis."""
    return lambda logits, labels: function(labels, logits, from_logits=True)


@form("sigmoid_xent", "-labels * log(sigmoid) - (1 - labels) * log(1 - sigmoid)", "naive")
def log_of_sigmoid_both_terms() -> Function:
    """Take the formula with the probabilities: 0 * -inf where the sigmoid is 0 or 1."""

    def losses(logits: Native, labels: Native) -> Native:
        positive = tf.math.sigmoid(logits)
        return -labels * tf.math.log(positive) - (1 - labels) * tf.math.log(1 - positive)

    return losses


@form("sigmoid_xent", "-labels * log(sigmoid)", "misuse")
def log_of_sigmoid_positive_term() -> Function:
    """Forget that a label of 0 has a loss too."""
    return lambda logits, labels: -labels * tf.math.log(tf.math.sigmoid(logits))
