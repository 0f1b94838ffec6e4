"""JAX with optax, eager and jax.jit.

JAX computes in 32 bits unless told otherwise, and its users' float32 code runs so. The 64-bit switch is therefore on
around float64 arrays only: on around all, it would change what float32 code does with integers and Python scalars.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, ClassVar, final

import jax
import numpy as np
import optax

from harness import adapters
from harness.adapters import Function, Native, NotSupported, accelerator, state
from harness.adapters.jax import passes, spellings, traced  # noqa: F401 - `spellings` adds to the catalogue
from harness.adapters.jax.functions import CATALOGUE
from harness.model import EIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from harness.adapters import Way
    from harness.model import Array


def switched(wide: bool) -> None:  # noqa: FBT001 - as a setting's value is put back
    """Turn the 64-bit switch."""
    jax.config.update("jax_enable_x64", wide)


state.watch(state.Setting("jax's 64-bit switch", lambda: jax.config.jax_enable_x64, switched))


@final
class Cuda(accelerator.Accelerator):
    """A cuda device as jax shows it: an allocator whose peak is that of the whole process; no events, no replay."""

    def __init__(self, device: jax.Device) -> None:
        """Take the device."""
        self._device = device

    def copy(self, native: Native) -> Native:
        return jax.numpy.array(native, copy=True)

    def reset(self) -> None:
        return  # jax cannot: one call a process

    def in_use(self) -> int:
        return self._statistic("bytes_in_use")

    def peak(self) -> int:
        return self._statistic("peak_bytes_in_use")

    def _statistic(self, name: str) -> int:
        found = self._device.memory_stats()
        if found is None:
            raise NotSupported(f"{self._device} offers no memory statistics")
        return int(found[name])


class Adapter(adapters.Adapter):
    """JAX on the cpu and on every cuda device."""

    catalogue = CATALOGUE
    modes = ("eager", "jit")
    compiling: ClassVar = {"eager": "primitives", "jit": "usual"}
    ways: ClassVar = {"eager": tuple(passes.WAYS), "jit": (*passes.WAYS, "donated")}
    compiler = ("jaxlib", "*.so")
    programs = "jit_*-cache"
    eights: tuple[str, ...] = EIGHTS
    with_cuda = "xentbench[jax-cuda]"

    def devices(self) -> tuple[str, ...]:
        try:
            return ("cpu", *(f"cuda:{index}" for index in range(len(jax.devices("cuda")))))
        except RuntimeError:  # jax's answer for a platform that is not there
            return ("cpu",)

    def keep_compiled(self, folder: Path) -> None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

    def environment(self, device: str) -> dict[str, str]:
        found = {
            "jax": jax.__version__,
            "jaxlib": jax.lib.__version__,
            "optax": optax.__version__,
            # XLA does not tell; its pool on the cpu has NPROC threads, or one a core (xla/pjrt/utils.cc).
            "threads": os.environ.get("NPROC", str(os.cpu_count())),
            "xla_flags": os.environ.get("XLA_FLAGS", ""),
            "x64": str(jax.config.jax_enable_x64),  # for other dtypes than float64
            "softmax_custom_jvp": str(jax.config.jax_softmax_custom_jvp),
        }
        if device.startswith("cuda"):
            client = placed(device).client
            found |= {
                "device": placed(device).device_kind,
                "cuda": " ".join(client.platform_version.split()),
                "matmul_precision": str(jax.config.jax_default_matmul_precision),  # None: float32 in TF32 on a GPU
            }
        return found

    def put(self, array: Array, *, mode: str, device: str) -> Native:  # noqa: ARG002
        # A copy of its own: on the cpu, jax may take over numpy's memory instead of copying it.
        with jax.enable_x64(array.dtype == np.float64 or jax.config.jax_enable_x64):
            return jax.device_put(np.array(array, order="C"), placed(device))

    def get(self, native: Native) -> Array:
        return np.array(native)

    def wait(self, native: Native) -> None:
        # The arrays' own method: jax.block_until_ready walks a tree, 1 us of every timed call.
        for array in native if isinstance(native, tuple) else (native,):
            array.block_until_ready()

    def forward(self, function: Function, mode: str) -> Function:
        return in_precision(jitted(function) if mode == "jit" else function)

    def backward(self, function: Function, mode: str, argument: int) -> Function:
        return self.forward(passes.differentiated(function, argument), mode)

    def backward_by(self, way: Way, function: Function, mode: str, argument: int) -> Function:
        if way == "donated":
            return in_precision(jitted(passes.differentiated(function, argument), donated=(argument,)))
        return self.forward(passes.WAYS[way](function, argument), mode)

    def traced(self, function: Function, *arrays: Native) -> str:
        return in_precision(partial(traced.traced, function))(*arrays)

    def tangent(self, function: Function, mode: str) -> Function:
        def differentiated(*arrays: Native) -> tuple[Native, Native]:
            logits, *given, direction = arrays
            value, derivative = jax.jvp(lambda x: function(x, *given), (logits,), (direction,))
            return value, derivative

        return self.forward(differentiated, mode)

    def curvature(self, function: Function, mode: str) -> Function:
        def differentiated(*arrays: Native) -> tuple[Native, Native]:
            logits, *given, upstream, direction = arrays

            def gradient(x: Native) -> Native:
                return jax.vjp(lambda y: function(y, *given), x)[1](upstream)[0]

            value, derivative = jax.jvp(gradient, (logits,), (direction,))  # forward over reverse
            return value, derivative

        return self.forward(differentiated, mode)

    def mixed(self, function: Function, mode: str) -> Function:
        def differentiated(*arrays: Native) -> tuple[Native, Native]:
            logits, labels, upstream, direction = arrays

            def gradient(z: Native) -> Native:
                return jax.vjp(lambda x: function(x, z), logits)[1](upstream)[0]

            value, back = jax.vjp(gradient, labels)
            return value, back(direction)[0]

        return self.forward(differentiated, mode)

    def lost(self, device: str) -> bool:
        try:
            jax.block_until_ready(jax.device_put(np.zeros(1, np.float32), placed(device)) + 1)
        except RuntimeError:  # jaxlib's own error is one
            return True
        return False

    def accelerator(self, device: str) -> Cuda:
        return Cuda(placed(device))


def placed(device: str) -> jax.Device:
    """Find a device by the harness's name, such as `cuda:0`."""
    platform, _, index = device.partition(":")
    return jax.devices(platform)[int(index or 0)]


def jitted(function: Function, donated: tuple[int, ...] = ()) -> Function:
    """Compile, or refuse where the switch that turns jit into nothing is on; donated: whose memory is given away."""
    if jax.config.jax_disable_jit:
        raise NotSupported("jax.jit is switched off; unset JAX_DISABLE_JIT")
    native: Function = jax.jit(function, donate_argnums=donated)
    return native


def in_precision(function: Function) -> Function:
    """Run a function in 64 bits where its first array has them."""

    def run(*arrays: Native) -> Native:
        if arrays[0].dtype != np.float64:
            return function(*arrays)
        with jax.enable_x64(True):
            return function(*arrays)

    return run
