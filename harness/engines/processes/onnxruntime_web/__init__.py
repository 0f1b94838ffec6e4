"""ONNX Runtime Web under Node, on WebAssembly: the ONNX models of the other engines, in several opsets."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, ClassVar, final

from harness.engines.exported.adapter import OnModels, Program
from harness.engines.exported.operators import catalogue
from harness.engines.processes import node
from harness.engines.processes.running import UNTIMED, Running
from harness.model import Array

NAME = "onnxruntime_web"
IR = 8  # the version of a file's format that came with opset 18


@final
class Adapter(OnModels):
    """What `engine.mjs` answers, which is handed each model with its arrays."""

    catalogue = catalogue(NAME, NAME)
    modes = ("opset18", "opset17", "opset13", "opset11")
    compiling: ClassVar = dict.fromkeys(modes[1:], "graph")  # what they share with the first is asked of that
    untimed: ClassVar = UNTIMED

    def __init__(self) -> None:
        super().__init__()
        self._running = Running(node.command(NAME, "onnxruntime-web"))
        self._facts = self._running.offer.facts

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        program = shlex.join(self._running.command)
        return {NAME: self._facts["onnxruntime-web"], **self._facts, "program": program}

    def died(self) -> str:
        return self._running.death()

    def loaded(self, model: Any, mode: str) -> Program:  # noqa: ARG002 - it is in the model
        model.ir_version = IR  # the newest onnx writes a newer container than it reads, of the same operators
        written = node.octets(model.SerializeToString())

        def run(arrays: Sequence[Array]) -> Array:
            given = {"model": written} | {f"array{place}": array for place, array in enumerate(arrays)}
            return self._running.ask([("function", "softmax onnx"), ("quantity", "value")], given)["value"]

        return run
