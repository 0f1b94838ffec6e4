"""Keras on jax, in a process of its own."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
import optax

from harness.adapters import Function, Native
from harness.adapters.jax.functions import CATALOGUE
from harness.adapters.keras import spell

VERSIONS = {"keras": keras.__version__}
ONE_HOT = "optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels))"
BINARY = "-labels * jax.nn.log_sigmoid(logits) - (1 - labels) * jax.nn.log_sigmoid(-logits)"


def of_cast_labels() -> Function:
    """Build what the object is the same as: it casts labels to its dtype, and the backend casts them back."""

    def losses(logits: Native, labels: Native) -> Native:
        one_hot = jax.nn.one_hot(labels.astype(logits.dtype).astype(jnp.int32), logits.shape[-1])
        return optax.softmax_cross_entropy(logits, one_hot)

    return losses


def binary() -> Function:
    """Build the composition with -1.0 * labels for -labels, which is the same number."""
    return lambda logits, labels: (
        -1.0 * labels * jax.nn.log_sigmoid(logits) - (1.0 - labels) * jax.nn.log_sigmoid(-logits)
    )


def mean(*, reduction: str) -> Function:
    """Build what binary_crossentropy is the same as."""
    del reduction
    losses = binary()

    def function(logits: Native, labels: Native) -> Native:
        return jnp.mean(losses(logits, labels), axis=-1)

    return function


spell(
    CATALOGUE,
    keras,
    {
        "softmax": ("jax.nn.softmax", None, ""),
        "log_softmax": ("jax.nn.log_softmax", None, ""),
        "logsumexp": ("jax.nn.logsumexp", None, ""),
        "logaddexp": ("jnp.logaddexp", None, ""),
        "sigmoid": ("jax.nn.sigmoid", None, ""),
        "log_sigmoid": ("jax.nn.log_sigmoid", None, ""),
        "softplus": ("-jax.nn.softplus(-logits)", None, ""),
        "dense_xent": ("-sum(labels * jax.nn.log_softmax(logits))", None, ""),
        "sparse_xent": (ONE_HOT, None, ""),
        "sparse_xent object": (
            ONE_HOT,
            of_cast_labels,
            f"{ONE_HOT} of labels cast to the dtype of the logits and back",
        ),
        "sigmoid_xent": (BINARY, binary, ""),
        "mean": (BINARY, mean, f"the mean of {BINARY} over the last axis"),
    },
    sparse_xent=("float32", "float64"),  # one-hot labels are float32, so that losses of narrower logits are too
    mean=("float16", "bfloat16", "float32"),  # Keras's mean of float64 goes through float32
    logaddexp=("float16", "bfloat16", "float32"),  # float64 goes through float32
)
