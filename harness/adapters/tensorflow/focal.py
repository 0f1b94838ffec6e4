"""Keras's focal and generalized losses, and the loss of sampled classes where the sample is given."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from harness.adapters import Function, Native
from harness.adapters.tensorflow.functions import CATALOGUE, kept_classes


def balanced(alpha: float | None) -> dict[str, Any]:
    """Name the weights of a label of 1 and of one of 0, which are asked for apart from their number."""
    return {} if alpha is None else {"apply_class_balancing": True, "alpha": alpha}


@CATALOGUE.public("sigmoid_focal_xent", "keras.losses.binary_focal_crossentropy")
def binary_focal(function: Function, *, gamma: float = 2.0, alpha: float | None = None) -> Function:
    """Ask for the mean over an axis of length 1, as it takes one."""

    def losses(logits: Native, labels: Native) -> Native:
        given = {"from_logits": True, "gamma": gamma, **balanced(alpha)}
        return function(labels[..., None], logits[..., None], **given)

    return losses


@CATALOGUE.public("sigmoid_focal_xent", "keras.losses.BinaryFocalCrossentropy")
def binary_focal_class(loss: Any, *, gamma: float = 2.0, alpha: float | None = None) -> Function:
    """Make and call a loss object, whose losses are means over an axis of length 1."""

    def losses(logits: Native, labels: Native) -> Native:
        given = {"from_logits": True, "gamma": gamma, "reduction": "none", **balanced(alpha)}
        return loss(dtype=logits.dtype.name, **given)(labels[..., None], logits[..., None])

    return losses


@CATALOGUE.public("sigmoid_focal_xent", "tf.keras.backend.binary_focal_crossentropy")
def legacy_binary_focal(function: Function, *, gamma: float = 2.0, alpha: float | None = None) -> Function:
    """Turn the arguments round; it takes no mean."""
    given = {"from_logits": True, "gamma": gamma, **balanced(alpha)}
    return lambda logits, labels: function(labels, logits, **given)


@CATALOGUE.public("focal_xent", "keras.losses.categorical_focal_crossentropy")
@CATALOGUE.public("focal_xent", "tf.keras.backend.categorical_focal_crossentropy")
def categorical_focal(function: Function, *, gamma: float = 2.0, alpha: float = 1.0) -> Function:
    """Name the factor: its default is 1/4."""
    return lambda logits, labels: function(labels, logits, from_logits=True, gamma=gamma, alpha=alpha)


@CATALOGUE.public("focal_xent", "keras.losses.CategoricalFocalCrossentropy")
def categorical_focal_class(loss: Any, *, gamma: float = 2.0, alpha: float = 1.0) -> Function:
    """Make and call a loss object, unreduced, in the dtype of the logits."""

    def losses(logits: Native, labels: Native) -> Native:
        given = {"from_logits": True, "gamma": gamma, "alpha": alpha, "reduction": "none"}
        return loss(dtype=logits.dtype.name, **given)(labels, logits)

    return losses


@CATALOGUE.public("generalized_prob_xent", "keras.losses.categorical_generalized_cross_entropy")
def generalized(function: Function) -> Function:
    """Name the exponent, which has no default."""
    return lambda probabilities, labels: function(labels, probabilities, q=0.5)


@CATALOGUE.public("generalized_prob_xent", "keras.losses.CategoricalGeneralizedCrossEntropy")
def generalized_class(loss: Any) -> Function:
    """Make and call a loss object, unreduced, in the dtype of the probabilities."""

    def losses(probabilities: Native, labels: Native) -> Native:
        return loss(q=0.5, reduction="none", dtype=probabilities.dtype.name)(labels, probabilities)

    return losses


@CATALOGUE.public("sparse_xent", "tf.nn.sampled_softmax_loss", "tf.compat.v1.nn.sampled_softmax_loss", only=("mask",))
def sampled(function: Function, *, mask: str) -> Function:
    """Build the loss of a sample that is given: the classes that are not masked, each expected once.

    Weights of ones and zeros make logits of inputs; the label's own class is taken out of the sample.
    """

    def losses(logits: Native, labels: Native) -> Native:
        classes = logits.shape[-1]
        chosen = kept_classes(mask, classes)
        return function(
            weights=tf.eye(classes, dtype=logits.dtype),
            biases=tf.zeros(classes, logits.dtype),
            labels=tf.cast(labels, tf.int64)[:, None],
            inputs=logits,
            num_sampled=len(chosen),
            num_classes=classes,
            sampled_values=(
                tf.constant(chosen, tf.int64),
                tf.ones_like(labels, tf.float32)[:, None],
                tf.ones(len(chosen), tf.float32),
            ),
            remove_accidental_hits=True,
        )

    return losses


CATALOGUE.compose("poly_xent", "entropy", "bernoulli_entropy")
