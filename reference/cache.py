"""Goldens by content, on disk or in memory: a second question like the first computes none.

The key is a hash of the question and of every input bit, so a renamed family or a new seed scheme finds what it needs
and nothing else; a changed formula or certificate must change EDITION. What is read is checked: a file that is damaged,
or lies in another's place, is written anew.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.model import Golden, Inputs, Op, Quantity
from reference import golden
from reference.tiers import CERTIFY, certify

EDITION = 5
FOLDER = "goldens"  # beside a store
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)  # where one may read alone, goldens are computed and not kept


@dataclass(eq=False)
class Cache:
    """One compressed file a question, in a directory that is made when first written to.

    reference: `fast`, the double-double tier first; `mpmath`, the arbiter for everything (30 digits certified).
    """

    directory: Path
    reference: str = "fast"
    computed: int = 0  # goldens that were not there
    spoiled: list[Path] = field(default_factory=list)  # files that are damaged, or hold another golden than their own

    def path(self, key: str) -> Path:
        """Return where the golden of a content hash lives."""
        return self.directory / f"edition-{EDITION}" / self.reference / key[:2] / key

    def kept(self, op: Op, quantity: Quantity, inputs: Inputs) -> Golden | None:
        """Return a golden that is there, is whole, and is the one of this question; else None.

        A nan where every input is finite is no golden.
        """
        key = golden.content(op, quantity, inputs)
        path = self.path(key)
        try:
            found = golden.read(path, self._name(key), golden.shape(quantity, inputs))
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            found = None
        if found is None or (np.isnan(found.hi).any() and np.isfinite(inputs.logits).all()):
            self.spoiled.append(path)
            return None
        return found

    def golden(self, op: Op, quantity: Quantity, inputs: Inputs, audit: float = 1.0) -> Golden:
        """Read a golden, or certify and keep it; audit: the share of rows that the arbiter does in any case."""
        if kept := self.kept(op, quantity, inputs):
            return kept
        key = golden.content(op, quantity, inputs)
        made = CERTIFY[self.reference](op, quantity, inputs, audit, int(key[:16], 16))
        self.computed += 1
        try:
            golden.write(self.path(key), self._name(key), made)
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
        return made

    def file(self, op: Op, quantity: Quantity, inputs: Inputs) -> tuple[str, bytes] | None:
        """Return the file of a golden, for another machine's cache, and its name; None where there is none."""
        path = self.path(golden.content(op, quantity, inputs))
        return (path.relative_to(self.directory).as_posix(), path.read_bytes()) if path.exists() else None

    def put(self, files: Mapping[str, bytes]) -> None:
        """Keep files of another machine's cache by their names, as far as one may; they are checked when read.

        Raises OSError.
        """
        for name, content in files.items():
            try:
                golden.keep(self.directory / name, content)
            except OSError as error:
                if error.errno not in READ_ONLY:
                    raise

    def _name(self, key: str) -> str:
        return f"{EDITION}/{self.reference}/{key}"


@dataclass(eq=False)
class Memory:
    """Goldens kept as long as the process lives, by the fast tier.

    audit: the share of rows at most that the arbiter does in any case: what it redoes is no more certain for it.
    """

    audit: float = 1 / 64
    goldens: dict[str, Golden] = field(default_factory=dict)

    def golden(self, op: Op, quantity: Quantity, inputs: Inputs, audit: float = 1.0) -> Golden:
        """Return a golden, certified once; as `Cache.golden`."""
        key = golden.content(op, quantity, inputs)
        if key not in self.goldens:
            self.goldens[key] = certify(op, quantity, inputs, min(audit, self.audit), int(key[:16], 16))
        return self.goldens[key]
