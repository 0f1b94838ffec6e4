"""Watching a file: once now, and again whenever it was written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

LOOK_SECONDS = 0.3  # between two looks at the file; an editor's write is seen as soon as that


def changes(file: Path, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Yield at once, and then each time the file has changed since; a file that is gone is waited for."""
    seen = stamp(file)
    yield
    while True:
        sleep(LOOK_SECONDS)
        now = stamp(file)
        if now is not None and now != seen:
            seen = now
            yield


def stamp(file: Path) -> tuple[int, int] | None:
    """Return when a file was written and how long it is; nothing where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
