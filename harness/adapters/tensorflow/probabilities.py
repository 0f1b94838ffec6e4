"""The losses of given probabilities: `tf.compat.v1.losses.log_loss`, and Keras's without `from_logits`."""

from __future__ import annotations

from typing import Any

from harness.adapters import Function, Native
from harness.adapters.tensorflow.functions import CATALOGUE
from harness.adapters.tensorflow.losses import REDUCTIONS


@CATALOGUE.public("binary_prob_xent", "tf.compat.v1.losses.log_loss")
def log_loss(function: Function) -> Function:
    """Name the reduction: its default is a mean over the weights that are not 0."""
    return lambda probabilities, labels: function(labels, probabilities, reduction=REDUCTIONS["none"])


@CATALOGUE.public("sparse_prob_xent", "keras.losses.sparse_categorical_crossentropy")
@CATALOGUE.public("dense_prob_xent", "keras.losses.categorical_crossentropy")
@CATALOGUE.public("binary_prob_xent", "keras.ops.binary_crossentropy")
def keras_losses(function: Function) -> Function:
    """Turn the arguments round; probabilities are what it takes by default."""
    return lambda probabilities, labels: function(labels, probabilities)


@CATALOGUE.public("sparse_prob_xent", "keras.losses.SparseCategoricalCrossentropy")
@CATALOGUE.public("dense_prob_xent", "keras.losses.CategoricalCrossentropy")
def keras_class(loss: Any) -> Function:
    """Make and call a loss object, unreduced, in the dtype of the probabilities."""

    def losses(probabilities: Native, labels: Native) -> Native:
        return loss(reduction="none", dtype=probabilities.dtype.name)(labels, probabilities)

    return losses


CATALOGUE.compose("sparse_prob_xent", "dense_prob_xent", "binary_prob_xent")
