"""TensorFlow, with the Keras that comes with it: eager, tf.function, XLA, and TF 1 graphs in a session."""

from __future__ import annotations

import contextlib
import logging
import os
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from harness import adapters
from harness.adapters import accelerator, state
from harness.adapters.tensorflow.loading import left_out, stderr_kept

if TYPE_CHECKING:
    from pathlib import Path

    from harness.adapters import Function, Native, Way
    from harness.model import Array

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, when TensorFlow's library is loaded
os.environ["KERAS_BACKEND"] = "tensorflow"  # the rows of Keras are answers of TensorFlow's, whatever ~/.keras says
# TensorFlow 2.21 says there that oneDNN is on, twice, before it has read its log level; and TensorFlow Lite loads jax
# where it is installed, 0.4 s, for a conversion that is not asked.
with stderr_kept(), left_out("jax"):
    import tensorflow as tf  # before Keras, so that where neither is installed the error names it

    # isort: split
    import keras  # type: ignore[import-untyped, unused-ignore]

    from harness.adapters import NotSupported
    from harness.adapters.tensorflow import (  # noqa: F401 - those that are not used add their rows to the catalogue
        focal,
        passes,
        probabilities,
        session,
        spellings,
        traced,
    )
    from harness.adapters.tensorflow.functions import CATALOGUE

# Notices of deprecation (compat.v1) and of retracing: rows and shapes are many here, and on purpose.
for _logger in (tf.get_logger(), logging.getLogger("absl")):
    _logger.setLevel(logging.ERROR)

state.watch(
    state.Setting("whether tf.function runs eagerly", tf.config.functions_run_eagerly, tf.config.run_functions_eagerly)
)


