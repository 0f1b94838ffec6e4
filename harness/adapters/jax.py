"""JAX with optax, eager and jax.jit.

JAX computes in 32 bits unless told otherwise, and its users' float32 code runs so. The 64-bit switch is therefore on
around float64 arrays only: on around all, it would change what float32 code does with integers and Python scalars.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import optax

from harness import adapters
from harness.adapters import Builder, Catalogue, Function, Native, NotSupported

if TYPE_CHECKING:
    from harness.model import Array

catalogue = Catalogue("jax")


def plain(function: Function) -> Builder:
    """Make a composition without options a builder."""
    return lambda: function


def reducing(losses: Function) -> Builder:
    """Give a composition of un-reduced losses the option `reduction`."""
    return lambda *, reduction="none": reduced(losses, reduction=reduction)


@catalogue.public("softmax", "jax.nn.softmax", within=globals())
@catalogue.public("log_softmax", "jax.nn.log_softmax", within=globals())
@catalogue.public("logsumexp", "jax.nn.logsumexp", "jax.scipy.special.logsumexp", within=globals())
def over_classes(function: Function) -> Function:
    """Build a function of the last axis; logsumexp would take all of them."""
    return lambda logits: function(logits, axis=-1)


@catalogue.public("sigmoid", "jax.nn.sigmoid", within=globals())
@catalogue.public("log_sigmoid", "jax.nn.log_sigmoid", within=globals())
@catalogue.public("sigmoid_xent", "optax.sigmoid_binary_cross_entropy", within=globals())
def elementwise(function: Function) -> Function:
    """Build a function of every element."""
    return function


@catalogue.public("sparse_xent", "optax.softmax_cross_entropy_with_integer_labels", within=globals())
@catalogue.public("dense_xent", "optax.softmax_cross_entropy", "optax.safe_softmax_cross_entropy", within=globals())
def reduced(losses: Function, *, reduction: str = "none") -> Function:
    """Build the losses, reduced as users write it: optax has no such option, they put .mean() behind the call."""
    match reduction:
        case "none":
            return losses
        case "mean":
            return lambda logits, labels: losses(logits, labels).mean()
    raise NotSupported(f"reduction is {reduction!r}, expected 'none' or 'mean'")


@catalogue.form("softmax", "jnp.exp(logits) / jnp.exp(logits).sum()", "naive")
@plain
def _(logits: Native) -> Native:
    exponentials = jnp.exp(logits)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@catalogue.form("log_softmax", "logits - jax.nn.logsumexp(logits)", "composed")
@plain
def _(logits: Native) -> Native:
    return logits - jax.nn.logsumexp(logits, axis=-1, keepdims=True)


@catalogue.form("log_softmax", "jnp.log(jax.nn.softmax(logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return jnp.log(jax.nn.softmax(logits))


@catalogue.form("logsumexp", "jnp.log(jnp.exp(logits).sum())", "naive")
@plain
def _(logits: Native) -> Native:
    return jnp.log(jnp.exp(logits).sum(axis=-1))


@catalogue.form("sigmoid", "1 / (1 + jnp.exp(-logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return 1 / (1 + jnp.exp(-logits))


@catalogue.form("log_sigmoid", "jnp.log(jax.nn.sigmoid(logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return jnp.log(jax.nn.sigmoid(logits))


@catalogue.form("sparse_xent", "-jax.nn.log_softmax(logits)[labels]", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1)[:, 0]


@catalogue.form("sparse_xent", "jax.nn.logsumexp(logits) - logits[labels]", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return jax.nn.logsumexp(logits, axis=-1) - jnp.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]


@catalogue.form("sparse_xent", "optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels))", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    # In the dtype of the logits: one_hot's own, float32, would promote the losses of a float16 or bfloat16 case.
    return optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype))


@catalogue.form("sparse_xent", "-jnp.log(jax.nn.softmax(logits))[labels]", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -jnp.take_along_axis(jnp.log(jax.nn.softmax(logits)), labels[:, None], axis=-1)[:, 0]


@catalogue.form(
    "sparse_xent", "optax.softmax_cross_entropy_with_integer_labels(jax.nn.softmax(logits), labels)", "misuse"
)
@reducing
def _(logits: Native, labels: Native) -> Native:
    return optax.softmax_cross_entropy_with_integer_labels(jax.nn.softmax(logits), labels)


@catalogue.form("dense_xent", "-sum(labels * jax.nn.log_softmax(logits))", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * jax.nn.log_softmax(logits)).sum(axis=-1)


@catalogue.form("dense_xent", "-sum(labels * jnp.log(jax.nn.softmax(logits)))", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * jnp.log(jax.nn.softmax(logits))).sum(axis=-1)


@catalogue.form("dense_xent", "-sum(labels * jnp.log(jax.nn.softmax(logits) + 1e-7))", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    # 1e-7 is keras.config.epsilon(), copied far beyond Keras.
    return -(labels * jnp.log(jax.nn.softmax(logits) + 1e-7)).sum(axis=-1)


@catalogue.form("dense_xent", "optax.softmax_cross_entropy(jax.nn.softmax(logits), labels)", "misuse")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return optax.softmax_cross_entropy(jax.nn.softmax(logits), labels)


@catalogue.form("dense_xent", "-sum(labels * jnp.log(logits))", "misuse")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * jnp.log(logits)).sum(axis=-1)


@catalogue.form(
    "sigmoid_xent", "-labels * jax.nn.log_sigmoid(logits) - (1 - labels) * jax.nn.log_sigmoid(-logits)", "composed"
)
@plain
def _(logits: Native, labels: Native) -> Native:
    return -labels * jax.nn.log_sigmoid(logits) - (1 - labels) * jax.nn.log_sigmoid(-logits)


@catalogue.form(
    "sigmoid_xent",
    "-labels * jnp.log(jax.nn.sigmoid(logits)) - (1 - labels) * jnp.log(1 - jax.nn.sigmoid(logits))",
    "naive",
)
@plain
def _(logits: Native, labels: Native) -> Native:
    probabilities = jax.nn.sigmoid(logits)
    return -labels * jnp.log(probabilities) - (1 - labels) * jnp.log(1 - probabilities)


@catalogue.form("sigmoid_xent", "-labels * jnp.log(jax.nn.sigmoid(logits))", "misuse")
@plain
def _(logits: Native, labels: Native) -> Native:
    return -labels * jnp.log(jax.nn.sigmoid(logits))


class Adapter(adapters.Adapter):
    """JAX on the cpu and on every cuda device."""

    catalogue = catalogue
    modes = ("eager", "jit")

    def devices(self) -> tuple[str, ...]:  # noqa: D102 - as the base class says, here and below
        try:
            return ("cpu", *(f"cuda:{index}" for index in range(len(jax.devices("cuda")))))
        except RuntimeError:  # jax's answer for a platform that is not there
            return ("cpu",)

    def environment(self, device: str) -> dict[str, str]:  # noqa: D102
        found = {
            "jax": jax.__version__,
            "jaxlib": jax.lib.__version__,
            "optax": optax.__version__,
            # XLA does not tell; its pool on the cpu has NPROC threads, or one a core (xla/pjrt/utils.cc).
            "threads": os.environ.get("NPROC", str(os.cpu_count())),
            "xla_flags": os.environ.get("XLA_FLAGS", ""),
            "x64": str(jax.config.jax_enable_x64),  # for other dtypes than float64
            "softmax_custom_jvp": str(jax.config.jax_softmax_custom_jvp),
        }
        if device.startswith("cuda"):
            client = placed(device).client
            found |= {"device": placed(device).device_kind, "cuda": " ".join(client.platform_version.split())}
        return found

    def put(self, array: Array, *, mode: str, device: str) -> Native:  # noqa: ARG002, D102
        # A copy of its own: on the cpu, jax may take over numpy's memory instead of copying it.
        with jax.enable_x64(array.dtype == np.float64 or jax.config.jax_enable_x64):
            return jax.device_put(np.array(array, order="C"), placed(device))

    def get(self, native: Native) -> Array:  # noqa: D102
        return np.array(native)

    def wait(self, native: Native) -> None:  # noqa: D102
        jax.block_until_ready(native)

    def forward(self, function: Function, mode: str) -> Function:  # noqa: D102
        return in_precision(jitted(function) if mode == "jit" else function)

    def backward(self, function: Function, mode: str, argument: int) -> Function:  # noqa: D102
        def differentiated(*arrays: Native) -> tuple[Native, Native]:
            *given, upstream = arrays
            value, pullback = jax.vjp(
                lambda array: function(*given[:argument], array, *given[argument + 1 :]), given[argument]
            )
            return value, pullback(upstream)[0]

        return self.forward(differentiated, mode)


def placed(device: str) -> jax.Device:
    """Find a device by the harness's name, such as `cuda:0`."""
    platform, _, index = device.partition(":")
    return jax.devices(platform)[int(index or 0)]


def jitted(function: Function) -> Function:
    """Compile, or refuse where the switch that turns jit into nothing is on."""
    if jax.config.jax_disable_jit:
        raise NotSupported("jax.jit is switched off; unset JAX_DISABLE_JIT")
    native: Function = jax.jit(function)
    return native


def in_precision(function: Function) -> Function:
    """Run a function in 64 bits where its first array has them."""

    def run(*arrays: Native) -> Native:
        if arrays[0].dtype != np.float64:
            return function(*arrays)
        with jax.enable_x64(True):
            return function(*arrays)

    return run
