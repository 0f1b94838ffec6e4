"""The dashboard: one self-contained HTML file over all runs of a store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.history import levels
from reports.dashboard import page

if TYPE_CHECKING:
    from pathlib import Path

    from harness.store import Store

NAME = "history.html"
REPORT = "index.html"  # of a run, where one lies beside


def write(store: Store, directory: Path) -> Path:
    """Write `directory`/history.html over all runs and return its path; until it is whole an older one stands."""
    directory.mkdir(parents=True, exist_ok=True)
    html = page.render(levels.read(store), REPORT if (directory / REPORT).exists() else "")
    path, new = directory / NAME, directory / f".{NAME}.{os.getpid()}"
    try:
        new.write_text(html, "utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return path
