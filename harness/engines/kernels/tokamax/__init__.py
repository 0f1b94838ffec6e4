"""Tokamax, kernels of jax for accelerators: the loss of hidden states times a vocabulary matrix, on the cpu by XLA.

`xla` holds the logits, `chunked_xla` goes over the vocabulary in blocks. `mosaic_tpu`, which is for TPUs, is not asked.
"""

from __future__ import annotations

import importlib.metadata
from functools import partial

import jax.numpy as jnp
import tokamax

from harness.adapters import Catalogue, Function, Native
from harness.adapters import jax as in_jax
from harness.adapters.fence import NotSupported

CATALOGUE = Catalogue("tokamax", {"tokamax": tokamax}, jnp.sum, jnp.mean)


def linear_loss(implementation: str, /, *, reduction: str = "none") -> Function:
    """Build the loss, whose weight has the classes last.

    It answers in float32, whatever it is given, and is rounded to the dtype of what it is given, so that it is judged.
    """
    if reduction not in {"none", "sum", "mean"}:
        raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', 'mean'")

    def losses(hidden: Native, weight: Native, labels: Native) -> Native:
        loss = tokamax.linear_softmax_cross_entropy_loss(
            hidden, labels, weight.T, reduction=reduction, implementation=implementation
        )
        return loss.astype(hidden.dtype)

    return losses


for _implementation in ("xla", "chunked_xla"):
    _name = f"tokamax.linear_softmax_cross_entropy_loss(implementation='{_implementation}')"
    CATALOGUE.form("linear_xent", _name, "fused")(partial(linear_loss, _implementation))


class Adapter(in_jax.Adapter):
    """Tokamax of jax arrays."""

    engine = True
    catalogue = CATALOGUE
    modes = ("eager", "jit")
    dtypes = ("float16", "bfloat16", "float32")
    eights = ()
    with_cuda = ""

    def environment(self, device: str) -> dict[str, str]:
        return super().environment(device) | {"tokamax": importlib.metadata.version("tokamax")}
