"""PyTorch, eager and torch.compile."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING, ClassVar, final

import ml_dtypes
import numpy as np
import torch

from harness import adapters
from harness.adapters import Function, Native, NotSupported, accelerator, state
from harness.adapters.torch import passes, spellings, traced  # noqa: F401 - `spellings` adds to the catalogue
from harness.adapters.torch.functions import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from harness.adapters import Layout, Way
    from harness.model import Array

# Change the answers of mode compile: whether Inductor rounds to the storage type between fused operations, and which
# mathematics it lets the compilers use (torch/_inductor/config.py). torch's version does not show them.
FLAGS = (
    "TORCHINDUCTOR_EMULATE_PRECISION_CASTS",
    "TORCHINDUCTOR_CPP_ENABLE_UNSAFE_MATH_OPT_FLAG",
    "TORCHINDUCTOR_USE_FAST_MATH",
)


state.watch(
    state.Setting("torch's gradient mode", torch.is_grad_enabled, torch.set_grad_enabled),
    state.Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
)


@contextlib.contextmanager
def so_many_threads(count: int) -> Iterator[None]:
    """Compute with `count` threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@final
class Cuda(accelerator.Accelerator):
    """A cuda device: events, the caching allocator's statistics, and CUDA graphs."""

    def __init__(self, device: str) -> None:
        """Name the device."""
        self._device = torch.device(device)

    def cache_bytes(self) -> int:
        return int(torch.cuda.get_device_properties(self._device).L2_cache_size)

    def copy(self, native: Native) -> Native:
        return native.clone()

    def clock(self) -> Cuda:
        return self

    def mark(self) -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event

    def seconds(self, earlier: torch.cuda.Event, later: torch.cuda.Event) -> float:
        later.synchronize()
        return float(earlier.elapsed_time(later)) / 1000  # which is in milliseconds

    def replayed(self, function: Function, many: Sequence[tuple[Native, ...]]) -> Callable[[], None]:
        with torch.cuda.device(self._device):
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):  # what a first call sets up cannot be captured (torch.cuda.graph)
                for arrays in many:
                    function(*arrays)
            torch.cuda.current_stream().wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                for arrays in many:
                    function(*arrays)
        replay: Callable[[], None] = graph.replay
        return replay

    def reset(self) -> None:
        torch.cuda.reset_peak_memory_stats(self._device)

    def in_use(self) -> int:
        return int(torch.cuda.memory_allocated(self._device))

    def peak(self) -> int:
        return int(torch.cuda.max_memory_allocated(self._device))


