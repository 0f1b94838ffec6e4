"""MNN, a guest for the softmax of its expressions alone."""

from __future__ import annotations

import importlib.metadata
import os

import MNN
import numpy as np
from MNN import expr

from harness.adapters import Catalogue, Function, Native
from harness.adapters import numpy as plain

CATALOGUE = Catalogue("mnn", {"MNN": MNN}, np.sum, np.mean, (), plain.weights)


@CATALOGUE.public("softmax", "MNN.expr.softmax")
def softmax(function: Function, *, axis: int = -1) -> Function:
    """Build the function of one axis, over numpy's arrays."""

    def over(logits: Native) -> Native:
        held = np.ascontiguousarray(logits)
        return np.array(function(expr.const(held, list(held.shape), expr.NCHW), axis).read())

    return over


class Adapter(plain.Adapter):
    """MNN on the cpu; float32 alone."""

    catalogue = CATALOGUE
    modes = ("cpu",)
    dtypes = ("float32",)
    layouts = ()
    engine, differentiates = True, False

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        return {
            "mnn": importlib.metadata.version("MNN"),
            "numpy": np.__version__,
            "threads": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count())),
        }
