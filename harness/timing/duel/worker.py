"""What a worker process does: prepare calls and time blocks of them, as it is ordered to.

It imports the harness's adapters and the one framework that is asked for, and nothing else of this project, so that it
also runs in another environment that has the framework, numpy and ml_dtypes. Messages are tuples of plain values.
"""

from __future__ import annotations

import gc
import itertools
import math
import os
import resource
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters import frameworks, judged
from harness.adapters.accelerator import Accelerator
from harness.adapters.adapter import Adapter, Prepared
from harness.adapters.catalogue import Native
from harness.adapters.fence import NotInstalled, fenced
from harness.model import Failed, Inputs, Unsupported
from harness.running import orphan
from harness.timing import bandwidth, clock, memory
from harness.timing.duel import arrays, fairness, stamps
from harness.timing.duel.order import Order, Preparation
from harness.timing.duel.stamps import Call
from harness.timing.traffic import Bandwidth

LARGE_BYTES = 64 << 20  # of arrays whose calls last for so long that one is estimate enough
COPIES_AT_MOST = 64
DEVICE_COPIES_AT_MOST = 1024  # its cache is larger by far
SEVERAL = 4  # times a device's cache that copies take up together
COPIED_BYTES = 1 << 30  # on a device, to measure its memory: far beyond its cache


