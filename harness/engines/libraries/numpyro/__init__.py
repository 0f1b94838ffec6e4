"""numpyro's distributions, on JAX's arrays and by JAX's differentiation."""

from __future__ import annotations

import jax.numpy as jnp
import numpyro
import numpyro.distributions

from harness.adapters import Catalogue
from harness.adapters import jax as plain
from harness.adapters.jax.functions import weights
from harness.forms.distributions import forms

CATALOGUE = Catalogue("numpyro", {"numpyro": numpyro}, jnp.sum, jnp.mean, forms("numpyro.distributions"), weights)
CATALOGUE.compose()


class Adapter(plain.Adapter):
    """numpyro on JAX's devices."""

    catalogue = CATALOGUE
    modes = ("eager", "jit")
    engine = True
    eights = ()

    def environment(self, device: str) -> dict[str, str]:
        return {"numpyro": numpyro.__version__, **super().environment(device)}
