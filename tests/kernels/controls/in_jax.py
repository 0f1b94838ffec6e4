"""Correct kernels in jax that are written unusually, to judge the judge by; see unusual.py."""

import functools

import jax
import jax.numpy as jnp

from harness.adapters import implements


def wide(x):
    """Return 16-bit numbers as float32."""
    return x.astype(jnp.float32) if x.dtype.itemsize == 2 else x


def maximum(x, axis):
    """Return a row's maximum, as a constant."""
    return jax.lax.stop_gradient(x.max(axis, keepdims=True))


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def streamed(logits, axis):
    """Softmax by a scan over the classes that carries maximum and sum."""
    x = jnp.moveaxis(logits, axis, 0)

    def step(carry, term):
        m, s = carry
        top = jnp.maximum(m, term)
        against = jnp.where(top == -jnp.inf, 0, top)
        return (top, s * jnp.exp(m - against) + jnp.exp(term - against)), None

    begin = (jnp.full(x.shape[1:], -jnp.inf, x.dtype), jnp.zeros(x.shape[1:], x.dtype))
    (m, s), _ = jax.lax.scan(step, begin, x)
    return jnp.moveaxis(jnp.exp(x - m) / s, 0, axis)


def forwards(logits, axis):
    """Return the probabilities, and keep them."""
    p = streamed(logits, axis)
    return p, p


def backwards(axis, p, upstream):
    """p (g - sum p g), with one factor p: as p g - p sum p g, a flushed product would not be made up for."""
    return (p * (upstream - (p * upstream).sum(axis, keepdims=True)),)


streamed.defvjp(forwards, backwards)


@implements("softmax", framework="jax")
def softmax_jax_streamed(logits, axis):
    """The online algorithm class by class, its derivative written by hand."""
    return streamed(wide(logits), axis).astype(logits.dtype)


@implements("logsumexp", framework="jax")
def logsumexp_jax_product(logits, axis):
    """The sum as a product with ones, in the highest precision there is."""
    x = jnp.moveaxis(wide(logits), axis, -1)
    m = maximum(x, -1)
    s = jnp.matmul(jnp.exp(x - m), jnp.ones(x.shape[-1], x.dtype), precision="highest")
    return (m[..., 0] + jnp.log(s)).astype(logits.dtype)


@implements("sparse_xent", framework="jax")
def sparse_xent_jax_one_row(logits, labels):
    """Written for one row, and mapped over the batch."""

    def loss(x, label):
        d = x - maximum(x, -1)
        return jnp.log(jnp.exp(d).sum()) - d[label]

    return jax.vmap(loss)(wide(logits), labels).astype(logits.dtype)


@implements("log_sigmoid", framework="jax")
def log_sigmoid_jax_double_where(logits):
    """Two branches, each kept from the other's arguments."""
    x = wide(logits)
    above = x >= 0
    right = -jnp.log1p(jnp.exp(-jnp.where(above, x, 0)))
    low = jnp.where(above, 0, x)
    return jnp.where(above, right, low - jnp.log1p(jnp.exp(low))).astype(logits.dtype)
