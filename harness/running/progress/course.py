"""How long a process will take: by the course of the last one of the same options, else by the usual one.

A course is when each twentieth of the questions was asked. Questions come in one order and are not alike: a law of a
thousand rows takes as long as a hundred values, so that a count alone foretells the beginning of a run too short by
far. Courses are kept beside the store; nothing fails for want of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NAME = "courses.json"  # of the file beside the store
PARTS = 20  # of the questions
MOST = 64  # courses that are kept
SURE = 5.0  # seconds of a known course that weigh as much as what is seen of the present one
TIME = 1e9  # seconds that no course takes
# Of the quick preset, in shares of the time between the first and the last answer: torch eager, as measured.
USUAL = (
    *(0.0, 0.013, 0.025, 0.039, 0.054, 0.082, 0.121, 0.148, 0.177, 0.204, 0.232),
    *(0.255, 0.359, 0.375, 0.405, 0.437, 0.46, 0.474, 0.812, 0.944, 1.0),
)


@dataclass(frozen=True)
class Course:
    """Seconds since the start of a process when each part of the questions was asked; the first: when asking began."""

    seconds: tuple[float, ...]

    @property
    def total(self) -> float:
        """How long all took."""
        return self.seconds[-1]

    def at(self, share: float) -> float:
        """Return the seconds after which a share of the questions was asked."""
        place = min(max(share, 0.0), 1.0) * PARTS
        before = min(int(place), PARTS - 1)
        return self.seconds[before] + (place - before) * (self.seconds[before + 1] - self.seconds[before])


def left(share: float, began: float | None, elapsed: float, known: Course | None) -> float | None:
    """Return the seconds that a process will still take; None where nothing tells.

    share: of its questions that are asked. began: seconds since its start at its first question, None before it.
    """
    if known:
        # Within a part nothing tells how its questions share its time.
        soonest, latest = (known.at(share), known.at((int(share * PARTS) + 1) / PARTS)) if share else (0.0, known.at(0))
        foreseen = min(max(elapsed, soonest), latest)
        pace = (elapsed + SURE) / (foreseen + SURE)
        return max(0.0, pace * (known.total - foreseen))
    if began is None or share * PARTS < 1:  # the first answers wait for what is loaded and compiled once
        return None
    usual = Course(USUAL).at(share)
    return (elapsed - began) / usual * (1 - usual) if usual else None


def together(running: Iterable[float], waiting: Iterable[float], at_once: int) -> float:
    """Return the seconds until all is done, where what waits takes the place of what ends, in order."""
    ends = sorted(running)
    free = [0.0] * max(0, at_once - len(ends))
    places = sorted([*free, *ends])
    for seconds in waiting:
        places[0] += seconds
        places.sort()
    return places[-1] if places else 0.0


class Courses:
    """The courses that are kept in a file, the latest last; without a file, none."""

    def __init__(self, file: Path | None = None) -> None:
        """Read them."""
        self._file = file
        self._kept: dict[str, Course] = _read(file) if file else {}

    def of(self, names: Sequence[str]) -> Course | None:
        """Return the course of the first name that has one."""
        return next((self._kept[name] for name in names if name in self._kept), None)

    def keep(self, found: Iterable[tuple[Sequence[str], Course]]) -> None:
        """Keep courses under all their names, as far as a file can be written."""
        new = {name: course for names, course in found for name in names}
        if self._file is None or not new:
            return
        every = {name: course for name, course in self._kept.items() if name not in new} | new
        self._kept = dict(list(every.items())[-MOST:])
        text = json.dumps({name: course.seconds for name, course in self._kept.items()})
        temporary = self._file.with_suffix(f".{os.getpid()}.tmp")
        try:
            temporary.write_text(text, "utf-8")
            temporary.replace(self._file)
        except OSError:  # where one may read alone, or nothing has room
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Course]:
    """Return the courses of a file; what is none is left out."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    every = found.items() if isinstance(found, dict) else ()
    return {name: Course(tuple(map(float, seconds))) for name, seconds in every if _is_course(seconds)}


def _is_course(seconds: object) -> bool:
    """Tell whether these are seconds that do not run backwards."""
    if not (isinstance(seconds, list) and len(seconds) == PARTS + 1):
        return False
    if not all(isinstance(one, float | int) and 0 <= one < TIME for one in seconds):
        return False
    return seconds == sorted(seconds) and seconds[-1] > seconds[0]
