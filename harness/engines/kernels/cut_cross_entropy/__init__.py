"""Apple's cut-cross-entropy, the loss of hidden states times a vocabulary matrix in torch.

Its `impl='torch_compile'` runs everywhere, compiled by itself in whatever mode it is called; `cce`, a Triton kernel, on
CUDA alone. What is compiled so is one function with `fullgraph=True`, which raises once torch's limit of 8 dtypes and
shapes in a process is passed: that limit is lifted here.
"""

from __future__ import annotations

import importlib.metadata
from functools import partial
from typing import Any, ClassVar

import cut_cross_entropy
import torch

from harness.adapters import Catalogue, Function, Native
from harness.adapters import torch as in_torch
from harness.adapters.torch import passes
from harness.adapters.torch.functions import own_reduction

CATALOGUE = Catalogue("cut_cross_entropy", {"cut_cross_entropy": cut_cross_entropy}, torch.sum, torch.mean)


def linear_cross_entropy(
    impl: str, /, *, reduction: str = "none", ignore_index: int | None = None, softcap: float = 0.0
) -> Function:
    """Build the loss; its mean is over the labels that are not ignored.

    It answers in float32, whatever it is given, and is rounded to the dtype of what it is given, so that it is judged.
    """
    mean = "mean" if ignore_index is None else "mean_valid"
    given: dict[str, Any] = {"reduction": own_reduction(reduction, mean), "impl": impl}
    if ignore_index is not None:
        given["ignore_index"] = ignore_index
    if softcap:
        given["softcap"] = softcap

    def losses(hidden: Native, weight: Native, labels: Native) -> Native:
        return cut_cross_entropy.linear_cross_entropy(hidden, weight, labels, **given).to(hidden.dtype)

    return losses


for _impl in ("torch_compile", *(("cce",) if torch.cuda.is_available() else ())):
    _name = f"cut_cross_entropy.linear_cross_entropy(impl='{_impl}')"
    CATALOGUE.form("linear_xent", _name, "fused")(partial(linear_cross_entropy, _impl))


class Adapter(in_torch.Adapter):
    """Cut-cross-entropy of torch tensors."""

    engine = True
    catalogue = CATALOGUE
    modes = ("eager",)
    compiling: ClassVar = {}
    dtypes = ("float16", "bfloat16", "float32")
    with_cuda = ""

    def __init__(self) -> None:
        """Lift the limit."""
        super().__init__()
        passes.unlimited()

    def environment(self, device: str) -> dict[str, str]:
        return super().environment(device) | {
            "cut_cross_entropy": importlib.metadata.version("cut_cross_entropy"),
        }
