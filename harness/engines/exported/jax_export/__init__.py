"""JAX by way of `jax.export`: serialised and read again, and handed to TensorFlow by jax2tf."""

from __future__ import annotations

from typing import ClassVar

import jax
import numpy as np
import tensorflow as tf
from jax import export
from jax.experimental import jax2tf

from harness.adapters import Function, Native, NotSupported
from harness.adapters.jax import Adapter as Jax
from harness.engines.exported.paths import HELD, Path, exported


class Adapter(Path):
    """Mode `reimported` is jax.export, written and read; `tensorflow` is jax2tf, whose graph is one XlaCallModule."""

    source = Jax()
    catalogue = exported(source.catalogue, "jax_export", "jax.export")
    modes = ("reimported", "tensorflow")
    compiling: ClassVar = dict.fromkeys(modes, "export")
    checks: ClassVar = (HELD,)

    def environment(self, device: str) -> dict[str, str]:
        return super().environment(device) | {"tensorflow": tf.__version__}

    def export(self, function: Function, arrays: tuple[Native, ...], mode: str) -> Function:
        try:
            if mode == "tensorflow":
                return in_tensorflow(function)
            shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arrays]
            written = export.export(jax.jit(function))(*shapes).serialize()
            return jax.jit(export.deserialize(written).call)
        except Exception as refusal:
            raise NotSupported(f"mode {mode} refuses: {type(refusal).__name__}: {refusal}") from refusal


def in_tensorflow(function: Function) -> Function:
    """Return a function as a graph of TensorFlow, of JAX's arrays all the same."""
    converted = tf.function(jax2tf.convert(function), autograph=False)
    return lambda *natives: jax.numpy.asarray(np.asarray(converted(*(tf.constant(np.asarray(one)) for one in natives))))