class Orders:
    """The orders that a worker carries out, and the calls that it has prepared."""

    def __init__(self) -> None:
        """Begin with nothing imported and nothing prepared."""
        self._adapters: dict[tuple[str, str], Adapter] = {}
        self._calls: dict[str, Call] = {}
        self.received = arrays.Received()
        self._shared: dict[tuple[object, ...], tuple[tuple[Native, ...], ...]] = {}

    def find(self, frameworks: list[str], file: str, name: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """Return (framework, op, kind, modes) of what has a name, in a file or the first framework with it."""
        for framework in list(judged.catalogues(Path(file))) if file else frameworks:
            try:
                adapter = self.adapter(framework, file)
            except NotInstalled:
                continue
            if found := [one for one in adapter.implementations() if one.name == name]:
                return [(framework, one.op, one.kind, tuple(adapter.modes)) for one in found]
        return []

    def fused(self, framework: str, file: str, op: str) -> list[tuple[str, str]]:
        """Return (name, mode) of every fused function of an op, each function once however many names it has."""
        adapter = self.adapter(framework, file)
        fused = [one for one in adapter.implementations() if one.op == op and one.kind == "fused"]
        once = {adapter.offer(one).identity: one for one in reversed(fused) if adapter.offer(one).takes()}
        return [(one.name, mode) for one in reversed(list(once.values())) for mode in adapter.modes]

    def environment(self, framework: str, file: str, device: str) -> dict[str, str]:
        """Return what the framework's answers and its speed depend on here."""
        adapter = self.adapter(framework, file)
        if device not in adapter.devices():
            raise ValueError(f"{framework} sees {', '.join(adapter.devices())}, expected {device}")
        # Plain text: torch's version is a class of its own, which no message carries.
        return {name: "".join(value) for name, value in adapter.environment(device).items()}

    def bandwidth(self, framework: str, device: str, threads: int) -> Bandwidth:
        """Measure how fast memory is: the machine's, or a device's by the framework's own copy."""
        adapter = self.adapter(framework)
        accelerator = _accelerator(adapter, device)
        if accelerator is None:
            return bandwidth.of_memory(threads)
        array = adapter.put(np.zeros(COPIED_BYTES // 4, np.float32), mode=adapter.plainest, device=device)
        return bandwidth.of_device(lambda: adapter.wait(accelerator.copy(array)), COPIED_BYTES)

    def peak(self, order: Order) -> int:
        """Return the most bytes that a call has in use at once beyond its inputs. Raises NotSupported."""
        adapter = self.adapter(order.target.implementation.framework, order.file)
        prepared = _prepare(adapter, arrays.inputs(order.arrays, self.received), order)
        run = clock.waited(adapter, prepared)
        run()  # compiles, which takes memory of its own
        return memory.beyond(_accelerator(adapter, order.target.device) or memory.Resident(), run)

    def load(self, key: str, order: Order) -> Preparation:
        """Prepare a call under a key, time its first call, and estimate the others."""
        adapter, inputs = (
            self.adapter(order.target.implementation.framework, order.file),
            arrays.inputs(order.arrays, self.received),
        )
        given = [inputs.logits, inputs.labels, inputs.weight]
        given += [inputs.upstream] if order.case.quantity != "value" else []
        size = sum(array.nbytes for array in given if array is not None)
        # A function is one for all sizes; made with small arrays, it takes those that are there already.
        small = _prepare(adapter, _first_rows(inputs), order)
        accelerator = _accelerator(adapter, order.target.device)
        copies, cache = _rotation(size, order.outgrow_bytes, accelerator)
        function, natives = small.function, self._shared_arrays(adapter, inputs, order, small, copies)
        call = Call(function, natives, adapter.wait, accelerator is None, itertools.cycle(natives))
        first = clock.first_call_seconds(lambda: call.wait(function(*natives[0])))
        if accelerator:
            call.clock = accelerator.clock()
        if order.graph:
            call.replay(accelerator)
        large = size > LARGE_BYTES
        call.seconds = first if large and call.each else stamps.estimate(call)
        self._calls[key] = call
        overhead = 0.0 if large or call.clock else stamps.overhead(call)
        return Preparation(first, call.seconds, overhead, copies, size, cache, call.synchronised)

    def block(self, key: str, calls: int, count: int, untimed: int) -> tuple[list[float], int, int, int]:
        """Time a block; return its stamps in seconds, minor and major page faults, and how often it was pre-empted."""
        call = self._calls[key]
        gc.disable()
        try:
            if untimed:
                call.times(untimed, 1)
            before = resource.getrusage(resource.RUSAGE_SELF)
            times = call.times(calls, count)
            after = resource.getrusage(resource.RUSAGE_SELF)
        finally:
            gc.enable()
        return (
            [later - earlier for earlier, later in itertools.pairwise(times)],
            after.ru_minflt - before.ru_minflt,
            after.ru_majflt - before.ru_majflt,
            after.ru_nivcsw - before.ru_nivcsw,
        )

    def answer(self, order: Order) -> tuple[str, tuple[int, ...], bytes] | Unsupported | Failed:
        """Make a call once; return the dtype, shape and bytes of its answer."""
        adapter, inputs = (
            self.adapter(order.target.implementation.framework, order.file),
            arrays.inputs(order.arrays, self.received),
        )
        got = adapter.ask(order.case.op, order.case.quantity, inputs, order.target)
        return got if isinstance(got, Unsupported | Failed) else (got.dtype.name, got.shape, got.tobytes())

    def unload(self, key: str) -> None:
        """Drop a call, and its arrays where no other call has them."""
        self._calls.pop(key, None)
        used = {id(call.arrays) for call in self._calls.values()}
        self._shared = {kind: natives for kind, natives in self._shared.items() if id(natives) in used}
        gc.collect()

    def _shared_arrays(
        self, adapter: Adapter, inputs: Inputs, order: Order, small: Prepared, copies: int
    ) -> tuple[tuple[Native, ...], ...]:
        """Return arrays on the device, those of an earlier call where it took the same: all modes fit then."""
        paths = tuple(entry and entry[0] for entry in order.arrays.values())
        kinds = tuple(type(array) for array in small.arrays)  # a session takes other arrays than eager calls do
        key = (paths, order.target.implementation.framework, order.target.device, kinds, copies)
        if key not in self._shared:
            self._shared[key] = tuple(_prepare(adapter, inputs, order).arrays for _ in range(copies))
        return self._shared[key]

    def adapter(self, framework: str, file: str = "") -> Adapter:
        """Return a framework's adapter, imported when first asked for, or that of a file's functions in it."""
        if (framework, file) not in self._adapters:
            adapter = frameworks.load(framework)
            if file:
                adapter = adapter.offering(judged.catalogues(Path(file))[framework])
            self._adapters[framework, file] = adapter
            gc.freeze()  # what an import leaves is not looked through again: TensorFlow's takes a tenth of a second
        return self._adapters[framework, file]


# What each order calls, with its arguments as plain values; what it returns travels back as such.
CARRIED_OUT_BY: Mapping[str, Callable[..., Any]] = {
    "find": Orders.find,
    "fused": Orders.fused,
    "environment": Orders.environment,
    "devices": lambda orders, framework: orders.adapter(framework).devices(),
    "untimed": lambda orders, framework: orders.adapter(framework).untimed,
    "surroundings": lambda _: fairness.surroundings(),
    "bandwidth": lambda orders, *arguments: asdict(orders.bandwidth(*arguments)),
    "load": lambda orders, key, order: asdict(orders.load(key, Order.of(order))),
    "block": Orders.block,
    "unload": Orders.unload,
    "answer": lambda orders, order: orders.answer(Order.of(order)),
    "peak": lambda orders, order: orders.peak(Order.of(order)),
    "append": lambda orders, path, piece: orders.received.append(path, piece),
    "process": lambda _: os.getpid(),
}


def serve(channel: Any) -> None:
    """Carry out orders until the channel closes; what goes wrong is an answer too."""
    orphan.end_with(os.getppid())
    orders = Orders()
    for order, *arguments in channel:
        channel.send(reply(orders, order, *arguments))
    orders.received.close()


def reply(orders: Orders, order: str, *arguments: Any) -> tuple[str, Any]:
    """Carry out an order; return `done` and its answer, or `unsupported` or `failed` and the fields of that outcome."""
    match fenced(lambda: CARRIED_OUT_BY[order](orders, *arguments)):
        case Unsupported() as refusal:
            return "unsupported", asdict(refusal)
        case Failed() as failure:
            return "failed", asdict(failure)
        case answer:
            return "done", answer


def _prepare(adapter: Adapter, inputs: Inputs, order: Order) -> Prepared:
    return adapter.prepare(order.case.op, order.case.quantity, inputs, order.target)


def _first_rows(inputs: Inputs) -> Inputs:
    """Return the first row of everything, but for a weight, which has none."""
    labels, upstream = inputs.labels, inputs.upstream
    return replace(
        inputs,
        logits=inputs.logits[:1],
        labels=None if labels is None else labels[:1],
        upstream=upstream[:1] if upstream.ndim else upstream,
    )


def _accelerator(adapter: Adapter, device: str) -> Accelerator | None:
    """Return what is known of a device; None of the cpu, which every framework waits for."""
    return None if device == "cpu" else adapter.accelerator(device)


def _rotation(size: int, outgrow: int, accelerator: Accelerator | None) -> tuple[int, int]:
    """Return how many copies of the arrays take turns, and the size of the last-level cache (0 where nobody tells)."""
    if accelerator is None:
        return _copies(size, outgrow, COPIES_AT_MOST), bandwidth.last_level_bytes()
    cache = accelerator.cache_bytes() or fairness.DEVICE_CACHE_BYTES
    return _copies(size, SEVERAL * cache if outgrow else 0, DEVICE_COPIES_AT_MOST), cache


def _copies(size: int, outgrow: int, at_most: int) -> int:
    """Return how many copies of the arrays are too many for a cache of `outgrow` bytes; 1 where one is."""
    return 1 if size > outgrow else min(at_most, 1 + math.ceil(outgrow / max(size, 1)))
