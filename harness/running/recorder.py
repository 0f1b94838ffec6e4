"""Collect results as they come and commit them to the store in batches, each at most half a second old."""

from __future__ import annotations

import time
from pathlib import Path

from harness.adapters.adapter import Adapter
from harness.model import Case, NotRun, Result, Target
from harness.running.journal import Journal, Line
from harness.store import Location, Store

BATCH_RESULTS = 200
BATCH_SECONDS = 0.5


class Recorder:
    """One process's way into the store, and its journal where somebody watches."""

    def __init__(self, store: Location | Path, uid: str, journal: Path | None) -> None:
        """Open the store; the run must have begun there."""
        self.uid = uid
        self._store = Store(store)
        self._journal = Journal(journal) if journal else None
        self._batch: list[Result] = []
        self._since = time.monotonic()
        self._environments: dict[tuple[str, str], str] = {}
        self._noted: set[str] = set()

    def plan(self, count: int) -> None:
        """Announce how many questions are coming."""
        self._write(Line("plan", count=count))

    def begin(self, case: Case, target: Target) -> None:
        """Say which question is in hand."""
        self._write(Line("begin", case=case, target=target))

    def end(self, result: Result) -> None:
        """Take a result; the batch is committed when it is full or old."""
        self._batch.append(result)
        deviates = result.judgement == "deviates"
        if len(self._batch) >= BATCH_RESULTS or time.monotonic() - self._since > BATCH_SECONDS or deviates:
            self.flush()
        self._write(Line("end", reason=result.reason if deviates else ""))

    def not_asked(self, case: Case, target: Target) -> None:
        """Say that a question is spared."""
        self._write(Line("not asked", case=case, target=target))

    def note(self, text: str) -> None:
        """Pass on a remark on a function, once."""
        if text not in self._noted:
            self._noted.add(text)
            self._write(Line("note", reason=text))

    def not_run(self, entry: NotRun) -> None:
        """Store that something is not there to be asked."""
        self._store.add_not_run(self.uid, entry)
        self._write(Line("not run", reason=entry.reason))

    def flush(self) -> None:
        """Commit what is collected."""
        self._store.append(self.uid, self._batch)
        self._batch = []
        self._since = time.monotonic()

    def close(self) -> None:
        """Commit what is left, and close the files."""
        self.flush()
        self._store.close()
        if self._journal:
            self._journal.close()

    def done_with(self) -> None:
        """Commit the rest and tell whoever watches that all was asked."""
        self.flush()
        self._write(Line("done"))

    def done(self) -> set[tuple[str, str, str]]:
        """Return (case id, framework, target) of what the run holds already."""
        return self._store.done(self.uid)

    def environment(self, adapter: Adapter, device: str) -> str:
        """Return the key of the environment of a framework on a device, stored once."""
        at = (adapter.catalogue.framework, device)
        if at not in self._environments:
            facts = {"framework": at[0], "device": device, **adapter.environment(device)}
            if adapter.catalogue.file:
                facts["file"] = adapter.catalogue.file
            self._environments[at] = self._store.add_environment(facts)
        return self._environments[at]

    def _write(self, line: Line) -> None:
        if self._journal:
            self._journal.write(line)
