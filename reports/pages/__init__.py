"""The pages of the report, one folder each, found by being here.

A page says where it stands and makes its own HTML:

    TITLE: str                            its heading
    NAV: str                              its name in the navigation
    PLACE: int                            pages stand in this order; tens leave room
    render(material: Material) -> str     its HTML; empty where the run holds nothing for it

and, where it lives by JavaScript:

    data(material: Material) -> Any       plain values that its page.js finds in `block.pages`
    LIBRARIES: tuple[str, ...]            of vendor/, carried by the report where the page is not empty
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


@cache
def found() -> tuple[ModuleType, ...]:
    """Return every page, in the order of their places."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(modules, key=lambda module: module.PLACE))