class Adapter(adapters.Adapter):
    """PyTorch on the cpu and on every cuda device."""

    catalogue = CATALOGUE
    modes: tuple[str, ...] = ("eager", "compile")
    compiling: ClassVar = {"compile": "slowly"}
    layouts = ("transposed", "strided", "offset", "wider", "repeated", "expanded")  # no strides below 0
    ways: ClassVar = {"eager": tuple(passes.WAYS), "compile": ("dynamic",)}
    by_name = frozenset({"compile"})
    programs = "fxgraph/*/*"
    with_cuda = "xentbench[torch-cuda]"
    fatal_labels = True  # a device-side assert

    def __init__(self) -> None:
        """See whether there is any device to wait for."""
        super().__init__()
        self._cuda = torch.cuda.is_available()

    def devices(self) -> tuple[str, ...]:
        return ("cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count())))

    def keep_compiled(self, folder: Path) -> None:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))

    def environment(self, device: str) -> dict[str, str]:
        found = {
            "torch": torch.__version__,
            "threads": str(torch.get_num_threads()),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),  # follows ATEN_CPU_CAPABILITY
            "deterministic": str(torch.are_deterministic_algorithms_enabled()),
            **{flag: os.environ[flag] for flag in FLAGS if flag in os.environ},
        }
        if device.startswith("cuda"):
            matmul = torch.backends.cuda.matmul
            found |= {
                "device": torch.cuda.get_device_name(device),
                "cuda": str(torch.version.cuda),
                "matmul_precision": torch.get_float32_matmul_precision(),  # `highest`: no product is taken in TF32
                "fp16_reduced_sums": str(matmul.allow_fp16_reduced_precision_reduction),
                "bf16_reduced_sums": str(matmul.allow_bf16_reduced_precision_reduction),
            }
        return found

    def put(self, array: Array, *, mode: str, device: str) -> Native:  # noqa: ARG002
        copy = np.array(array, order="C")
        if copy.dtype == ml_dtypes.bfloat16:  # numpy's bfloat16 is ml_dtypes', unknown to torch: go through the bits
            return torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16).to(device)
        return torch.from_numpy(copy).to(device)

    def get(self, native: Native) -> Array:
        tensor = native.detach().cpu()
        if tensor.dtype == torch.bfloat16:
            return np.array(tensor.view(torch.int16).numpy()).view(ml_dtypes.bfloat16)
        return np.array(tensor.numpy())

    def wait(self, native: Native) -> None:
        if not self._cuda:  # asked first, because it stands in every timed call
            return
        tensors = native if isinstance(native, tuple) else (native,)
        for device in {tensor.device for tensor in tensors if tensor.is_cuda}:
            torch.cuda.synchronize(device)

    def forward(self, function: Function, mode: str) -> Function:
        return passes.compiled(function) if mode == "compile" else function

    def backward(self, function: Function, mode: str, argument: int) -> Function:
        # Only the forward is wrapped, as users do it: torch.compile then compiles the backward with it.
        return partial(passes.differentiated, self.forward(function, mode), argument)

    def backward_by(self, way: Way, function: Function, mode: str, argument: int) -> Function:
        if way == "dynamic":
            return partial(passes.differentiated, passes.compiled(function, dynamic=True), argument)
        return partial(passes.WAYS[way], self.forward(function, mode), argument)

    def traced(self, function: Function, *arrays: Native) -> str:
        return traced.traced(function, *arrays)

    def tangent(self, function: Function, mode: str) -> Function:
        if mode == "compile":
            raise NotSupported("torch.compile does not take torch.func.jvp from outside; asked in mode eager")
        return partial(passes.tangents, function)

    def curvature(self, function: Function, mode: str) -> Function:
        if mode == "compile":
            raise NotSupported("torch.compile supports no double backward")
        return partial(passes.curved, function, 0)

    def mixed(self, function: Function, mode: str) -> Function:
        if mode == "compile":
            raise NotSupported("torch.compile supports no double backward")
        return partial(passes.curved, function, 1)

    def view(self, native: Native, layout: Layout) -> Native:
        *rows, last = native.shape
        match layout:
            case "transposed":
                return native.t().contiguous().t()
            case "strided":  # every second number of a longer row
                wide = native.new_zeros(*rows, last, 2)
                wide[..., 0] = native
                return wide[..., 0]
            case "wider":  # the first numbers of longer rows
                wide = native.new_zeros(*rows, last + 5)
                wide[..., :last] = native
                return wide[..., :last]
            case "repeated":
                return native[:1].expand(native.shape)
            case "expanded":
                return native.reshape(-1)[0].expand(native.shape)
        # Begins one element behind an aligned address, where a vector load meets the wrong lanes.
        flat = native.new_zeros(native.numel() + 1)
        flat[1:] = native.reshape(-1)
        return flat[1:].view(native.shape)

    def lost(self, device: str) -> bool:
        try:
            torch.zeros(1, device=device).add_(1)
            torch.cuda.synchronize(device)
        except RuntimeError:  # a fault of a kernel stays with the process: every later call raises it
            return True
        return False

    def fill(self, native: Native, array: Array) -> None:
        native.copy_(self.put(array, mode="eager", device=str(native.device)))

    def threads(self, count: int) -> contextlib.AbstractContextManager[None]:
        return so_many_threads(count)

    def accelerator(self, device: str) -> Cuda:
        return Cuda(device)
