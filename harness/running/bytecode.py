"""Where processes keep compiled bytecode that is kept nowhere else: else each compiles all that it imports anew.

uv compiles none when it installs, containers often set PYTHONDONTWRITEBYTECODE, and site-packages may be read-only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.util import cache_from_source, find_spec
from pathlib import Path

NAME = "bytecode"  # of the folder beside the store
PREFIX, NOT_WRITTEN = "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE"


def variables(beside: Path, packages: Iterable[str]) -> dict[str, str]:
    """Return what a process starts with that imports packages: a folder for bytecode, where that of one is not kept.

    Nothing is written where the packages lie. An empty PYTHONDONTWRITEBYTECODE counts as none.
    """
    folder = beside.resolve() / NAME
    if all(map(_kept, packages)) or not _writable(folder):
        return {}
    return {PREFIX: str(folder), NOT_WRITTEN: ""}


def _kept(package: str) -> bool:
    """Tell whether a package's bytecode is there, or is kept once it is imported; so is that of one not installed."""
    spec = find_spec(package)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return True
    compiled = Path(cache_from_source(spec.origin))
    return compiled.exists() or (not sys.dont_write_bytecode and _writable(compiled.parent))


def _writable(folder: Path) -> bool:
    """Tell whether files can be made in a folder, or in the nearest there is above it."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK)
