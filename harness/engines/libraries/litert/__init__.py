"""LiteRT, which was TensorFlow Lite: functions of TensorFlow, converted for each shape, and run by its interpreter.

The converter is TensorFlow's own, with its defaults: no operator of TensorFlow stands in for one that LiteRT lacks.
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from harness.adapters import Catalogue, Function, Native, NotSupported
from harness.adapters import numpy as plain
from harness.adapters.tensorflow import functions as of_tensorflow

if TYPE_CHECKING:
    from harness.model import Array

CONVERTED = (
    ("softmax", "tf.nn.softmax"),
    ("log_softmax", "tf.nn.log_softmax"),
    ("log_softmax", "tf.math.log(tf.nn.softmax(logits))"),
    ("logsumexp", "tf.math.reduce_logsumexp"),
    ("sigmoid", "tf.math.sigmoid"),
    ("log_sigmoid", "tf.math.log_sigmoid"),
    ("sparse_xent", "tf.nn.sparse_softmax_cross_entropy_with_logits"),
    ("dense_xent", "tf.nn.softmax_cross_entropy_with_logits"),
    ("sigmoid_xent", "tf.nn.sigmoid_cross_entropy_with_logits"),
    ("sigmoid_xent", "tf.nn.weighted_cross_entropy_with_logits"),
)
RESOLVERS = {
    "auto": OpResolverType.AUTO,  # with the XNNPACK delegate
    "builtin_without_default_delegates": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "builtin_ref": OpResolverType.BUILTIN_REF,  # the reference kernels
}

CATALOGUE = Catalogue("litert", weights=of_tensorflow.weights)
for op, name in CONVERTED:
    offer = of_tensorflow.CATALOGUE.offers[op, name]
    CATALOGUE.form(op, f"litert({name})", offer.implementation.kind)(offer.build)


def program(function: Function, mode: str, arrays: tuple[Array, ...]) -> Callable[..., Array]:
    """Convert a function for the shapes and dtypes of some arrays, and return what runs it."""
    traced = tf.function(function, autograph=False).get_concrete_function(
        *(tf.TensorSpec(array.shape, array.dtype, f"array{place}") for place, array in enumerate(arrays))
    )
    model = tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert()
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=RESOLVERS[mode], num_threads=threads())
    interpreter.allocate_tensors()
    # The converter may order them anew, or leave out one that nothing depends on.
    places = {
        int(one["name"].partition(":")[0].rpartition("array")[2]): one["index"]
        for one in interpreter.get_input_details()
    }
    (answer,) = interpreter.get_output_details()

    def run(*given: Array) -> Array:
        for place, index in places.items():
            interpreter.set_tensor(index, given[place])
        interpreter.invoke()
        return np.array(interpreter.get_tensor(answer["index"]))

    return run


def threads() -> int:
    """Return how many threads the interpreter may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


class Adapter(plain.Adapter):
    """LiteRT on the cpu; float32 alone, as its converter refuses the others."""

    catalogue = CATALOGUE
    modes = ("auto", "builtin_without_default_delegates", "builtin_ref")
    compiling: ClassVar = {"auto": "usual", "builtin_without_default_delegates": "usual", "builtin_ref": "graph"}
    dtypes = ("float32",)
    layouts = ()
    engine, differentiates = True, False

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        return {
            "litert": importlib.metadata.version("ai-edge-litert"),
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "threads": str(threads()),
        }

    def forward(self, function: Function, mode: str) -> Function:
        programs: dict[tuple[object, ...], Function] = {}

        def converted(*arrays: Native) -> Native:
            if not all(array.size for array in arrays):
                raise NotSupported("arrays have no elements, expected some: the interpreter takes no empty tensor")
            key = tuple((array.shape, array.dtype) for array in arrays)
            if key not in programs:
                programs[key] = program(function, mode, arrays)
            return programs[key](*arrays)

        return converted
