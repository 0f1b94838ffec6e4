"""Arrays of cases as files: workers of this machine map them into memory, others are sent copies of their own."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import ml_dtypes
import numpy as np

from harness.model import Array, Inputs
from harness.timing.duel.order import Arrays

PARTS = ("logits", "labels", "upstream", "weight")  # of inputs that are timed


class SharedArrays:
    """A folder of arrays, by name."""

    def __init__(self) -> None:
        """Make the folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="xentbench-")
        self._known: dict[str, Arrays] = {}

    def put(self, name: str, draw: Callable[[], Inputs]) -> Arrays:
        """Write the arrays of a name, drawn when it is first met; return what an order says of them."""
        if name not in self._known:
            inputs = draw()
            self._known[name] = {part: self._write(f"{name}-{part}", getattr(inputs, part)) for part in PARTS}
        return self._known[name]

    def _write(self, name: str, array: Array | None) -> tuple[str, str, tuple[int, ...]] | None:
        if array is None:
            return None
        path = Path(self._folder.name) / name
        np.ascontiguousarray(array).tofile(path)
        return str(path), array.dtype.name, array.shape

    def forget(self, name: str) -> None:
        """Remove the arrays of a name, which no order will speak of again."""
        for entry in self._known.pop(name, {}).values():
            if entry:
                Path(entry[0]).unlink()

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()


class Received:
    """Arrays that another machine sent, in files without a name: none is left behind, however this process ends."""

    def __init__(self) -> None:
        """Begin with none."""
        self._files: dict[str, IO[bytes]] = {}

    def append(self, path: str, piece: bytes) -> None:
        """Add a piece to what stands for the file of that path there."""
        if path not in self._files:
            self._files[path] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process lives
        file = self._files[path]
        file.seek(0, os.SEEK_END)
        file.write(piece)
        file.flush()

    def close(self) -> None:
        """Let them go."""
        for file in self._files.values():
            file.close()

    def file(self, path: str) -> str | IO[bytes]:
        """Return what to read for a path: the file itself where both machines are one."""
        return self._files.get(path, path)


def inputs(arrays: Arrays, received: Received | None = None) -> Inputs:
    """Map the arrays of an order into memory."""
    there = received or Received()
    return Inputs(**{part: mapped(arrays.get(part), there) for part in PARTS})  # type: ignore[arg-type]


def mapped(entry: tuple[str, str, tuple[int, ...]] | None, received: Received) -> Array | None:
    """Map an array's file into memory, where all workers of a machine share it."""
    if entry is None:
        return None
    name, shape = entry[1:]
    path = received.file(entry[0])
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    if math.prod(shape) == 0 or not shape:  # which cannot be mapped
        if not isinstance(path, str):
            path.seek(0)
        return np.fromfile(path, dtype).reshape(shape)
    return np.memmap(path, dtype, mode="r", shape=tuple(shape))
