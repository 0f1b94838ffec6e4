"""The front door: what users import, and the `xentbench` command line; the one package that may import all four others.

Nothing is imported before it is asked for, because that takes longer than many a command.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.adapters import implements
    from suites.judging.findings import Finding
    from suites.judging.verdict import Judged
    from xentbench.__main__ import app, main
    from xentbench.screen import Exit
    from xentbench.testing.check import assert_conforms, check

    __version__: str

__all__ = ["Exit", "Finding", "Judged", "__version__", "app", "assert_conforms", "check", "implements", "main"]

HOMES = {
    "Exit": "xentbench.screen",
    "Finding": "suites.judging.findings",
    "Judged": "suites.judging.verdict",
    "app": "xentbench.__main__",
    "assert_conforms": "xentbench.testing.check",
    "check": "xentbench.testing.check",
    "implements": "harness.adapters",
    "main": "xentbench.__main__",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name == "__version__":
        return importlib.import_module("xentbench.screen").version()
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
