"""The public functions and classes of a framework's namespaces, by their dotted names."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass
class Walk:
    """found: every public callable. missing: namespaces that are not there, and why."""

    found: dict[str, object] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def walk(within: Mapping[str, object], namespaces: Iterable[str]) -> Walk:
    """Walk namespaces, each from a module of `within`, or imported where its first name is none of them."""
    walked = Walk()
    for namespace in namespaces:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that are deprecated: looked at, not used
            try:
                place = _module(within, namespace)
            except (ImportError, AttributeError) as error:
                walked.missing[namespace] = str(error)
                continue
            for name in dir(place):
                found = None if name.startswith("_") else getattr(place, name, None)
                if callable(found) and not inspect.ismodule(found):
                    walked.found[f"{namespace}.{name}"] = found
    return walked


def _module(within: Mapping[str, object], namespace: str) -> object:
    root, *path = namespace.split(".")
    place = within.get(root)
    if place is None:
        return importlib.import_module(namespace)
    for name in path:
        place = getattr(place, name)
    return place
