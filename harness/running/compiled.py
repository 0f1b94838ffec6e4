"""Where a framework keeps what it has compiled, so that a run of the same versions compiles nothing again.

The folder's name depends on all that a compilation does: versions, threads and flags, the processor and what it can do,
and the very files of the framework's compiler, because a build of one's own often keeps its version.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.adapters.adapter import Adapter
from harness.running import host

NAME = "compiled"  # of the folder beside the store
SEALS = "seals.json"  # of programs that a process which came to its end has kept: their SHA-256


@dataclass(frozen=True)
class Programs:
    """The programs of a framework in its folder. earlier: how many there were. sealed: whether none else is taken."""

    folder: Path
    pattern: str
    earlier: int
    sealed: bool

    @property
    def told(self) -> str:
        """Say how many were compiled, and how many needed not be; nothing where there are none."""
        new = len(_programs(self.folder, self.pattern)) - self.earlier
        if new <= 0 and not self.earlier:
            return ""
        return f"{max(new, 0)} programs compiled anew; {self.earlier} that earlier runs compiled were there to be taken"

    def seal(self) -> None:
        """Note what the programs are, so that one that is damaged later is not taken for what it was."""
        if not self.sealed:
            return
        seals = {path.name: _sha256(path) for path in _programs(self.folder, self.pattern)}
        with suppress(OSError):  # without a seal, each is compiled anew
            (self.folder / SEALS).write_text(json.dumps(seals), encoding="utf-8")


def keep(beside: Path, adapter: Adapter) -> Programs | None:
    """Let a framework keep what it compiles, where a folder can be made for that beside the store."""
    described = [host.facts(), host.instructions(), adapter.compiles_by(), _files(adapter)]
    key = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
    folder = beside.resolve() / NAME / adapter.catalogue.framework / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if adapter.trusts_programs:
            _remove_unsealed(folder, adapter.programs)
    except OSError:  # where one may read alone, or nothing has room, it is compiled anew
        return None
    adapter.keep_compiled(folder)
    return Programs(folder, adapter.programs, len(_programs(folder, adapter.programs)), adapter.trusts_programs)


def _programs(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern)) if pattern else []


def _remove_unsealed(folder: Path, pattern: str) -> None:
    """Remove programs that are not as they were when they were sealed. Raises OSError where that cannot be done."""
    try:
        seals = json.loads((folder / SEALS).read_text(encoding="utf-8"))
        known = seals if isinstance(seals, dict) else {}
    except (OSError, ValueError):
        known = {}
    for path in _programs(folder, pattern):
        if known.get(path.name) != _sha256(path):
            path.unlink()


def _sha256(path: Path) -> str:
    """Return the digest of a file, or nothing of one that is gone or cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _files(adapter: Adapter) -> list[tuple[str, int, int]]:
    """Return (name, bytes, time of change) of the files that compile."""
    package, pattern = adapter.compiler
    found = find_spec(package) if package else None
    places = found.submodule_search_locations or [] if found else []
    files = sorted(file for place in places for file in Path(place).glob(pattern))
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
