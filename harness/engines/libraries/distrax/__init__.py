"""distrax's distributions, on JAX's arrays and by JAX's differentiation."""

from __future__ import annotations

import distrax
import jax.numpy as jnp

from harness.adapters import Catalogue
from harness.adapters import jax as plain
from harness.adapters.jax.functions import weights
from harness.forms.distributions import forms

CATALOGUE = Catalogue("distrax", {"distrax": distrax}, jnp.sum, jnp.mean, forms("distrax"), weights)
CATALOGUE.compose()


class Adapter(plain.Adapter):
    """distrax on JAX's devices."""

    catalogue = CATALOGUE
    modes = ("eager", "jit")
    engine = True
    eights = ()

    def environment(self, device: str) -> dict[str, str]:
        return {"distrax": distrax.__version__, **super().environment(device)}
