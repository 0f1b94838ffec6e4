"""TensorFlow.js under Node: its backends cpu and wasm are modes, its gradients those of `tf.valueAndGrad`."""

from __future__ import annotations

from typing import final

from harness.engines.processes import node


@final
class Adapter(node.Adapter):
    """What `engine.mjs` answers."""

    modes = ("cpu", "wasm")

    def __init__(self) -> None:
        super().__init__("tfjs", "@tensorflow/tfjs")
