"""TensorFlow by way of a SavedModel: a tf.function that is saved, loaded and called."""

from __future__ import annotations

import tempfile
from typing import ClassVar

import tensorflow as tf

from harness.adapters import Function, Native, NotSupported
from harness.adapters.tensorflow import Adapter as TensorFlow
from harness.engines.exported.paths import HELD, Path, exported


class Adapter(Path):
    """Mode `loaded` is the function that tf.saved_model.load gives."""

    source = TensorFlow()
    catalogue = exported(source.catalogue, "saved_model", "tf.saved_model")
    modes = ("loaded",)
    compiling: ClassVar = {"loaded": "export"}
    checks: ClassVar = (HELD,)
    differentiates = True

    def export(self, function: Function, arrays: tuple[Native, ...], mode: str) -> Function:
        module = tf.Module()
        module.function = tf.function(function, autograph=False)
        try:
            concrete = module.function.get_concrete_function(
                *(tf.TensorSpec(array.shape, array.dtype) for array in arrays)
            )
            with tempfile.TemporaryDirectory() as folder:
                tf.saved_model.save(module, folder, signatures=concrete)
                loaded = tf.saved_model.load(folder)
        except Exception as refusal:
            raise NotSupported(f"mode {mode} refuses: {type(refusal).__name__}: {refusal}") from refusal
        call = loaded.function
        call.keeps = loaded  # whose variables, and whose function's captures, live as long as it does
        return call
