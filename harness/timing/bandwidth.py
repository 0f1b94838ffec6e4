"""How fast this machine's memory is, measured in the same run and by as many threads as what is timed.

As in STREAM (McCalpin), the best of several sweeps over memory far beyond the last-level cache, a copy's bytes counted
both ways. A sweep takes a tenth of a second, which no neighbour leaves undisturbed, so threads are timed by their own
processor time: who waits for memory runs, who was pre-empted does not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from harness.model import Array
from harness.running import host
from harness.timing.traffic import Bandwidth

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
BEYOND = 2  # times the last-level cache that is swept; where other machines share it, more than this one has of it
BYTES = 1 << 29  # swept where the cache is small or unknown
SHARE = 16  # of physical memory that is swept at most
SWEEPS = 8


def last_level_bytes() -> int:
    """Return the size of the last-level cache, which cores may share; 0 where the system does not tell."""
    sizes = [path.read_text().strip() for path in CACHES.glob("index*/size")]
    return max((int(size[:-1]) << 10 for size in sizes if size.endswith("K")), default=0)


def swept_bytes() -> int:
    """Return how much memory is swept."""
    return min(max(BEYOND * last_level_bytes(), BYTES), host.memory_bytes() // SHARE)


def of_memory(threads: int, size: int = 0) -> Bandwidth:
    """Measure a copy and a read, each thread on memory of its own; size: bytes of all threads together.

    numpy's kernels are limited by memory alone: a copy is libc's, which goes around the caches from some size on, and
    `or` takes one instruction a vector, without the chain of roundings that a sum has.
    """
    half = (size or swept_bytes()) // 16 // threads
    with ThreadPoolExecutor(threads) as pool:
        arrays = list(pool.map(lambda _: np.ones(2 * half, np.uint64), range(threads)))
        copy = _seconds(pool, arrays, lambda array: np.copyto(array[half:], array[:half]))
        read = _seconds(pool, arrays, np.bitwise_or.reduce)
    moved = 16 * half * threads
    return Bandwidth(copy=moved / copy, read=moved / read)


def _seconds(pool: ThreadPoolExecutor, arrays: list[Array], kernel: Callable[[Array], object]) -> float:
    """Return the processor seconds of the slowest thread, in the best of some sweeps by all of them at once."""
    together = threading.Barrier(len(arrays))

    def sweep(array: Array) -> float:
        together.wait()
        started = time.thread_time()
        kernel(array)
        return time.thread_time() - started

    return min(max(pool.map(sweep, arrays)) for _ in range(SWEEPS))


def of_device(copy: Callable[[], None], size: int) -> Bandwidth:
    """Measure a device by a copy of `size` bytes that is waited for; a read is taken to be as fast."""
    copy()  # which may compile
    found = []
    for _ in range(SWEEPS):
        started = time.perf_counter()
        copy()
        found.append(time.perf_counter() - started)
    rate = 2 * size / min(found)
    return Bandwidth(copy=rate, read=rate)
