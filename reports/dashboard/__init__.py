"""The dashboard: one self-contained HTML file over all runs of a store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.history import levels
from harness.history.compare import compare
from harness.history.news import Accepts, nothing
from harness.history.verdict import of_comparison
from harness.store.reading import never
from reports.dashboard import page

if TYPE_CHECKING:
    from pathlib import Path

    from harness.store import Store

NAME = "history.html"
REPORT = "index.html"  # of a run, where one lies beside


def write(store: Store, directory: Path, accepts: Accepts = nothing) -> Path:
    """Write `directory`/history.html over all runs and return its path; until it is whole an older one stands.

    accepts: what a list of one's own says of an answer.
    """
    directory.mkdir(parents=True, exist_ok=True)
    history, latest = levels.read(store), None
    if history.runs and (earlier := store.earlier(last := history.runs[-1].uid)):
        before = store.recorded(earlier, never)
        latest = of_comparison(compare(before, store.recorded(last, never, before.results), accepts=accepts))
    html = page.render(history, REPORT if (directory / REPORT).exists() else "", latest)
    path, new = directory / NAME, directory / f".{NAME}.{os.getpid()}"
    try:
        new.write_text(html, "utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return path
