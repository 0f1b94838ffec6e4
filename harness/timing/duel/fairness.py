"""The fairness card: what a figure holds and what it does not, stated with it."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from harness.model import Case
from harness.running import host
from harness.timing.duel.order import Preparation
from harness.timing.duel.pairing import Measured
from harness.timing.traffic import Bandwidth, least

L2 = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
CACHE_BYTES = 2 << 20  # of a core's own cache where the system does not tell
DEVICE_CACHE_BYTES = 64 << 20  # above the L2 of today's GPUs: 40 MB (A100) to 60 MB (H100)
MALLOC = (
    "LD_PRELOAD",
    "MALLOC_MMAP_MAX_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_TOP_PAD_",
    "GLIBC_TUNABLES",
)
DEVICE_MALLOC = ("PYTORCH_CUDA_ALLOC_CONF", "XLA_PYTHON_CLIENT_PREALLOCATE", "TF_GPU_ALLOCATOR")
OF_A_CASE = ("dtype", "cache")  # lines of a card that no other case need share
# glibc then keeps what is freed: a fresh large array is no longer a page fault for every 4 KiB of it.
WARM_MALLOC: Mapping[str, str] = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_TOP_PAD_": str(64 << 20),
}
ALLOCATORS: Mapping[str, Mapping[str, str]] = {"default": {}, "warm": WARM_MALLOC}  # and their variables


@dataclass(frozen=True)
class Peak:
    """The most memory that a call had in use at once beyond its inputs, in bytes, and the size of its logits."""

    bytes: int
    logits_bytes: int

    @property
    def words(self) -> str:
        """The peak in words."""
        return f"{self.bytes / self.logits_bytes:.3g} times the logits, which were {_bytes(self.logits_bytes)}"


@dataclass(frozen=True)
class Card:
    """What stands beside a figure. Seconds and counts are a call's."""

    synchronised: str
    threads: str
    allocator: str
    compile: str  # that it is excluded
    transfers: str
    output: str
    dtype: str
    x64: str
    cache: str
    isa: str
    garbage: str
    first_seconds: float  # the first call of the first worker: compilation, tracing and lazy loading are in it
    dispatch_seconds: float | None  # the same target on the smallest op: what no kernel can save
    overhead_seconds: float  # the harness's own loop and wait
    minor_faults: float
    major_faults: float
    preempted: float  # share of blocks
    seconds: float  # the figure
    cached: bool  # a cache holds all buffers: memory is no limit then
    limit: Bandwidth | None  # of memory, measured in the same run
    floor_seconds: float | None  # the least time that it allows
    peak: Peak | None

    @property
    def of_limit(self) -> float | None:
        """The roofline fraction: the floor over the time."""
        return None if self.floor_seconds is None else self.floor_seconds / self.seconds

    @property
    def settings(self) -> dict[str, str]:
        """What was set, and not measured, whatever the case."""
        return {name: value for name, value in asdict(self).items() if isinstance(value, str) and name not in OF_A_CASE}

    @property
    def plain(self) -> dict[str, Any]:
        """The card as JSON has it."""
        return asdict(self) | {"of_limit": self.of_limit}

    @property
    def lines(self) -> dict[str, str]:
        """The card in words, for a terminal."""
        dispatch = "not measured" if self.dispatch_seconds is None else spoken(self.dispatch_seconds)
        return self.settings | {
            "dtype": self.dtype,
            "cache": self.cache,
            "limit": self._limit(),
            "memory": self.peak.words if self.peak else "not measured",
            "first call": f"{spoken(self.first_seconds)}, not in the figure",
            "dispatch": f"{dispatch}, the smallest op",
            "overhead": f"{spoken(self.overhead_seconds)}, in the figure",
            "page faults": f"{self.minor_faults:.3g} minor, {self.major_faults:.3g} major a call",
            "pre-empted": f"{self.preempted:.0%} of blocks",
        }

    def _limit(self) -> str:
        if self.limit is None or self.floor_seconds is None:
            return "not measured"
        rates = f"copy {self.limit.copy / 1e9:.3g} GB/s, read {self.limit.read / 1e9:.3g} GB/s"
        beaten = "; a cache may beat it" if self.cached else ""
        over = self.seconds / self.floor_seconds
        return f"{over:.3g} times the floor of {spoken(self.floor_seconds)} ({rates}){beaten}"


