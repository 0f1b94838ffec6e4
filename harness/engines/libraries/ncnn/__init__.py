"""ncnn, a guest for its Softmax layer alone: a network of that one layer."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import tempfile
from functools import cache
from pathlib import Path

import ncnn
import numpy as np

from harness.adapters import Catalogue, Function, Native, NotSupported
from harness.adapters import numpy as plain

# Of ncnn's documentation, "operators": 0 is the axis, 1 a number that tells a corrected file.
NETWORK = "7767517\n2 2\nInput logits 0 1 logits\nSoftmax softmax 1 1 logits probabilities 0={axis} 1=1\n"
HIGHEST = 4  # axes of a Mat

CATALOGUE = Catalogue("ncnn", {"ncnn": ncnn}, np.sum, np.mean, (), plain.weights)


@cache
def loaded(axis: int) -> Native:
    """Return the network of an axis; it is read from files, of which the second would hold weights."""
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = threads()
    with tempfile.TemporaryDirectory() as folder:
        text, weights = Path(folder, "softmax.param"), Path(folder, "softmax.bin")
        text.write_text(NETWORK.format(axis=axis), encoding="utf-8")
        weights.touch()
        if net.load_param(str(text)) or net.load_model(str(weights)):
            raise RuntimeError(f"ncnn does not load a Softmax of axis {axis}")
    return net


def threads() -> int:
    """Return how many threads a layer may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


@CATALOGUE.form("softmax", "ncnn.Softmax", "fused")
def softmax(*, axis: int = -1, rank: int = 2) -> Function:
    """Build the network of one layer."""
    if rank > HIGHEST:
        raise NotSupported(f"logits have {rank} axes, expected at most {HIGHEST}")

    def layer(logits: Native) -> Native:
        if not logits.size:
            raise NotSupported("a Mat of no elements is an empty one, which is no input of ncnn")
        extractor = loaded(axis % rank).create_extractor()
        # A copy of ncnn's own: by default it writes over its inputs, and numpy's memory is not its to write to.
        extractor.input("logits", ncnn.Mat(logits).clone())
        failed, found = extractor.extract("probabilities")
        if failed:
            raise RuntimeError(f"ncnn returns {failed}")
        return np.array(found)

    return layer


class Adapter(plain.Adapter):
    """ncnn on the cpu; float32 alone."""

    catalogue = CATALOGUE
    modes = ("cpu",)
    dtypes = ("float32",)
    layouts = ()
    engine, differentiates = True, False

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        return {
            "ncnn": importlib.metadata.version("ncnn"),
            "numpy": np.__version__,
            "threads": str(threads()),
            "cpu_capability": "avx2" if ncnn.cpu_support_x86_avx2() else platform.machine(),
        }
