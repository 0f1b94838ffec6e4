"""The distributions of TensorFlow Probability, of those that it makes for JAX: no TensorFlow is needed.

The release of 2024 does not import with today's JAX; what is built every night does.
"""

from __future__ import annotations

import jax.numpy as jnp
from tensorflow_probability.substrates import jax as tfp

from harness.adapters import Catalogue
from harness.adapters import jax as plain
from harness.adapters.jax.functions import weights
from harness.forms.distributions import forms

CATALOGUE = Catalogue("tfp", {"tfp": tfp}, jnp.sum, jnp.mean, forms("tfp.distributions"), weights)
CATALOGUE.compose()


class Adapter(plain.Adapter):
    """TensorFlow Probability on JAX's devices."""

    catalogue = CATALOGUE
    modes = ("eager", "jit")
    engine = True
    eights = ()

    def environment(self, device: str) -> dict[str, str]:
        return {"tfp": tfp.__version__, **super().environment(device)}
