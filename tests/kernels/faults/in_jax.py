"""Wrong kernels in jax, to judge the judge by: each is a mistake that somebody has shipped."""

import jax
import jax.numpy as jnp
from kinds import kind

from harness.adapters import implements


@implements("softmax", framework="jax")
@kind("one mode")
def softmax_jax_rough_when_traced(logits, axis):
    """Under a trace a fast kernel is taken, whose sum is in float16; called eagerly it is right."""
    if not isinstance(logits, jax.core.Tracer):
        return jax.nn.softmax(logits, axis)
    e = jnp.exp(logits - jax.lax.stop_gradient(logits.max(axis, keepdims=True)))
    return e / e.sum(axis, keepdims=True).astype(jnp.float16).astype(e.dtype)


@implements("log_softmax", framework="jax")
@kind("upstream ignored")
def log_softmax_jax_custom_gradient(logits, axis):
    """A custom gradient written for a loss: p less the incoming gradient, whose sum is taken for 1."""

    @jax.custom_vjp
    def kernel(x):
        return jax.nn.log_softmax(x, axis)

    kernel.defvjp(lambda x: (kernel(x), jax.nn.softmax(x, axis)), lambda p, upstream: (upstream - p,))
    return kernel(logits)


@implements("logsumexp", framework="jax")
@kind("wrong axis")
def logsumexp_jax_over_all(logits, axis):
    """One sum over all axes, jax's default, put back in the shape that is asked."""
    whole = jax.nn.logsumexp(logits)
    return jnp.broadcast_to(whole, logits.max(axis).shape).astype(logits.dtype)


@implements("sparse_xent", framework="jax")
@kind("label type")
def sparse_xent_jax_label_out_of_reach(logits, labels):
    """Labels in int8: what is out of reach then, jax clips in silence."""
    index = labels.astype(jnp.int8).astype(jnp.int32)
    return -jax.nn.log_softmax(logits).at[jnp.arange(len(labels)), index].get(mode="clip")


@implements("log_sigmoid", framework="jax")
@kind("kink")
def log_sigmoid_jax_where_of_nan(logits):
    """A `where` around the branch that overflows: its gradient is 0 * inf all the same."""
    return jnp.where(logits < -80, logits, -jnp.log1p(jnp.exp(-logits)))


@implements("sigmoid", framework="jax")
@kind("one dtype")
def sigmoid_jax_float32_inside(logits):
    """float32 inside, whatever came in: jax without its 64-bit switch."""
    return jax.nn.sigmoid(logits.astype(jnp.float32)).astype(logits.dtype)


@implements("sigmoid_xent", framework="jax")
@kind("wrong denominator")
def sigmoid_xent_jax_weights_normalised(logits, labels):
    """Losses over the sum of the labels, as a focal loss is normalised."""
    losses = -labels * jax.nn.log_sigmoid(logits) - (1 - labels) * jax.nn.log_sigmoid(-logits)
    return losses / jnp.maximum(labels.sum(-1, keepdims=True), 1)
