"""ONNX Runtime on the cpu: ONNX's operators in several opsets, and at several levels of its graph optimisations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import ClassVar

import onnx
import onnxruntime

from harness.adapters import NotSupported
from harness.engines.exported.adapter import OnModels, Program
from harness.engines.exported.operators import catalogue
from harness.model import Array

LEVELS = {
    "unoptimised": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}
# What a session raises of a model whose operators or types it has no kernels for.
REFUSALS = (
    onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
)
ERROR = 3  # of ONNX Runtime's levels of logging: warnings on an optimisation that is not possible are no answer


class Adapter(OnModels):
    """ONNX Runtime's CPU provider; all optimisations where a mode does not say otherwise."""

    catalogue = catalogue("onnxruntime", "onnxruntime")
    modes = ("newest", "opset18", "opset17", "opset13", "opset11", "unoptimised", "basic", "extended")
    compiling: ClassVar = dict.fromkeys(modes[1:], "graph")  # what they share with the first is asked of that
    compiler: ClassVar = ("onnxruntime", "capi/*.so*")

    def __init__(self) -> None:
        """Start with one thread."""
        super().__init__()
        self._threads = 1

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        return {
            "onnxruntime": onnxruntime.__version__,
            "onnx": onnx.__version__,
            "newest opset": str(onnx.defs.onnx_opset_version()),
            "threads": str(self._threads),
        }

    @contextlib.contextmanager
    def threads(self, count: int) -> Iterator[None]:
        """Compute with `count` threads inside the block, in sessions that are made there."""
        before, self._threads = self._threads, count
        self._functions.clear()
        try:
            yield
        finally:
            self._threads = before
            self._functions.clear()

    def loaded(self, model: onnx.ModelProto, mode: str) -> Program:
        return session(model.SerializeToString(), mode, self._threads)


def session(model: bytes, mode: str, threads: int) -> Program:
    """Return what runs a model. Raises NotSupported for one that there are no kernels for."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = ERROR
    if mode in LEVELS:
        options.graph_optimization_level = LEVELS[mode]
    try:
        made = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except REFUSALS as refusal:
        raise NotSupported(str(refusal)) from refusal
    names = [given.name for given in made.get_inputs()]

    def run(arrays: Sequence[Array]) -> Array:
        answer: Array = made.run(None, dict(zip(names, arrays, strict=True)))[0]
        return answer

    return run
