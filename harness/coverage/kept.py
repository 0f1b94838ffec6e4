"""The maps that are committed, one file a surface: read by what imports no framework, and by what looks for new names.

A map holds for the versions that it names; `python -m harness.coverage` writes those of what is installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

State = Literal["asked", "composed", "same", "not asked", "new", "not walked", "beyond"]
STATES: Mapping[State, str] = {
    "asked": "a row of the report",
    "composed": "asked in a composition that people write",
    "same": "does what a row does: it is the same object, or has the same trace in every dtype",
    "not asked": "another function, or one that cannot be asked, for the reason given",
    "new": "new, not asked: no row and no reason says anything of it",
    "not walked": "a namespace that is not there",
    "beyond": "new, and passed by: its name holds no word that is looked for",
}
MAPS = Path(__file__).parent / "maps"
Entry = tuple[State, str]


@dataclass(frozen=True)
class Map:
    """What became of the public functions of a surface.

    versions: of the packages it was walked in. entries: dotted name -> state and what is said of it. others: namespace
    -> names that the filter passes by.
    """

    name: str
    versions: Mapping[str, str]
    entries: Mapping[str, Entry]
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, folder: Path = MAPS) -> Self | None:
        """Read the map of a surface; None where none is kept."""
        path = folder / f"{name}.json"
        if not path.exists():
            return None
        read = json.loads(path.read_text(encoding="utf-8"))
        return cls.made(name, read | {"others": {place: names.split() for place, names in read["others"].items()}})

    @classmethod
    def made(cls, name: str, read: Mapping[str, Any]) -> Self:
        """Return the map of plain values."""
        entries = {dotted: (entry[0], entry[1]) for dotted, entry in read["entries"].items()}
        return cls(name, read["versions"], entries, {place: tuple(names) for place, names in read["others"].items()})

    def write(self, folder: Path = MAPS) -> Path:
        """Write it, a line a name, so that a reader of changes sees what came."""
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.name}.json"
        entries = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in self.entries.items())
        others = ",\n".join(f"{json.dumps(name)}: {json.dumps(' '.join(names))}" for name, names in self.others.items())
        versions = json.dumps(dict(self.versions))
        text = f'{{"versions": {versions},\n"entries": {{\n{entries}\n}},\n"others": {{\n{others}\n}}}}\n'
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def count(self) -> int:
        """How many public names were walked."""
        walked = sum(state != "not walked" for state, _ in self.entries.values())
        return walked + sum(map(len, self.others.values()))

    @property
    def names(self) -> frozenset[str]:
        """Every name that was walked."""
        return frozenset(self.entries) | {f"{place}.{name}" for place, names in self.others.items() for name in names}

    def of(self, *states: State) -> dict[str, str]:
        """Return the names in some states, and what is said of each."""
        return {name: text for name, (state, text) in self.entries.items() if state in states}


def kept() -> dict[str, Map]:
    """Return every map, by the name of its surface."""
    read = (Map.read(path.stem) for path in sorted(MAPS.glob("*.json")))
    return {one.name: one for one in read if one}


def release(version: str) -> str:
    """Return a version without what it was built for: `2.13.0+cpu` and `2.13.0+cu130` are one release."""
    return version.partition("+")[0]


def grouped(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return dotted names by their namespaces."""
    found: dict[str, list[str]] = {}
    for dotted in sorted(names):
        namespace, _, name = dotted.rpartition(".")
        found.setdefault(namespace, []).append(name)
    return {namespace: tuple(of) for namespace, of in found.items()}
