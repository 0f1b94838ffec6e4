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


@dataclass(frozen=True)
class Line:
    """One line.

    kind: `plan` (count), `begin` and `not asked` (case and target), `end` (reason, where the answer deviates),
    `not run` and `note` (reason), `done`.
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

    def lines(self) -> list[Line]:
        """Return the complete lines written since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        complete = text[: text.rfind(b"\n") + 1]
        self._offset += len(complete)
        return [Line.of(json.loads(part)) for part in complete.splitlines()]
