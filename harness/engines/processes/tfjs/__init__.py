"""TensorFlow.js under Node: its backends cpu and wasm are modes, its gradients those of `tf.valueAndGrad`."""

from __future__ import annotations

from typing import final

from harness.engines.processes import adapter, node


@final
class Adapter(adapter.Adapter):
    """What `engine.mjs` answers."""

    modes = ("cpu", "wasm")

    def __init__(self) -> None:
        super().__init__("tfjs", *node.command("tfjs", "@tensorflow/tfjs"))
