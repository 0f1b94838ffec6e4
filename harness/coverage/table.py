"""What is walked, which names are looked at, and why some of these are not asked: read from `table.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Self

from harness.spelling import choice

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Walked:
    """A surface: namespaces that are walked in one process.

    adapter: of the framework whose answers theirs are. packages: whose versions it depends on. module: imported first,
    where it adds to what the adapter has. environment: of the process.
    """

    name: str
    adapter: str
    namespaces: tuple[str, ...]
    packages: tuple[str, ...]
    module: str = ""
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Table:
    """The committed table. filter: of the last part of a name. reasons: (pattern, why)."""

    filter: re.Pattern[str]
    surfaces: Mapping[str, Walked]
    reasons: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path = HERE / "table.toml") -> Self:
        """Read a table; a surface's field that is none, or a reason without names, is an error at once."""
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        surfaces = {
            name: Walked(
                name,
                one["adapter"],
                tuple(one["namespaces"]),
                tuple(one["packages"]),
                one.get("module", ""),
                tuple(one.get("environment", {}).items()),
            )
            for name, one in read["surfaces"].items()
        }
        reasons = tuple((pattern, row["why"]) for row in read["reasons"] for pattern in row["names"])
        return cls(re.compile("|".join(read["filter"]), re.IGNORECASE), surfaces, reasons)

    def looks_at(self, dotted: str) -> bool:
        """Tell whether a name is that of a candidate."""
        return bool(self.filter.search(dotted.rpartition(".")[2]))

    def reason(self, dotted: str) -> str:
        """Return why a function is not asked; empty where the table does not say."""
        last = dotted.rpartition(".")[2]
        return next(
            (why for pattern, why in self.reasons if fnmatchcase(dotted if "." in pattern else last, pattern)), ""
        )

    def surface(self, name: str) -> Walked:
        """Find a surface. Raises ValueError, with the choices."""
        return self.surfaces[choice("surface", name, self.surfaces)]


@cache
def table() -> Table:
    """Return the table that ships."""
    return Table.read()
