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
def over_classes(function: Function, *, axis: int = -1, mask: str = "") -> Function:
    """Build a function of one axis; logsumexp would take all of them."""
    if not mask:
        return lambda logits: function(logits, axis=axis)
    return lambda logits: function(logits, axis=axis, where=unmasked(logits, mask, axis))


@CATALOGUE.public("logsumexp", "jax.nn.logsumexp", "jax.scipy.special.logsumexp")
def logsumexp(function: Function, *, axis: int = -1, mask: str = "", term_weight: str = "") -> Function:
    """Build the function of one axis, with a factor of each class's exponential where that is asked."""
    if not term_weight:
        return over_classes(function, axis=axis, mask=mask)
    if mask:
        raise NotSupported("a mask and weights of the terms are not asked together, expected one of them")
    return lambda logits: function(logits, axis=axis, b=weights(logits, term_weight, axis))


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


@CATALOGUE.public("kl_div", "optax.losses.kl_divergence", only=("reduction",))
def divergence(function: Function, *, reduction: str, log_target: bool = False) -> Function:
    """Build the sum over a row of labels that are probabilities."""
    over_a_row(reduction)
    if log_target:
        raise NotSupported("labels are logarithms, expected probabilities; kl_divergence_with_log_targets takes them")
    return function


@CATALOGUE.public("kl_div", "optax.losses.kl_divergence_with_log_targets", only=("reduction",))
def divergence_of_logarithms(function: Function, *, reduction: str, log_target: bool = False) -> Function:
    """Build the sum over a row of labels that are logarithms of probabilities."""
    over_a_row(reduction)
    if not log_target:
        raise NotSupported("labels are probabilities, expected their logarithms; kl_divergence takes them")
    return function


def over_a_row(reduction: str) -> None:
    """Refuse another reduction than the only one that optax's divergences have."""
    if reduction != "sum_axis":
        raise NotSupported(f"reduction is {reduction!r}, expected 'sum_axis'")


@CATALOGUE.public("sigmoid_focal_xent", "optax.sigmoid_focal_loss")
def focal(function: Function, *, gamma: float = 2.0, alpha: float | None = None) -> Function:
    """Build the losses of every element."""
    return lambda logits, labels: function(logits, labels, alpha=alpha, gamma=gamma)


@CATALOGUE.public("poly_xent", "optax.losses.poly_loss_cross_entropy")
def poly(function: Function, *, epsilon: float = 2.0) -> Function:
    """Build the losses of the rows."""
    return lambda logits, labels: function(logits, labels, epsilon=epsilon)


@CATALOGUE.public("dense_xent", "optax.safe_softmax_cross_entropy")
@CATALOGUE.public("sigmoid_xent", "optax.sigmoid_binary_cross_entropy")
def without_options(function: Function, *, reduction: str = "none", label_dtype: str = "") -> Function:
    """Build the losses; labels of any numeric dtype are taken as they are."""
    del label_dtype
    return CATALOGUE.reduced(function, reduction)


CATALOGUE.compose()
