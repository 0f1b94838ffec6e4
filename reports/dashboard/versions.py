"""The facts of machines and frameworks over the runs: which value, from which run to which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.history.levels import History


@dataclass(frozen=True)
class Span:
    """Runs in a row that had one value; first and last are places in the history."""

    value: str
    first: int
    last: int
    runs: int


@dataclass(frozen=True)
class Fact:
    """A fact of the machine or of a framework on a device."""

    where: str
    name: str
    spans: tuple[Span, ...]  # oldest first

    @property
    def changed(self) -> bool:
        """Whether it had more than one value."""
        return len(self.spans) > 1


def facts(history: History) -> list[Fact]:
    """Return every fact that a run has; those that changed first, then the versions of the frameworks."""
    values: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for place in range(len(history.runs)):
        for where, name, value in _of_run(history, place):
            values.setdefault((where, name), []).append((place, value))
    found = [Fact(*key, tuple(_spans(places))) for key, places in values.items()]
    return sorted(found, key=lambda fact: (not fact.changed, not fact.where.startswith(fact.name)))


def _of_run(history: History, place: int) -> Iterator[tuple[str, str, str]]:
    for where, environment in sorted(history.used[place].items()):
        for name, value in history.environments[environment].items():
            if name not in {"framework", "device"} or (name == "device" and " on " in where):
                yield where, name, value
    for name, value in history.runs[place].host.items():
        yield "machine", name, value


def _spans(places: list[tuple[int, str]]) -> Iterator[Span]:
    first, last, runs, value = places[0][0], places[0][0], 0, places[0][1]
    for place, now in places:
        if now != value:
            yield Span(value, first, last, runs)
            first, runs, value = place, 0, now
        last, runs = place, runs + 1
    yield Span(value, first, last, runs)
