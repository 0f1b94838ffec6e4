"""Arrays of cases as files: workers of this machine map them into memory, others are sent copies of their own."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np

from harness.model import Array, Inputs
from harness.timing.duel.order import Arrays

PARTS = ("logits", "labels", "upstream")


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


def inputs(arrays: Arrays) -> Inputs:
    """Map the arrays of an order into memory."""
    return Inputs(*(mapped(arrays[part]) for part in PARTS))  # type: ignore[arg-type]


def mapped(entry: tuple[str, str, tuple[int, ...]] | None) -> Array | None:
    """Map an array's file into memory, where all workers of a machine share it."""
    if entry is None:
        return None
    path, name, shape = entry
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    if math.prod(shape) == 0 or not shape:  # which cannot be mapped
        return np.fromfile(path, dtype).reshape(shape)
    return np.memmap(path, dtype, mode="r", shape=tuple(shape))
