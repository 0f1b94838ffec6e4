"""Where a framework keeps what it has compiled, so that a run of the same versions compiles nothing again.

The folder's name depends on all that a compilation does: versions, threads and flags, the processor and what it can do,
and the very files of the framework's compiler, because a build of one's own often keeps its version.
"""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from harness.adapters.adapter import Adapter
from harness.running import host

NAME = "compiled"  # of the folder beside the store


def keep(beside: Path, adapter: Adapter) -> None:
    """Let a framework keep what it compiles, where a folder can be made for that beside the store."""
    described = [host.facts(), host.instructions(), adapter.environment("cpu"), _files(adapter)]
    key = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
    folder = beside.resolve() / NAME / adapter.catalogue.framework / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # where one may read alone, or nothing has room, it is compiled anew
        return
    adapter.keep_compiled(folder)


def _files(adapter: Adapter) -> list[tuple[str, int, int]]:
    """Return (name, bytes, time of change) of the files that compile."""
    package, pattern = adapter.compiler
    found = find_spec(package) if package else None
    places = found.submodule_search_locations or [] if found else []
    files = sorted(file for place in places for file in Path(place).glob(pattern))
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
