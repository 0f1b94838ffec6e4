"""Import a module of ours that needs a package of an extra, when it is first used."""

from __future__ import annotations

import importlib
from typing import Any

from harness.store.database import StoreError


def load(module: str, extra: str, what: str) -> Any:
    """Import one of our modules. Raises StoreError, which names the extra, where its package is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise StoreError(
            f"{what} needs a package that is not there ({error}); try: pip install 'xentbench[{extra}]'"
        ) from error
