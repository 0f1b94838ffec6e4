"""How much memory a call has in use at once, beyond what was in use before it.

On a device the framework's own allocator says it. On the cpu nothing does, so the process's resident set is read, and
the kernel's high-water mark of it, which Linux lets a process reset. It counts pages, in batches of some hundred KiB:
nothing beside inputs of 64 MiB, and too coarse for small ones. What malloc keeps for the next call is given back first;
a pool of a framework's own would hide what it lends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from harness.adapters.fence import NotSupported

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
SETTLING_SECONDS = 20e-3  # between two readings that are to be the same
SETTLING_READINGS = 25  # at most
RESET_PEAK = "5"  # proc(5): resets the high-water mark to what is resident now


class Gauge(Protocol):
    """Reads memory in use, in bytes."""

    def reset(self) -> None:
        """Forget the peak so far."""

    def in_use(self) -> int:
        """Return what is in use now."""

    def peak(self) -> int:
        """Return the most that was in use since the reset."""


class Resident:
    """This process's resident set, as Linux counts it."""

    def reset(self) -> None:
        """Give back what malloc keeps, and reset the high-water mark. Raises NotSupported where that cannot be done."""
        gc.collect()
        with contextlib.suppress(AttributeError, OSError):  # glibc's alone
            ctypes.CDLL(None).malloc_trim(0)
        try:
            CLEAR.write_text(RESET_PEAK)
        except OSError as error:
            raise NotSupported(f"the high-water mark cannot be reset ({error}), expected Linux and its /proc") from None

    def in_use(self) -> int:
        """Return what is resident."""
        return _status("VmRSS")

    def peak(self) -> int:
        """Return the high-water mark."""
        return _status("VmHWM")


def beyond(gauge: Gauge, call: Callable[[], None]) -> int:
    """Make a call; return the most bytes it had in use at once beyond those in use before."""
    gauge.reset()
    before = _settled(gauge)
    gauge.reset()
    call()
    return gauge.peak() - before


def _settled(gauge: Gauge) -> int:
    """Return what is in use once it stays as it is: a framework may free what came before in a thread of its own."""
    before = gauge.in_use()
    for _ in range(SETTLING_READINGS):
        time.sleep(SETTLING_SECONDS)
        now = gauge.in_use()
        if now == before:
            break
        before = now
    return before


def _status(name: str) -> int:
    """Read a field of this process's status, in bytes."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) << 10  # the kernel writes kB and means KiB
