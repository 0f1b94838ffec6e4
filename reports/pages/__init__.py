"""The pages of the report: one folder each, named as the menu names it, found by being here.

A folder holds `page.html.j2` and, where the page needs them, `page.js` and `page.css`; its `__init__.py` says where the
page stands and makes its HTML:

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


def address(module: ModuleType) -> str:
    """Return a page's name in its address: that of its folder, which is the menu's, in hyphens."""
    return module.__name__.rpartition(".")[2].replace("_", "-")


@cache
def load() -> tuple[ModuleType, ...]:
    """Return every page, in the order of their places."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(modules, key=lambda module: module.PLACE))
