"""JAX's and optax's public functions, and the compositions of them that people write. Apart for length."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

from harness.adapters import Builder, Catalogue, Function, Native, NotSupported
from harness.options import repeated

CATALOGUE = Catalogue("jax", {"jax": jax, "jnp": jnp, "optax": optax})


def plain(function: Function) -> Builder:
    """Make a composition without options a builder."""
    return lambda: function


def reducing(losses: Function) -> Builder:
    """Give a composition of un-reduced losses the option `reduction`."""
    return lambda *, reduction="none": reduced(losses, reduction=reduction)


@CATALOGUE.public("softmax", "jax.nn.softmax")
@CATALOGUE.public("log_softmax", "jax.nn.log_softmax")
@CATALOGUE.public("logsumexp", "jax.nn.logsumexp", "jax.scipy.special.logsumexp")
def over_classes(function: Function, *, axis: int = -1, mask: str = "") -> Function:
    """Build a function of one axis; logsumexp would take all of them."""
    if not mask:
        return lambda logits: function(logits, axis=axis)
    return lambda logits: function(logits, axis=axis, where=unmasked(logits, mask, axis))


def unmasked(logits: Native, mask: str, axis: int) -> Native:
    """Return a mask of the logits' shape, as optax's losses want it."""
    kept = jnp.asarray(repeated(mask, logits.shape[axis])) > 0
    return jnp.broadcast_to(jnp.expand_dims(kept, range(1, logits.ndim - axis % logits.ndim)), logits.shape)


@CATALOGUE.public("sigmoid", "jax.nn.sigmoid")
@CATALOGUE.public("log_sigmoid", "jax.nn.log_sigmoid")
def elementwise(function: Function) -> Function:
    """Build a function of every element."""
    return function


def reduced(losses: Function, *, reduction: str = "none") -> Function:
    """Build the losses, reduced as users write it: optax has no such option, they put .mean() behind the call."""
    match reduction:
        case "none":
            return losses
        case "sum":
            return lambda logits, labels: losses(logits, labels).sum()
        case "mean":
            return lambda logits, labels: losses(logits, labels).mean()
    raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', 'mean'")


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

    return reduced(losses, reduction=reduction)


@CATALOGUE.public("dense_xent", "optax.softmax_cross_entropy")
def of_distributions(
    function: Function, *, reduction: str = "none", axis: int = -1, mask: str = "", label_dtype: str = ""
) -> Function:
    """Build the losses; labels of any numeric dtype are taken as they are."""
    del label_dtype

    def losses(logits: Native, labels: Native) -> Native:
        return function(logits, labels, axis=axis, where=unmasked(logits, mask, axis) if mask else None)

    return reduced(losses, reduction=reduction)


@CATALOGUE.public("dense_xent", "optax.safe_softmax_cross_entropy")
@CATALOGUE.public("sigmoid_xent", "optax.sigmoid_binary_cross_entropy")
def without_options(function: Function, *, reduction: str = "none", label_dtype: str = "") -> Function:
    """Build the losses; labels of any numeric dtype are taken as they are."""
    del label_dtype
    return reduced(function, reduction=reduction)


@CATALOGUE.form("dense_xent", "optax.softmax_cross_entropy(logits, optax.smooth_labels(labels))", "composed")
def of_smoothed_labels(*, reduction: str = "none", label_smoothing: float = 0.0) -> Function:
    """Smooth the labels first: no loss of optax has the option."""

    def losses(logits: Native, labels: Native) -> Native:
        return optax.softmax_cross_entropy(logits, optax.smooth_labels(labels, label_smoothing))

    return reduced(losses, reduction=reduction)


@CATALOGUE.form("softmax", "jnp.exp(logits) / jnp.exp(logits).sum()", "naive")
@plain
def _(logits: Native) -> Native:
    exponentials = jnp.exp(logits)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@CATALOGUE.form("log_softmax", "logits - jax.nn.logsumexp(logits)", "composed")
@plain
def _(logits: Native) -> Native:
    return logits - jax.nn.logsumexp(logits, axis=-1, keepdims=True)


@CATALOGUE.form("log_softmax", "jnp.log(jax.nn.softmax(logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return jnp.log(jax.nn.softmax(logits))


@CATALOGUE.form("logsumexp", "jnp.log(jnp.exp(logits).sum())", "naive")
@plain
def _(logits: Native) -> Native:
    return jnp.log(jnp.exp(logits).sum(axis=-1))


@CATALOGUE.form("sigmoid", "1 / (1 + jnp.exp(-logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return 1 / (1 + jnp.exp(-logits))


@CATALOGUE.form("log_sigmoid", "jnp.log(jax.nn.sigmoid(logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return jnp.log(jax.nn.sigmoid(logits))


@CATALOGUE.form("sparse_xent", "-jax.nn.log_softmax(logits)[labels]", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1)[:, 0]


@CATALOGUE.form("sparse_xent", "jax.nn.logsumexp(logits) - logits[labels]", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return jax.nn.logsumexp(logits, axis=-1) - jnp.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]


@CATALOGUE.form("sparse_xent", "optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels))", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    # In the dtype of the logits: one_hot's own, float32, would promote the losses of a float16 or bfloat16 case.
    return optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype))


@CATALOGUE.form("sparse_xent", "-jnp.log(jax.nn.softmax(logits))[labels]", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -jnp.take_along_axis(jnp.log(jax.nn.softmax(logits)), labels[:, None], axis=-1)[:, 0]


@CATALOGUE.form(
    "sparse_xent", "optax.softmax_cross_entropy_with_integer_labels(jax.nn.softmax(logits), labels)", "misuse"
)
@reducing
def _(logits: Native, labels: Native) -> Native:
    return optax.softmax_cross_entropy_with_integer_labels(jax.nn.softmax(logits), labels)


@CATALOGUE.form("dense_xent", "-sum(labels * jax.nn.log_softmax(logits))", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * jax.nn.log_softmax(logits)).sum(axis=-1)


@CATALOGUE.form("dense_xent", "-sum(labels * jnp.log(jax.nn.softmax(logits)))", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * jnp.log(jax.nn.softmax(logits))).sum(axis=-1)


@CATALOGUE.form("dense_xent", "-sum(labels * jnp.log(jax.nn.softmax(logits) + 1e-7))", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    # 1e-7 is keras.config.epsilon(), copied far beyond Keras.
    return -(labels * jnp.log(jax.nn.softmax(logits) + 1e-7)).sum(axis=-1)


@CATALOGUE.form("dense_xent", "optax.softmax_cross_entropy(jax.nn.softmax(logits), labels)", "misuse")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return optax.softmax_cross_entropy(jax.nn.softmax(logits), labels)


@CATALOGUE.form("dense_xent", "-sum(labels * jnp.log(logits))", "misuse")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * jnp.log(logits)).sum(axis=-1)


@CATALOGUE.form(
    "sigmoid_xent", "-labels * jax.nn.log_sigmoid(logits) - (1 - labels) * jax.nn.log_sigmoid(-logits)", "composed"
)
@plain
def _(logits: Native, labels: Native) -> Native:
    return -labels * jax.nn.log_sigmoid(logits) - (1 - labels) * jax.nn.log_sigmoid(-logits)


@CATALOGUE.form(
    "sigmoid_xent",
    "-labels * jnp.log(jax.nn.sigmoid(logits)) - (1 - labels) * jnp.log(1 - jax.nn.sigmoid(logits))",
    "naive",
)
@plain
def _(logits: Native, labels: Native) -> Native:
    probabilities = jax.nn.sigmoid(logits)
    return -labels * jnp.log(probabilities) - (1 - labels) * jnp.log(1 - probabilities)


@CATALOGUE.form("sigmoid_xent", "-labels * jnp.log(jax.nn.sigmoid(logits))", "misuse")
@plain
def _(logits: Native, labels: Native) -> Native:
    return -labels * jnp.log(jax.nn.sigmoid(logits))
