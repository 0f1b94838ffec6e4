"""The files that CI asks a run for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from harness.model import Recorded
from reports.ci import badge, junit, summary

WRITERS: Mapping[str, Callable[[Recorded, BinaryIO], None]] = {
    "junit": junit.write,
    "summary": summary.write,
    "badge": badge.write,
}


def wanted(**named: Path | None) -> dict[str, Path]:
    """Return the files that are wanted, by form. Raises ValueError at once for one that cannot be written."""
    found = {form: path for form, path in named.items() if path}
    for form, path in found.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab"):
                pass
        except OSError as error:
            raise ValueError(f"--{form} is {path} ({error.strerror}), expected a file that can be written") from error
    return found


def write(recorded: Recorded, files: Mapping[str, Path]) -> None:
    """Write each file; to GitHub's own summary at its end, because the commands of a step share it."""
    for form, path in files.items():
        shared = str(path) == os.environ.get("GITHUB_STEP_SUMMARY")
        with path.open("ab" if shared else "wb") as to:
            WRITERS[form](recorded, to)
