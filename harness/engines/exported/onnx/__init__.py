"""The reference evaluator of ONNX: its operators as the specification's own package computes them, in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from harness.engines.exported.adapter import OnModels, Program
from harness.engines.exported.operators import catalogue
from harness.model import Array


class Adapter(OnModels):
    """`onnx.reference.ReferenceEvaluator`, which also computes in bfloat16."""

    catalogue = catalogue("onnx", "onnx.reference")
    modes = ("newest", "opset18", "opset17", "opset13", "opset11")
    compiling: ClassVar = dict.fromkeys(modes[1:], "graph")  # what they share with the first is asked of that
    dtypes = ("float16", "bfloat16", "float32", "float64")

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        return {"onnx": onnx.__version__, "newest opset": str(onnx.defs.onnx_opset_version()), "numpy": np.__version__}

    def loaded(self, model: onnx.ModelProto, mode: str) -> Program:  # noqa: ARG002 - the opset is the model's
        evaluator = ReferenceEvaluator(model)
        names = [given.name for given in model.graph.input]

        def run(arrays: Sequence[Array]) -> Array:
            with np.errstate(all="ignore"):  # infinities are asked on purpose, and judged by the answer
                answer: Array = evaluator.run(None, dict(zip(names, arrays, strict=True)))[0]
            return answer

        return run