def card(
    case: Case,
    device: str,
    *,
    environment: Mapping[str, str],
    surroundings: Mapping[str, str],
    preparation: Preparation,
    blocks: Iterable[Measured],
    dispatch_seconds: float | None = None,
    limit: Bandwidth | None = None,
    peak: Peak | None = None,
) -> Card:
    """Fill in a target's card from what its workers said and how its blocks went."""
    measured = list(blocks)
    calls = sum(block.calls * len(block.seconds) for block in measured)
    on_cpu = device == "cpu"
    return Card(
        synchronised=preparation.synchronised,
        threads=surroundings["threads"],
        allocator=surroundings["allocator" if on_cpu else "device_allocator"],
        compile="excluded",
        transfers="excluded: inputs on the device, answers left there",
        output="written to memory, freed before the next call" if on_cpu else "written to memory",
        dtype=case.dtype,
        x64=environment.get("x64", "as the dtype says"),
        cache=_cache(preparation),
        isa=environment.get("cpu_capability", surroundings["isa"]) if on_cpu else environment.get("device", device),
        garbage="collector off in blocks",
        first_seconds=preparation.first_seconds,
        dispatch_seconds=dispatch_seconds,
        overhead_seconds=preparation.overhead_seconds,
        minor_faults=sum(block.minor_faults for block in measured) / calls,
        major_faults=sum(block.major_faults for block in measured) / calls,
        preempted=sum(block.preemptions > 0 for block in measured) / len(measured),
        seconds=float(median(seconds(block) for block in measured)),
        cached=_cached(preparation),
        limit=limit,
        floor_seconds=least(case).floor_seconds(limit) if limit else None,
        peak=peak,
    )


def _cached(preparation: Preparation) -> bool:
    return preparation.copies * preparation.bytes <= preparation.cache_bytes


def _cache(preparation: Preparation) -> str:
    copies, size, cache = preparation.copies, preparation.bytes, preparation.cache_bytes
    buffers = f"one buffer of {_bytes(size)}" if copies == 1 else f"{copies} buffers of {_bytes(size)} in turn"
    if not cache:
        return f"{buffers}; the size of the last-level cache is not known"
    return f"{buffers}, {'within' if _cached(preparation) else 'beyond'} the last-level cache of {_bytes(cache)}"


def surroundings() -> dict[str, str]:
    """Return the settings of this process that a figure depends on and no framework tells."""
    return {
        "threads": os.environ.get("OMP_NUM_THREADS", f"one a core: {os.cpu_count()}"),
        "allocator": _settings(f"{platform.libc_ver()[0] or 'system'} malloc", MALLOC),
        "device_allocator": _settings("the framework's own", DEVICE_MALLOC),
        "isa": host.isa(),
    }


def _settings(what: str, names: Iterable[str]) -> str:
    return " ".join([what, *(f"{name}={os.environ[name]}" for name in names if name in os.environ)])


def cache_bytes(device: str) -> int:
    """Return what inputs are to outgrow: a core's own cache, not the one that cores and machines share."""
    if device != "cpu":
        return DEVICE_CACHE_BYTES
    text = L2.read_text().strip() if L2.exists() else ""
    return int(text[:-1]) << 10 if text.endswith("K") else CACHE_BYTES


def seconds(block: Measured) -> float:
    """Return a block's seconds a call."""
    return math.exp(block.log_seconds)


def spoken(seconds: float) -> str:
    """Write seconds with three digits and the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _bytes(size: float) -> str:
    for unit, many in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= many:
            return f"{size / many:.3g} {unit}"
    return f"{size:.0f} bytes"
