"""OpenVINO on the cpu: the ONNX models of the other engines, with and without the hint to compute in float32."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import ClassVar

import onnx
import openvino

from harness.adapters import NotSupported
from harness.engines.exported.adapter import OnModels, Program
from harness.engines.exported.operators import catalogue
from harness.model import Array

UNHINTED = "unhinted"  # the mode that leaves the precision to OpenVINO, as its users do


class Adapter(OnModels):
    """OpenVINO's CPU plugin; INFERENCE_PRECISION_HINT is f32 but in one mode."""

    catalogue = catalogue("openvino", "openvino")
    modes = ("newest", "unhinted", "opset18", "opset17", "opset13", "opset11")
    compiling: ClassVar = dict.fromkeys(modes[1:], "graph")  # what they share with the first is asked of that

    def __init__(self) -> None:
        """Start the runtime."""
        super().__init__()
        self._core = openvino.Core()

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        return {
            "openvino": openvino.__version__,
            "onnx": onnx.__version__,
            "newest opset": str(onnx.defs.onnx_opset_version()),
            "threads": "1",
            "capabilities": " ".join(self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
        }

    def loaded(self, model: onnx.ModelProto, mode: str) -> Program:
        settings = {"INFERENCE_NUM_THREADS": 1} | ({} if mode == UNHINTED else {"INFERENCE_PRECISION_HINT": "f32"})
        try:
            compiled = self._core.compile_model(
                self._core.read_model(io.BytesIO(model.SerializeToString())), "CPU", settings
            )
        except RuntimeError as refusal:
            raise NotSupported(str(refusal)) from refusal

        def run(arrays: Sequence[Array]) -> Array:
            answer: Array = compiled(list(arrays))[0]
            return answer

        return run
