"""What a framework offers of a device beyond its arrays: its memory, a clock in the device's queue, replay.

Abstract here; an adapter's file says what its framework has. What it has not is None or 0, never a guess.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol

Native = Any  # a framework's own array
Mark = Any  # a moment in the device's queue


class Clock(Protocol):
    """Reads time on the device: the host's clock sees a call's start, and its end only by waiting for it."""

    def mark(self) -> Mark:
        """Put a mark into the queue, behind what was asked for so far."""

    def seconds(self, earlier: Mark, later: Mark) -> float:
        """Wait until the device has come to the later mark; return the time between the two."""


class Accelerator(ABC):
    """One device of one framework. It is a `harness.timing.memory.Gauge`, which reads the framework's own allocator."""

    @abstractmethod
    def copy(self, native: Native) -> Native:
        """Copy an array on the device, by the framework's own copy."""

    @abstractmethod
    def reset(self) -> None:
        """Forget the peak of memory so far, where the framework can."""

    @abstractmethod
    def in_use(self) -> int:
        """Return the bytes in use now."""

    @abstractmethod
    def peak(self) -> int:
        """Return the most bytes that were in use since the reset, or since the process began."""

    def cache_bytes(self) -> int:
        """Return the size of the device's last-level cache; 0 where the framework does not tell."""
        return 0

    def clock(self) -> Clock | None:
        """Return the device's clock, where the framework has events."""
        return None

    def replayed(
        self,
        function: Callable[..., Native],  # noqa: ARG002
        many: Sequence[tuple[Native, ...]],  # noqa: ARG002
    ) -> Callable[[], None] | None:
        """Record a call with each of many tuples of arrays; return what starts them all, in turn, without the host."""
        return None
