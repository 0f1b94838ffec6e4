"""JAX's and optax's public functions: what each is called with for an op's options."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

from harness.adapters import Catalogue, Function, Native, NotSupported
from harness.forms.jax import FORMS
from harness.options import repeated


def weights(like: Native, pattern: str, axis: int) -> Native:
    """Return a pattern along an axis of an array, in its dtype."""
    return jnp.asarray(repeated(pattern, like.shape[axis]), like.dtype)


CATALOGUE = Catalogue("jax", {"jax": jax, "jnp": jnp, "optax": optax}, jnp.sum, jnp.mean, FORMS, weights)


@CATALOGUE.public("softmax", "jax.nn.softmax")
@CATALOGUE.public("log_softmax", "jax.nn.log_softmax")
@CATALOGUE.public("logsumexp", "jax.nn.logsumexp", "jax.scipy.special.logsumexp")
def over_classes(function: Function, *, axis: int = -1, mask: str = "") -> Function:
    """Build a function of one axis; logsumexp would take all of them."""
    if not mask:
        return lambda logits: function(logits, axis=axis)
    return lambda logits: function(logits, axis=axis, where=unmasked(logits, mask, axis))


@CATALOGUE.public("logsumexp", "jnp.logaddexp", only=("two_class_gap",))
def of_two(function: Function) -> Function:
    """Build the function of two logits, each an array of its own."""
    return lambda logits: function(logits[..., 0], logits[..., 1])


def unmasked(logits: Native, mask: str, axis: int) -> Native:
    """Return a mask of the logits' shape, as optax's losses want it."""
    kept = jnp.asarray(repeated(mask, logits.shape[axis])) > 0
    return jnp.broadcast_to(jnp.expand_dims(kept, range(1, logits.ndim - axis % logits.ndim)), logits.shape)


@CATALOGUE.public("sigmoid", "jax.nn.sigmoid")
@CATALOGUE.public("log_sigmoid", "jax.nn.log_sigmoid")
def elementwise(function: Function) -> Function:
    """Build a function of every element."""
    return function


@CATALOGUE.public("sparse_xent", "optax.softmax_cross_entropy_with_integer_labels")
def of_integer_labels(
    function: Function,
    *,
    reduction: str = "none",
    axis: int = -1,
    mask: str = "",
    ignore_index: int | None = None,
    label_dtype: str = "int32",
) -> Function:
    """Build the losses; `where` takes a mask of the classes or, of the labels' shape, the rows that count."""
    if np.dtype(label_dtype).kind not in "iu":
        raise NotSupported(f"labels are {label_dtype}, expected an integer dtype")
    if mask and ignore_index is not None:
        raise NotSupported("a mask and an ignored label are both `where`, expected one of them")

    def losses(logits: Native, labels: Native) -> Native:
        where = unmasked(logits, mask, axis) if mask else None
        if ignore_index is not None:
            where = labels != ignore_index
        return function(logits, labels, axis=axis, where=where)

    return CATALOGUE.reduced(losses, reduction)


@CATALOGUE.public("dense_xent", "optax.softmax_cross_entropy")
def of_distributions(
    function: Function, *, reduction: str = "none", axis: int = -1, mask: str = "", label_dtype: str = ""
) -> Function:
    """Build the losses; labels of any numeric dtype are taken as they are."""
    del label_dtype

    def losses(logits: Native, labels: Native) -> Native:
        return function(logits, labels, axis=axis, where=unmasked(logits, mask, axis) if mask else None)

    return CATALOGUE.reduced(losses, reduction)


@CATALOGUE.public("dense_xent", "optax.safe_softmax_cross_entropy")
@CATALOGUE.public("sigmoid_xent", "optax.sigmoid_binary_cross_entropy")
def without_options(function: Function, *, reduction: str = "none", label_dtype: str = "") -> Function:
    """Build the losses; labels of any numeric dtype are taken as they are."""
    del label_dtype
    return CATALOGUE.reduced(function, reduction)


CATALOGUE.compose()
