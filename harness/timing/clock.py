"""Time a call so that the device's work is in it, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.adapters.adapter import Adapter
from harness.adapters.catalogue import Native


def waited(adapter: Adapter, call: Callable[[], Native]) -> Callable[[], None]:
    """Return `call` with its wait: a call that only starts work on a device would time the starting."""

    def run() -> None:
        adapter.wait(call())

    return run


def first_call_seconds(run: Callable[[], None]) -> float:
    """Time one call, before any other: compilation, tracing and lazy loading are in it."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
