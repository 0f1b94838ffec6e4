"""Which frameworks and engines there are, by name, and how one is imported.

A framework is a package beside this file, an engine one in a group of `harness/engines/`; each is imported there and
nowhere else, because it may be missing, slow to import, or break the process that imports it. Finding adapters
therefore looks at file names and imports nothing.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.adapters.fence import NotInstalled
from harness.spelling import choice

if TYPE_CHECKING:
    from harness.adapters.adapter import Adapter

ENTRY_POINTS = "xentbench.adapters"
ENGINES = "harness.engines"


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
    """Return the names of all that can be asked: the frameworks, then the engines."""
    return (*names(), *engines())


def _packages(folder: Path) -> list[str]:
    return [module.name for module in pkgutil.iter_modules([str(folder)]) if module.ispkg]


def load(name: str) -> Adapter:
    """Import one adapter and make it.

    Raises ValueError for a name that no adapter has, NotInstalled where its framework cannot be imported.
    """
    choice("framework", name, every())
    try:
        with importing():
            module = importlib.import_module(_module(name))
    except ImportError as error:
        raise NotInstalled(f"{name} cannot be imported ({error}); try: pip install 'xentbench[{name}]'") from error
    adapter: Adapter = module.Adapter()
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
    points = {point.name: point.value for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    return points.get(name) or engines().get(name, f"{__package__}.{name}")
