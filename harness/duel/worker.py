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
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from harness import adapters, clock, orphan
from harness.adapters import Adapter, Function, Native, NotSupported, _file
from harness.duel import fairness
from harness.model import Array, Implementation, Inputs, Op, Target

Told = Mapping[str, Any]  # of a question: see `gateways.Question`
NAMES = ("logits", "labels", "upstream")
ESTIMATE_SECONDS = 20e-3
ESTIMATE_CALLS = 40, 400  # at least, of calls that are short enough; at most
OVERHEAD_TIMES, OVERHEAD_STAMPS = 60, 50
LARGE_BYTES = 64 << 20  # of arrays whose calls last for so long that one is estimate enough
COPIES_AT_MOST = 64
WAITED_EACH = "cpu"  # elsewhere a queue is kept full, and waited for once a stamp


@dataclass
class Held:
    """A call that is ready to be timed: one function, and as many copies of its arrays as outgrow the cache."""

    function: Function
    arrays: tuple[tuple[Native, ...], ...]
    wait: Callable[[Native], None]
    each: bool  # wait for every call, or for the last of a stamp
    turn: Iterator[tuple[Native, ...]]

    def times(self, calls: int, stamps: int) -> list[float]:
        """Return readings of the clock, one before the first stamp and one after each."""
        timed = _waiting_for_each if self.each else _waiting_for_last
        return timed(self.function, self.turn, self.wait, calls, stamps)


def _waiting_for_each(
    function: Function, turn: Iterator[tuple[Native, ...]], wait: Callable[[Native], None], calls: int, stamps: int
) -> list[float]:
    read = time.perf_counter
    times = [0.0] * (stamps + 1)
    times[0] = read()
    if calls == 1:  # a slice costs 0.1 us, which is seen in a call of 10
        for stamp in range(1, stamps + 1):
            wait(function(*next(turn)))
            times[stamp] = read()
        return times
    for stamp in range(1, stamps + 1):
        for arrays in itertools.islice(turn, calls):
            wait(function(*arrays))
        times[stamp] = read()
    return times


def _waiting_for_last(
    function: Function, turn: Iterator[tuple[Native, ...]], wait: Callable[[Native], None], calls: int, stamps: int
) -> list[float]:
    read = time.perf_counter
    times = [0.0] * (stamps + 1)
    times[0] = read()
    for stamp in range(1, stamps + 1):
        native = None
        for arrays in itertools.islice(turn, calls):
            native = function(*arrays)
        wait(native)
        times[stamp] = read()
    return times


class Bench:
    """The worker's side of every order; a public method is one."""

    def __init__(self) -> None:
        """Start with nothing imported and nothing held."""
        self._adapters: dict[tuple[str, str], Adapter] = {}
        self._held: dict[str, Held] = {}
        self._shared: dict[tuple[object, ...], tuple[tuple[Native, ...], ...]] = {}

    def find(self, frameworks: list[str], file: str, name: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """Return (framework, op, kind, modes) of what has a name, in a file or the first framework with it."""
        for framework in list(_file.catalogues(Path(file))) if file else frameworks:
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

    def hold(self, key: str, told: Told) -> dict[str, float]:
        """Prepare a call under a key, time its first call, and estimate the others."""
        adapter, inputs = self._adapter(told["framework"], told["file"]), _inputs(told["arrays"])
        given = [inputs.logits, inputs.labels] + ([inputs.upstream] if told["quantity"] != "value" else [])
        size = sum(array.nbytes for array in given if array is not None)
        # A function is one for all sizes; made with small arrays, it takes those that are there already.
        small = _prepared(adapter, _small(inputs), told)
        function, arrays = small.function, self._shared_arrays(adapter, inputs, told, small, size)
        held = Held(function, arrays, adapter.wait, told["device"] == WAITED_EACH, itertools.cycle(arrays))
        first = clock.first_call_seconds(lambda: held.wait(function(*arrays[0])))
        self._held[key] = held
        return {
            "first_seconds": first,
            "seconds": first if size > LARGE_BYTES else _estimated(held),
            "overhead_seconds": _overhead(held) if size <= LARGE_BYTES else 0.0,
            "copies": len(arrays),
            "bytes": size,
        }

    def block(self, key: str, calls: int, stamps: int, untimed: int) -> tuple[list[float], int, int, int]:
        """Time a block; return its stamps in seconds, minor and major page faults, and how often it was pre-empted."""
        held = self._held[key]
        gc.disable()
        try:
            if untimed:
                held.times(untimed, 1)
            before = resource.getrusage(resource.RUSAGE_SELF)
            times = held.times(calls, stamps)
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
        self, adapter: Adapter, inputs: Inputs, told: Told, small: adapters.Prepared, size: int
    ) -> tuple[tuple[Native, ...], ...]:
        """Return arrays on the device, those of an earlier call where it took the same: all modes fit then."""
        paths = tuple(one and one[0] for one in told["arrays"].values())
        kinds = tuple(type(array) for array in small.arrays)  # a session takes other arrays than eager calls do
        copies = _copies(size, told["outgrow_bytes"])
        key = (paths, told["framework"], told["device"], kinds, copies)
        if key not in self._shared:
            self._shared[key] = tuple(_prepared(adapter, inputs, told).arrays for _ in range(copies))
        return self._shared[key]

    def _adapter(self, framework: str, file: str) -> Adapter:
        if (framework, file) not in self._adapters:
            adapter = adapters.load(framework)
            if file:
                adapter = adapter.offering(_file.catalogues(Path(file))[framework])
            self._adapters[framework, file] = adapter
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
    except NotSupported as refusal:
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


def _copies(size: int, outgrow: int) -> int:
    """Return how many copies of the arrays are too many for a cache of `outgrow` bytes; 1 where one is."""
    return 1 if size > outgrow else min(COPIES_AT_MOST, 1 + math.ceil(outgrow / max(size, 1)))


def _estimated(held: Held) -> float:
    """Return the seconds of the fastest of some calls, each with other arrays; afterwards the call is warm."""
    found: list[float] = []
    least, most = ESTIMATE_CALLS
    while len(found) < most and (sum(found) < ESTIMATE_SECONDS or (len(found) < least and sum(found) < 1)):
        started, ended = held.times(1, 1)
        found.append(ended - started)
    return min(found)


def _overhead(held: Held) -> float:
    """Return the seconds a call that the loop itself and the wait for what is already there take."""
    native = held.function(*held.arrays[0])
    held.wait(native)
    empty = Held(lambda *_: native, held.arrays, held.wait, held.each, itertools.cycle(held.arrays))
    found: list[float] = []
    for _ in range(OVERHEAD_TIMES):
        started, *_, ended = empty.times(1, OVERHEAD_STAMPS)
        found.append((ended - started) / OVERHEAD_STAMPS)
    return min(found)
