"""The arrays of questions as files: workers of this machine map them into memory, others get copies of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.model import Inputs

if TYPE_CHECKING:
    from harness.timing.duel.gateways import Worker

PIECE_BYTES = 16 << 20  # of an array on its way to another machine

Arrays = dict[str, tuple[str, str, tuple[int, ...]] | None]  # part: path, dtype, shape


class Deposit:
    """A folder of arrays."""

    def __init__(self) -> None:
        """Make the folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="xentbench-")
        self._known: dict[str, Arrays] = {}
        self._sent: set[tuple[int, str]] = set()

    def put(self, name: str, draw: Callable[[], Inputs]) -> Arrays:
        """Write the arrays of a name, drawn when it is first met; return what `Question` says of them."""
        if name in self._known:
            return self._known[name]
        inputs, found = draw(), Arrays()
        for part, array in (("logits", inputs.logits), ("labels", inputs.labels), ("upstream", inputs.upstream)):
            if array is None:
                found[part] = None
                continue
            path = Path(self._folder.name) / f"{name}-{part}"
            np.ascontiguousarray(array).tofile(path)
            found[part] = (str(path), array.dtype.name, array.shape)
        self._known[name] = found
        return found

    def forget(self, name: str) -> None:
        """Remove the arrays of a name, which no worker will be told of again."""
        for told in self._known.pop(name, {}).values():
            if told:
                Path(told[0]).unlink()

    def send(self, worker: Worker, arrays: Arrays) -> None:
        """See that a worker has the arrays' files."""
        for told in arrays.values() if not worker.place.here else ():
            if told is None or (id(worker), told[0]) in self._sent:
                continue
            self._sent.add((id(worker), told[0]))
            with Path(told[0]).open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    worker.ask("receive", told[0], piece)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
