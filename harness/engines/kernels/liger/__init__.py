"""Liger-Kernel, Triton kernels for training in torch: cross-entropy, and the same fused with the vocabulary's product.

On the cpu Triton's interpreter runs them, row after row, as slow as that is; natively on CUDA. Importing says which.
"""

from __future__ import annotations

import importlib.metadata
import os
from typing import Any, ClassVar

import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when a kernel is defined

import liger_kernel.transformers.functional
import triton

from harness.adapters import Catalogue, Function, Native
from harness.adapters import torch as in_torch
from harness.adapters.torch.functions import own_reduction, weights

CATALOGUE = Catalogue("liger", {"liger_kernel": liger_kernel}, torch.sum, torch.mean, weights=weights)
ACCUMULATED = "liger_kernel.transformers.functional.liger_fused_linear_cross_entropy(accum_dtype=torch.float32)"


def own_options(
    reduction: str, class_weight: str, ignore_index: int | None, label_smoothing: float, softcap: float, z_loss: float
) -> dict[str, Any]:
    """Return Liger's parameters of both losses; the mean is as torch's, over what is not ignored."""
    mean = "mean_classweight" if class_weight else "mean" if ignore_index is None else "mean_valid"
    given: dict[str, Any] = {"reduction": own_reduction(reduction, mean), "label_smoothing": label_smoothing}
    if ignore_index is not None:
        given["ignore_index"] = ignore_index
    if softcap:
        given["softcap"] = softcap
    if z_loss:
        given["lse_square_scale"] = z_loss
    return given


@CATALOGUE.public("sparse_xent", "liger_kernel.transformers.functional.liger_cross_entropy")
def cross_entropy(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    softcap: float = 0.0,
    z_loss: float = 0.0,
) -> Function:
    """Build the loss of class indices; a copy of the logits is its users' own, as its manual has no word of one."""
    given = own_options(reduction, class_weight, ignore_index, label_smoothing, softcap, z_loss)

    def losses(logits: Native, labels: Native) -> Native:
        of_classes = weights(logits, class_weight, -1) if class_weight else None
        return function(logits, labels, weight=of_classes, **given)

    return losses


@CATALOGUE.public("linear_xent", "liger_kernel.transformers.functional.liger_fused_linear_cross_entropy")
def linear_cross_entropy(
    function: Function,
    *,
    reduction: str = "none",
    class_weight: str = "",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    softcap: float = 0.0,
    z_loss: float = 0.0,
    bias: bool = False,
    accum_dtype: Any = None,
) -> Function:
    """Build the loss of hidden states times a weight; accum_dtype: of gradients added up chunk by chunk.

    It answers in float32, whatever it is given, and is rounded to the dtype of what it is given, so that it is judged.
    """
    given = own_options(reduction, class_weight, ignore_index, label_smoothing, softcap, z_loss)

    def losses(hidden: Native, weight: Native, labels: Native, linear_bias: Native = None) -> Native:
        of_classes = weights(weight, class_weight, 0) if class_weight else None
        used = {"bias": linear_bias if bias else None, "ce_weight": of_classes, "accum_dtype": accum_dtype}
        return function(hidden, weight, labels, **used, **given).to(hidden.dtype)

    return losses


@CATALOGUE.form("linear_xent", ACCUMULATED, "fused")
def accumulated(
    *,
    reduction: str = "none",
    class_weight: str = "",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    softcap: float = 0.0,
    z_loss: float = 0.0,
    bias: bool = False,
) -> Function:
    """Build the same, whose gradients are added up in float32."""
    function = liger_kernel.transformers.functional.liger_fused_linear_cross_entropy
    return linear_cross_entropy(
        function,
        reduction=reduction,
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        softcap=softcap,
        z_loss=z_loss,
        bias=bias,
        accum_dtype=torch.float32,
    )


class Adapter(in_torch.Adapter):
    """Liger's kernels of torch tensors."""

    engine = True
    catalogue = CATALOGUE
    modes = ("eager",)
    compiling: ClassVar = {}
    dtypes = ("float16", "bfloat16", "float32")
    with_cuda = ""

    def environment(self, device: str) -> dict[str, str]:
        own = {
            "liger_kernel": importlib.metadata.version("liger_kernel"),
            "triton": triton.__version__,
            "interpreted": os.environ.get("TRITON_INTERPRET", "0"),
        }
        return super().environment(device) | own
