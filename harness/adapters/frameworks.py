"""Which frameworks there are, by name, and how one is imported.

Each is a package beside this file, imported there and nowhere else, because a framework may be missing, slow to import,
or break the process that imports it. Finding adapters therefore looks at file names and imports nothing.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.adapters.fence import NotInstalled
from harness.spelling import choice

if TYPE_CHECKING:
    from harness.adapters.adapter import Adapter

ENTRY_POINTS = "xentbench.adapters"


def names() -> tuple[str, ...]:
    """Return the names of all adapters, sorted; imports none. Each is a package beside this file, or an entry point."""
    own = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.ispkg]
    return tuple(sorted({*own, *(point.name for point in importlib.metadata.entry_points(group=ENTRY_POINTS))}))


def load(name: str) -> Adapter:
    """Import one adapter and make it.

    Raises ValueError for a name that no adapter has, NotInstalled where its framework cannot be imported.
    """
    choice("framework", name, names())
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
                    case ast.Assign(targets=[ast.Name("modes")], value=ast.Tuple() as listed):
                        return tuple(map(str, ast.literal_eval(listed)))
    return ()


def _module(name: str) -> str:
    points = {point.name: point.value for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    return points.get(name, f"{__package__}.{name}")