VARIABLES = ("TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "XLA_FLAGS", "TF_DETERMINISTIC_OPS")  # that choose kernels
KEPT = "--tf_xla_persistent_cache_directory"


def placed(device: str) -> str:
    """Return TensorFlow's name of a device."""
    kind, _, index = device.partition(":")
    if device != "cpu" and not (kind == "cuda" and index.isdecimal()):
        raise ValueError(f"device is {device!r}, expected 'cpu' or 'cuda:<index>'")
    return "/CPU:0" if device == "cpu" else f"/GPU:{index}"


def on_device_of_first(function: Function) -> Function:
    """Run where the first array lies: left alone, TensorFlow moves an op to a GPU wherever its inputs lie."""

    def run(*arrays: Native) -> Native:
        with tf.device(arrays[0].device):
            return function(*arrays)

    return run


@final
class Cuda(accelerator.Accelerator):
    """A GPU as TensorFlow shows it: an allocator with statistics; no events, no replay."""

    def __init__(self, device: str) -> None:
        """Name the device as tf.config does."""
        self._device = f"GPU:{device.partition(':')[2] or 0}"

    def copy(self, native: Native) -> Native:
        """Copy; tf.identity would hand on the very buffer."""
        return tf.raw_ops.DeepCopy(x=native)

    def reset(self) -> None:
        """Forget the peak so far."""
        tf.config.experimental.reset_memory_stats(self._device)

    def in_use(self) -> int:
        """Return the bytes in use now."""
        return int(tf.config.experimental.get_memory_info(self._device)["current"])

    def peak(self) -> int:
        """Return the most bytes in use since the reset."""
        return int(tf.config.experimental.get_memory_info(self._device)["peak"])


@final
class Adapter(adapters.Adapter):
    """TensorFlow's modes and devices; GPUs take memory as they need it, threads are OMP_NUM_THREADS where it is set."""

    catalogue = CATALOGUE
    modes = ("eager", "function", "xla", "session")
    compiling: ClassVar = {"function": "graph", "xla": "program", "session": "graph"}
    ways: ClassVar = {"eager": tuple(passes.WAYS), "function": ("dynamic",)}
    by_name = frozenset({"xla", "session"})
    compiler = ("tensorflow", "libtensorflow_*")
    programs = "xla_compile_cache__*.pb"
    trusts_programs = True
    with_cuda = "xentbench[tensorflow-cuda]"

    def __init__(self) -> None:
        """Set up TensorFlow, as far as nobody in this process has used it yet: afterwards it refuses."""
        super().__init__()
        self._kept = ""  # the flag that names where programs are kept
        with contextlib.suppress(RuntimeError):
            if threads := os.environ.get("OMP_NUM_THREADS"):
                tf.config.threading.set_intra_op_parallelism_threads(int(threads.split(",")[0]))
                tf.config.threading.set_inter_op_parallelism_threads(int(threads.split(",")[0]))

    @cached_property
    def _gpus(self) -> list[tf.config.PhysicalDevice]:
        """GPUs that TensorFlow is allowed to see; looking for them is when it reads its flags of XLA."""
        found = tf.config.get_visible_devices("GPU")
        with contextlib.suppress(RuntimeError):
            for gpu in found:
                tf.config.experimental.set_memory_growth(gpu, True)
        return list(found)

    def compiles_by(self) -> dict[str, str]:
        """Return versions and variables alone: whatever else is asked of TensorFlow makes it read its flags."""
        flags = {name: os.environ.get(name, "unset") for name in (*VARIABLES, "OMP_NUM_THREADS")}
        return {"tensorflow": tf.__version__, "keras": keras.__version__} | flags

    def keep_compiled(self, folder: Path) -> None:
        """Name the folder in TF_XLA_FLAGS, unless the user has named one; once the flags are read, nothing is kept."""
        flags = os.environ.get("TF_XLA_FLAGS", "")
        if KEPT not in flags and not any(sign.isspace() for sign in str(folder)):  # which separates flags
            self._kept = f"{KEPT}={folder}"
            os.environ["TF_XLA_FLAGS"] = f"{flags} {self._kept}".strip()

    def devices(self) -> tuple[str, ...]:
        """Return `cpu` and one `cuda:N` for each GPU that TensorFlow is allowed to see."""
        return ("cpu", *(f"cuda:{index}" for index in range(len(self._gpus))))

    def environment(self, device: str) -> dict[str, str]:
        """Versions, threads (0: TensorFlow chooses), and the variables that choose kernels."""
        found = {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "intra_op_threads": str(tf.config.threading.get_intra_op_parallelism_threads()),
            "inter_op_threads": str(tf.config.threading.get_inter_op_parallelism_threads()),
        }
        for variable in VARIABLES:
            found[variable] = os.environ.get(variable, "unset")
        if self._kept:  # where programs are kept changes no answer
            found["TF_XLA_FLAGS"] = found["TF_XLA_FLAGS"].removesuffix(self._kept).strip() or "unset"
        if device != "cpu":
            gpu = self._gpus[int(device.partition(":")[2])]
            build = tf.sysconfig.get_build_info()
            details = tf.config.experimental.get_device_details(gpu)
            found["device"] = str(details.get("device_name", "unknown"))
            found["cuda"] = str(build.get("cuda_version", "unknown"))
            found["cudnn"] = str(build.get("cudnn_version", "unknown"))
            found["tf32"] = str(tf.config.experimental.tensor_float_32_execution_enabled())
        return found

    def put(self, array: Array, *, mode: str, device: str) -> Native:
        """Make a tensor on the device or, for a session, a copy in numpy's memory with the device's name beside it."""
        if mode == "session":
            return session.Feed(np.array(array), placed(device))
        with tf.device(placed(device)):
            return tf.constant(array)  # copies; tf.convert_to_tensor may share memory

    def get(self, native: Native) -> Array:
        """Return a numpy array also where a session or `Tensor.numpy` gives a scalar."""
        if isinstance(native, session.Feed):
            return np.array(native.array)
        return np.array(native.numpy() if tf.is_tensor(native) else native)

    def wait(self, native: Native) -> None:  # noqa: ARG002 - TensorFlow waits for devices, not for arrays
        """Wait for every GPU's stream; without a GPU nothing is left running, TensorFlow's CPU answers when done."""
        if self._gpus:
            tf.test.experimental.sync_devices()

    def forward(self, function: Function, mode: str) -> Function:
        """Return `function` eager, as one tf.function without or with XLA, or as a session's graph."""
        match mode:
            case "eager":
                run = function
            case "function" | "xla":
                # autograph off: nothing here branches on a tensor, and it re-words what a trace raises
                run = tf.function(function, autograph=False, jit_compile=mode == "xla" or None)
            case "session":
                return session.in_session(function)
            case _:
                raise ValueError(f"mode is {mode!r}, expected one of {', '.join(self.modes)}")
        return on_device_of_first(run) if self._gpus else run

    def backward(self, function: Function, mode: str, argument: int) -> Function:
        """Differentiate by a tape or, in a session, by tf.gradients; ValueError where TensorFlow gives no gradient."""

        def with_gradients(*given: Native) -> tuple[Native, Native]:
            *arrays, upstream = given
            value = function(*arrays)
            (gradient,) = tf.compat.v1.gradients(value, [arrays[argument]], grad_ys=[upstream])
            return value, passes.connected(gradient, argument)

        return self.forward(with_gradients if mode == "session" else partial(passes.taped, function, argument), mode)

    def backward_by(self, way: Way, function: Function, mode: str, argument: int) -> Function:
        """Differentiate in another way than by one tape, gone back once."""
        if way == "dynamic":
            run = passes.of_any_length(partial(passes.taped, function, argument))
            return on_device_of_first(run) if self._gpus else run
        return self.forward(partial(passes.WAYS[way], function, argument), mode)

    def traced(self, function: Function, *arrays: Native) -> str:
        """Return the nodes of its graph and its gradient's."""
        return traced.traced(function, *arrays)

    def tangent(self, function: Function, mode: str) -> Function:
        """Differentiate forward, by a ForwardAccumulator; a session's graph has none."""
        if mode == "session":
            raise NotSupported("TF 1 graphs have no forward-mode differentiation")

        def accumulated(*given: Native) -> tuple[Native, Native]:
            logits, *arrays, direction = given
            with tf.autodiff.ForwardAccumulator(logits, direction) as accumulator:
                value = function(logits, *arrays)
            return value, passes.connected(accumulator.jvp(value))

        return self.forward(accumulated, mode)

    def curvature(self, function: Function, mode: str) -> Function:
        """Differentiate the gradient: a tape around a tape, or tf.gradients of tf.gradients."""
        return self._twice(function, mode, 0)

    def mixed(self, function: Function, mode: str) -> Function:
        """Differentiate the gradient by the labels, likewise."""
        return self._twice(function, mode, 1)

    def _twice(self, function: Function, mode: str, argument: int) -> Function:

        def with_tapes(*given: Native) -> tuple[Native, Native]:
            *arrays, upstream, direction = given
            with tf.GradientTape(watch_accessed_variables=False) as outer:
                outer.watch(arrays[argument])
                with tf.GradientTape(watch_accessed_variables=False) as inner:
                    inner.watch(arrays[0])
                    value = function(*arrays)
                gradient = passes.connected(inner.gradient(value, arrays[0], output_gradients=upstream))
            return gradient, passes.connected(
                outer.gradient(gradient, arrays[argument], output_gradients=direction), argument
            )

        def with_gradients(*given: Native) -> tuple[Native, Native]:
            *arrays, upstream, direction = given
            (gradient,) = tf.compat.v1.gradients(function(*arrays), [arrays[0]], grad_ys=[upstream])
            (second,) = tf.compat.v1.gradients(passes.connected(gradient), [arrays[argument]], grad_ys=[direction])
            return gradient, passes.connected(second, argument)

        return self.forward(with_gradients if mode == "session" else with_tapes, mode)

    def accelerator(self, device: str) -> Cuda:
        """Return what TensorFlow offers of a GPU."""
        return Cuda(device)
