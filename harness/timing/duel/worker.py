"""What a worker process does: hold prepared calls, and time blocks of them when told to.

It imports the harness's adapters and the one framework it is told of, and nothing else of this project, so that it also
runs in another environment that has the framework, numpy and ml_dtypes. Messages are tuples of plain Python values.
"""

from __future__ import annotations

import gc
import itertools
import math
import os
import resource
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from harness import adapters
from harness.adapters import Adapter, Native, NotSupported, judged
from harness.adapters.accelerator import Accelerator
from harness.model import Array, Implementation, Inputs, Op, Target
from harness.running import orphan
from harness.timing import bandwidth, clock, memory
from harness.timing.duel import fairness, stamps
from harness.timing.duel.stamps import Held

Told = Mapping[str, Any]  # of a question: see `gateways.Question`
NAMES = ("logits", "labels", "upstream")
LARGE_BYTES = 64 << 20  # of arrays whose calls last for so long that one is estimate enough
COPIES_AT_MOST = 64
DEVICE_COPIES_AT_MOST = 1024  # its cache is larger by far
SEVERAL = 4  # times a device's cache that copies take up together
COPIED_BYTES = 1 << 30  # on a device, to measure its memory: far beyond its cache


class Bench:
    """The worker's side of every order; a public method is one."""

    def __init__(self) -> None:
        """Start with nothing imported and nothing held."""
        self._adapters: dict[tuple[str, str], Adapter] = {}
        self._held: dict[str, Held] = {}
        self._shared: dict[tuple[object, ...], tuple[tuple[Native, ...], ...]] = {}

    def find(self, frameworks: list[str], file: str, name: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """Return (framework, op, kind, modes) of what has a name, in a file or the first framework with it."""
        for framework in list(judged.catalogues(Path(file))) if file else frameworks:
            try:
                adapter = self._adapter(framework, file)
            except adapters.NotInstalled:
                continue
            of = [one for one in adapter.implementations() if one.name == name]
            if of:
                return [(framework, one.op, one.kind, tuple(adapter.modes)) for one in of]
        return []

    def fused(self, framework: str, file: str, op: str) -> list[tuple[str, str]]:
        """Return (name, mode) of every fused function of an op, each function once however many names it has."""
        adapter = self._adapter(framework, file)
        once = {adapter.offer(of).identity: of for of in reversed(adapter.implementations()) if _fused(of, op)}
        return [(of.name, mode) for of in reversed(list(once.values())) for mode in adapter.modes]

    def environment(self, framework: str, file: str, device: str) -> dict[str, str]:
        """Return what the framework's answers and its speed depend on here."""
        adapter = self._adapter(framework, file)
        if device not in adapter.devices():
            raise ValueError(f"{framework} sees {', '.join(adapter.devices())}, expected {device}")
        # Plain text: torch's version is a class of its own, which no message carries.
        return {name: "".join(value) for name, value in adapter.environment(device).items()}

    def devices(self, framework: str) -> tuple[str, ...]:
        """Return the devices that a framework sees here."""
        return self._adapter(framework, "").devices()

    def limit(self, framework: str, device: str, threads: int) -> dict[str, float]:
        """Measure how fast memory is: the machine's, or a device's by the framework's own copy."""
        adapter = self._adapter(framework, "")
        accelerator = _accelerator(adapter, device)
        if accelerator is None:
            return asdict(bandwidth.of_memory(threads))
        array = adapter.put(np.zeros(COPIED_BYTES // 4, np.float32), mode=adapter.modes[0], device=device)
        return asdict(bandwidth.of_device(lambda: adapter.wait(accelerator.copy(array)), COPIED_BYTES))

    def peak(self, told: Told) -> int:
        """Return the most bytes that a call has in use at once beyond its inputs. Raises NotSupported."""
        adapter = self._adapter(told["framework"], told["file"])
        prepared = _prepared(adapter, _inputs(told["arrays"]), told)
        run = clock.waited(adapter, prepared)
        run()  # compiles, which takes memory of its own
        return memory.beyond(_accelerator(adapter, told["device"]) or memory.Resident(), run)

    def hold(self, key: str, told: Told) -> dict[str, Any]:
        """Prepare a call under a key, time its first call, and estimate the others."""
        adapter, inputs = self._adapter(told["framework"], told["file"]), _inputs(told["arrays"])
        given = [inputs.logits, inputs.labels] + ([inputs.upstream] if told["quantity"] != "value" else [])
        size = sum(array.nbytes for array in given if array is not None)
        # A function is one for all sizes; made with small arrays, it takes those that are there already.
        small = _prepared(adapter, _small(inputs), told)
        accelerator = _accelerator(adapter, told["device"])
        copies, cache = _rotation(size, told["outgrow_bytes"], accelerator)
        function, arrays = small.function, self._shared_arrays(adapter, inputs, told, small, copies)
        held = Held(function, arrays, adapter.wait, accelerator is None, itertools.cycle(arrays))
        first = clock.first_call_seconds(lambda: held.wait(function(*arrays[0])))
        if accelerator:
            held.clock = accelerator.clock()
        if told["graph"]:
            held.replay(accelerator)
        large = size > LARGE_BYTES
        held.seconds = first if large and held.each else stamps.estimated(held)
        self._held[key] = held
        return {
            "first_seconds": first,
            "seconds": held.seconds,
            "overhead_seconds": 0.0 if large or held.clock else stamps.overhead(held),
            "copies": copies,
            "bytes": size,
            "cache_bytes": cache,
            "synchronised": held.synchronised,
        }

    def block(self, key: str, calls: int, count: int, untimed: int) -> tuple[list[float], int, int, int]:
        """Time a block; return its stamps in seconds, minor and major page faults, and how often it was pre-empted."""
        held = self._held[key]
        gc.disable()
        try:
            if untimed:
                held.times(untimed, 1)
            before = resource.getrusage(resource.RUSAGE_SELF)
            times = held.times(calls, count)
            after = resource.getrusage(resource.RUSAGE_SELF)
        finally:
            gc.enable()
        return (
            [later - earlier for earlier, later in itertools.pairwise(times)],
            after.ru_minflt - before.ru_minflt,
            after.ru_majflt - before.ru_majflt,
            after.ru_nivcsw - before.ru_nivcsw,
        )

    def answer(self, told: Told) -> tuple[str, tuple[int, ...], bytes]:
        """Make a call once; return the dtype, shape and bytes of its answer."""
        adapter = self._adapter(told["framework"], told["file"])
        native = _prepared(adapter, _inputs(told["arrays"]), told)()
        adapter.wait(native)
        got = adapter.answer(native, told["quantity"])
        return got.dtype.name, got.shape, got.tobytes()

    def drop(self, key: str) -> None:
        """Let go of a call and its arrays."""
        self._held.pop(key, None)
        used = {id(held.arrays) for held in self._held.values()}
        self._shared = {of: arrays for of, arrays in self._shared.items() if id(arrays) in used}
        gc.collect()

    def process(self) -> int:
        """Return the process's id."""
        return os.getpid()

    def surroundings(self) -> dict[str, str]:
        """Return the settings of this process that a figure depends on."""
        return fairness.surroundings()

    def receive(self, path: str, piece: bytes) -> None:
        """Append to a file on this machine."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with Path(path).open("ab") as file:
            file.write(piece)

    def _shared_arrays(
        self, adapter: Adapter, inputs: Inputs, told: Told, small: adapters.Prepared, copies: int
    ) -> tuple[tuple[Native, ...], ...]:
        """Return arrays on the device, those of an earlier call where it took the same: all modes fit then."""
        paths = tuple(one and one[0] for one in told["arrays"].values())
        kinds = tuple(type(array) for array in small.arrays)  # a session takes other arrays than eager calls do
        key = (paths, told["framework"], told["device"], kinds, copies)
        if key not in self._shared:
            self._shared[key] = tuple(_prepared(adapter, inputs, told).arrays for _ in range(copies))
        return self._shared[key]

    def _adapter(self, framework: str, file: str) -> Adapter:
        if (framework, file) not in self._adapters:
            adapter = adapters.load(framework)
            if file:
                adapter = adapter.offering(judged.catalogues(Path(file))[framework])
            self._adapters[framework, file] = adapter
            gc.freeze()  # what an import leaves is not looked through again: TensorFlow's takes a tenth of a second
        return self._adapters[framework, file]


def serve(channel: Any) -> None:
    """Carry out orders until the channel closes; what goes wrong is an answer too."""
    orphan.end_with(os.getppid())
    bench = Bench()
    for order, *arguments in channel:
        channel.send(_carried_out(bench, order, arguments))


def _carried_out(bench: Bench, order: str, arguments: list[Any]) -> tuple[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what frameworks deprecate is no outcome
            return "done", getattr(bench, order)(*arguments)
    except (NotSupported, adapters.NotInstalled) as refusal:
        return "unsupported", str(refusal)
    except Exception as error:  # noqa: BLE001 - the coordinator says what happened, this process goes on
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")
        return "failed", f"{type(error).__name__}: {first[:300]}"


def _fused(of: Implementation, op: str) -> bool:
    return of.op == op and of.kind == "fused"


def _prepared(adapter: Adapter, inputs: Inputs, told: Told) -> adapters.Prepared:
    op = Op.of(told["op"], **told["options"])
    of = adapter.catalogue.offers[told["op"], told["name"]].implementation
    if told["mode"] not in adapter.modes:
        raise ValueError(f"mode is {told['mode']!r}, expected one of {', '.join(adapter.modes)}")
    return adapter.prepare(op, told["quantity"], inputs, Target(of, told["mode"], told["device"]))


def _inputs(told: Mapping[str, Any]) -> Inputs:
    return Inputs(*(_array(told[name]) for name in NAMES))  # type: ignore[arg-type]


def _small(inputs: Inputs) -> Inputs:
    """Return the first row of everything."""
    return Inputs(
        *(array if array is None or not array.ndim else array[:1] for array in list(vars(inputs).values())[:3])
    )


def _array(told: tuple[str, str, tuple[int, ...]] | None) -> Array | None:
    """Map an array's file into memory, where all workers of a machine share it."""
    if told is None:
        return None
    path, name, shape = told
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    if math.prod(shape) == 0 or not shape:  # which cannot be mapped
        return np.fromfile(path, dtype).reshape(shape)
    return np.memmap(path, dtype, mode="r", shape=tuple(shape))


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
