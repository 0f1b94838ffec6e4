"""A journal of the questions of a process: a line before and after each, so that a watcher knows which is asked.

An append-only text file: its lines survive the process that wrote them, whatever ended it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from harness.model import Case, Target
from harness.store import nouns

OURS = 71  # exit code of a process that can store nothing
CHANGED = 72  # and of one that a function has changed, which is asked apart from then on
SHOWN = 60  # bytes of what cannot be read


@dataclass(frozen=True)
class Line:
    """One line.

    kind: `planned` (count of all there is of a target's function), `left out` (count), `plan` (count of what is left),
    `begin` and `not asked` (case and target), `end` (reason, where the answer deviates), `found` (beside the answer:
    case, target and reason), `not run`, `note` and `unreadable` (reason), `lost` (reason why nothing can be stored)
    and `broken` (why the process cannot go on), neither of which is the question's fault, `done`.
    """

    kind: str
    count: int = 0
    case: Case | None = None
    target: Target | None = None
    reason: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """The line in plain values."""
        case, target = self.case and nouns.case_fields(self.case), self.target and nouns.target_fields(self.target)
        return vars(self) | {"case": case, "target": target}

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Line:
        """Return the line of such fields."""
        case, target = fields["case"] and nouns.case_of(fields["case"]), fields["target"]
        return cls(**fields | {"case": case, "target": target and nouns.target_of(target)})


class Journal:
    """The writing end."""

    def __init__(self, path: Path) -> None:
        """Append to a file."""
        self._file: TextIO = path.open("a", encoding="utf-8")

    def write(self, line: Line) -> None:
        """Write one line, at once."""
        self._file.write(json.dumps(line.fields) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Reader:
    """The reading end: every complete line, once."""

    def __init__(self, path: Path) -> None:
        """Start at the beginning of a file that need not exist yet."""
        self._path = path
        self._offset = 0

    def remove(self) -> None:
        """Remove the file, which is read to its end."""
        self._path.unlink(missing_ok=True)

    def lines(self) -> list[Line]:
        """Return the complete lines written since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        complete = text[: text.rfind(b"\n") + 1]
        self._offset += len(complete)
        return [_read(part) for part in complete.split(b"\n")[:-1]]


def _read(text: bytes) -> Line:
    """Return a line; one that is none, as half a line of a disk that was full, says so itself."""
    try:
        return Line.of(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Line("unreadable", reason=f"a line of the journal is {text[:SHOWN]!r}, expected an object of its fields")
