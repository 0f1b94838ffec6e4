"""Which frameworks and engines there are, by name, and how one is imported.

A framework is a package beside this file, an engine one in a group of `harness/engines/`; each is imported there and
nowhere else, because it may be missing, slow to import, or break the process that imports it. Finding adapters
therefore looks at file names and imports nothing. A program of a user's own is an engine too, once its path was named.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.adapters.fence import NotInstalled
from harness.spelling import choice

if TYPE_CHECKING:
    from harness.adapters.adapter import Adapter

ENTRY_POINTS = "xentbench.adapters"
ENGINES = "harness.engines"
OF_PROGRAMS = "harness.engines.processes.adapter"  # the module that asks a program of a user's own
PROGRAMS = "XENTBENCH_PROGRAMS"  # the variable by which other processes learn of these: `name=path`, one a line


@cache  # to look through all that is installed takes 10 ms, and each suite of a process asks
def names() -> tuple[str, ...]:
    """Return the names of the frameworks, sorted; imports none. Each is a package beside this file, or an entry point.

    They are what is asked where nothing is named.
    """
    points = importlib.metadata.entry_points(group=ENTRY_POINTS)
    return tuple(sorted({*_packages(Path(__file__).parent), *(point.name for point in points)}))


@cache
def engines() -> Mapping[str, str]:
    """Return the module of each engine, by its name, sorted; imports none. They are asked where they are named."""
    home = Path(__file__).parents[1] / ENGINES.rpartition(".")[2]
    found = {engine: f"{ENGINES}.{group}.{engine}" for group in _packages(home) for engine in _packages(home / group)}
    return dict(sorted(found.items()))


def every() -> tuple[str, ...]:
    """Return the names of all that can be asked: the frameworks, then the engines, then programs that were named."""
    return (*names(), *engines(), *programs())


def programs() -> dict[str, str]:
    """Return the path of each program of a user's own that was named in this process, or where that was started."""
    return dict(line.split("=", 1) for line in os.environ.get(PROGRAMS, "").splitlines())


def program(path: str) -> str:
    """Take a program for an engine, here and in the processes that are started here; return the engine's name.

    Raises ValueError for a file that is not there or cannot be run, and for a name that something else has.
    """
    file = Path(path).resolve()
    if not file.is_file() or not os.access(file, os.X_OK):
        why = "is a file that may not be run" if file.is_file() else "leads to no file"
        tried = f"chmod +x {path}" if file.is_file() else "its path as seen from here"
        raise ValueError(f"program is {path!r}, which {why}; expected one that speaks docs/protocol.md; try: {tried}")
    name, known = file.stem, programs()
    if known.get(name, str(file)) != str(file) or name in {*names(), *engines()} or not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(
            f"program is {path!r}, expected a name of its own, of letters, digits, dots, - and _; rename it"
        )
    os.environ[PROGRAMS] = "\n".join(f"{each}={where}" for each, where in {**known, name: str(file)}.items())
    return name


def _packages(folder: Path) -> list[str]:
    return [module.name for module in pkgutil.iter_modules([str(folder)]) if module.ispkg]


def load(name: str) -> Adapter:
    """Import one adapter and make it.

    Raises ValueError for a name that no adapter has, NotInstalled where its framework cannot be imported.
    """
    choice("framework", name, every())
    if name in programs():
        return _started(name, programs()[name])
    try:
        with importing():
            module = importlib.import_module(_module(name))
    except ImportError as error:
        raise NotInstalled(f"{name} cannot be imported ({error}); try: pip install 'xentbench[{name}]'") from error
    adapter: Adapter = module.Adapter()
    return adapter


@cache
def _started(name: str, path: str) -> Adapter:
    """Start a program, once a process, and return what asks it."""
    adapter: Adapter = importlib.import_module(OF_PROGRAMS).Adapter(name, path)
    return adapter


@contextmanager
def importing() -> Iterator[None]:
    """Look for no garbage inside: an import makes hardly any, and to look takes a quarter of TensorFlow's time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def triton_first() -> None:
    """Import triton before TensorFlow, where both are installed: a process can hold both in this order alone.

    Each brings an LLVM whose options are the process's; torch's compiler, which a checkpoint needs, imports triton
    late. Seen with triton 3.7 to 3.9 and TensorFlow 2.21. Where TensorFlow is imported already, nothing is done.
    """
    if "tensorflow" not in sys.modules and all(map(importlib.util.find_spec, ("tensorflow", "triton"))):
        with suppress(ImportError), importing():
            importlib.import_module("triton")


@cache
def modes(name: str) -> tuple[str, ...]:
    """Return the modes that the class body of an adapter lists; imports none.

    Nothing where only the imported adapter knows them.
    """
    spec = importlib.util.find_spec(_module(name))
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return ()
    for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name == "Adapter":
            for statement in node.body:
                match statement:
                    case (
                        ast.Assign(targets=[ast.Name("modes")], value=ast.Tuple() as listed)
                        | ast.AnnAssign(target=ast.Name("modes"), value=ast.Tuple() as listed)
                    ):
                        return tuple(map(str, ast.literal_eval(listed)))
    return ()


def _module(name: str) -> str:
    if name in programs():
        return OF_PROGRAMS
    points = {point.name: point.value for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    return points.get(name) or engines().get(name, f"{__package__}.{name}")
