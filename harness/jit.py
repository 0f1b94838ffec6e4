"""Loops that numba compiles, where it is installed and there is enough to do; else numpy does the same, bit by bit.

Compiled code is kept in the user's cache folder, by the versions and the source that it was made from; where nothing
can be written there it is compiled anew. Nothing of this changes an answer, so nothing fails for want of it.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

# Elements that a process passes over by numpy before loops take over: as long as it takes to load them, about a second,
# or to compile them, about ten.
LOAD, COMPILE = 1 << 27, 1 << 30
CHOICE = os.environ.get("XENTBENCH_COMPILED", "")  # `never`; `always`, from the first element on; or as it pays


def version() -> str:
    """Return numba's version; nothing where it is not installed."""
    try:
        return metadata.version("numba")
    except metadata.PackageNotFoundError:
        return ""


def home() -> Path:
    """Return the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xentbench"


@dataclass(eq=False)
class Loops:
    """A module of compiled loops, imported once it pays; sources: all modules that its code is made from."""

    module: str
    sources: tuple[str, ...]
    passed: int = 0  # elements so far
    failed: str = ""  # why there are none
    loaded: ModuleType | None = field(default=None, repr=False)
    believed: set[str] = field(default_factory=set)  # loops whose first answer was numpy's

    def get(self, elements: int) -> Any:
        """Return the module for so many elements more, or None where numpy is to do them."""
        if CHOICE == "never" or self.failed:
            return None
        if self.loaded is None:
            self.passed += elements
            if CHOICE == "always" or self.passed >= LOAD:
                self._load()
        return self.loaded

    def proved(self, name: str, by_loop: Callable[[], Any], by_numpy: Callable[[], Any]) -> Any:
        """Return what a loop answers; the first time only if it is what numpy answers, bit by bit."""
        if name in self.believed:
            return by_loop()
        expected = by_numpy()
        try:
            same = _same(by_loop(), expected)
        except Exception as error:  # noqa: BLE001 - compiling may fail in any way
            self._give_up(f"{name}: {error}")
            return expected
        if same:
            self.believed.add(name)
        else:
            self._give_up(f"{name} is not what numpy answers")
        return expected

    def _give_up(self, why: str) -> None:
        self.failed = f"numba {version()} is of no use: {why}"
        logging.getLogger(__name__).warning("%s; numpy does the same", self.failed)

    def _load(self) -> None:
        if not version():
            self.failed = "numba is not installed"
            return
        folder = self.folder()
        kept = folder.is_dir() and any(folder.rglob("*.nbi"))
        if not (kept or CHOICE or self.passed >= COMPILE):
            return
        try:
            self.loaded = _within(folder if _writable(folder) else None, self.module)
        except Exception as error:  # noqa: BLE001 - numba refuses a newer numpy with an ImportError, and may fail anyhow
            self._give_up(str(error))

    def folder(self) -> Path:
        """Return where its compiled code is kept."""
        digest = hashlib.sha256(f"{version()} {np.__version__}".encode())
        for name in self.sources:
            found = util.find_spec(name)
            if found and found.origin and found.has_location:  # else it is part of the interpreter
                digest.update(Path(found.origin).read_bytes())
        return home() / "compiled" / digest.hexdigest()[:16]


def _same(one: Any, other: Any) -> bool:
    """Tell whether nested tuples of arrays are the same numbers, or anything else reads the same."""
    if isinstance(one, tuple):
        return all(map(_same, one, other))
    return np.array_equal(one, other, equal_nan=True) if isinstance(one, np.ndarray) else repr(one) == repr(other)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _within(folder: Path | None, module: str) -> ModuleType:
    """Import a module of loops, whose code numba keeps in a folder, or not at all; numba's own setting is as before."""
    global _keep
    config: Any = importlib.import_module("numba.core.config")
    before, config.CACHE_DIR, _keep = config.CACHE_DIR, str(folder or ""), folder is not None
    try:
        return importlib.import_module(module)
    finally:
        config.CACHE_DIR = before


_keep = False


def loop(function: Callable[..., Any]) -> Any:
    """Compile a loop when it is first called: every operation rounded by itself, in the order written."""
    numba = importlib.import_module("numba")
    return numba.njit(cache=_keep, error_model="numpy", fastmath=False)(function)
