"""What the engines share that are handed a model and arrays: copies, a program for each model, and no gradients."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import onnx

from harness import adapters
from harness.adapters import Function, NotSupported
from harness.engines.exported import graphs
from harness.model import Array

Program = Callable[[Sequence[Array]], Array]
OPSET = "opset"  # how modes begin that name theirs; others take the newest


class OnModels(adapters.Adapter):
    """An engine that answers ONNX's operators on the cpu; a mode is an opset, or a setting with the newest one."""

    dtypes: tuple[str, ...] = ("float16", "float32", "float64")
    engine: ClassVar = True
    differentiates = False

    @abstractmethod
    def loaded(self, model: onnx.ModelProto, mode: str) -> Program:
        """Return what runs a model as a mode does. Raises NotSupported for a model that the engine refuses to load."""

    def devices(self) -> tuple[str, ...]:
        """Return the cpu: other devices are other builds of an engine."""
        return ("cpu",)

    def put(self, array: Array, *, mode: str, device: str) -> Array:  # noqa: ARG002 - as the base class says
        """Copy an array: engines take numpy's."""
        return np.array(array, order="C")

    def get(self, native: Array) -> Array:
        """Copy an array."""
        return np.array(native)

    def wait(self, native: Array) -> None:
        """Return at once: a call returns when it has answered."""

    def forward(self, function: Function, mode: str) -> Function:
        """Return a function that writes and loads a model for each dtype and shape that it meets."""
        programs: dict[tuple[tuple[str, tuple[int, ...]], ...], Program] = {}
        opset = int(mode.removeprefix(OPSET)) if mode.startswith(OPSET) else graphs.NEWEST

        def run(*arrays: Array) -> Array:
            key = tuple((array.dtype.name, array.shape) for array in arrays)
            if key not in programs:
                programs[key] = self.loaded(graphs.model(function, arrays, opset), mode)
            return programs[key](arrays)

        return run

    def backward(self, function: Function, mode: str, argument: int) -> Function:  # noqa: ARG002 - as above
        """Refuse: a model that was exported for inference has no gradients."""
        raise NotSupported(f"{self.catalogue.framework} has no gradients")
