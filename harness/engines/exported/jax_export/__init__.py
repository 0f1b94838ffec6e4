"""JAX by way of `jax.export`: serialised and read again, and handed to TensorFlow by jax2tf."""

from __future__ import annotations

from functools import partial
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
    differentiates = True

    def environment(self, device: str) -> dict[str, str]:
        return super().environment(device) | {"tensorflow": tf.__version__}

    def export(self, function: Function, arrays: tuple[Native, ...], mode: str) -> Function:
        return self._exported(function, arrays, mode, order=0)

    def export_with_gradient(self, function: Function, arrays: tuple[Native, ...], mode: str) -> Function:
        return self._exported(function, arrays, mode, order=1)

    def _exported(self, function: Function, arrays: tuple[Native, ...], mode: str, *, order: int) -> Function:
        """Export; order: how often what is read again can be differentiated, where that has to be said."""
        try:
            if mode == "tensorflow":
                return InTensorFlow(function)
            shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arrays]
            written = export.export(jax.jit(function))(*shapes).serialize(vjp_order=order)
            return jax.jit(export.deserialize(written).call)
        except Exception as refusal:
            raise NotSupported(f"mode {mode} refuses: {type(refusal).__name__}: {refusal}") from refusal

    def differentiated(self, exported: Function, mode: str, argument: int) -> Function:
        if isinstance(exported, InTensorFlow):
            return partial(exported.taped, argument)
        return super().differentiated(exported, mode, argument)


class InTensorFlow:
    """A function as a graph of TensorFlow, of JAX's arrays all the same."""

    def __init__(self, function: Function) -> None:
        """Convert it."""
        self._graph = tf.function(jax2tf.convert(function), autograph=False)

    def __call__(self, *natives: Native) -> Native:
        """Return the value."""
        return _in_jax(self._graph(*map(_in_tensorflow, natives)))

    def taped(self, argument: int, *natives: Native) -> tuple[Native, Native]:
        """Return the value and its gradient by a tape of TensorFlow; the last array is the upstream."""
        *arrays, upstream = map(_in_tensorflow, natives)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(arrays[argument])
            value = self._graph(*arrays)
        gradient = tape.gradient(value, arrays[argument], output_gradients=upstream)
        return _in_jax(value), _in_jax(gradient)


def _in_tensorflow(native: Native) -> Native:
    return tf.constant(np.asarray(native))


def _in_jax(tensor: Native) -> Native:
    return jax.numpy.asarray(np.asarray(tensor))
