"""Collect results as they come and commit them to the store in batches, each at most half a second old."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from harness.adapters.adapter import Adapter
from harness.model import Case, NotRun, Result, Target
from harness.running.journal import Journal, Line
from harness.spelling import printable
from harness.store import Location, Store, StoreError

OURS = "harness."  # how modules of adapters begin that are none of another package's
BATCH_RESULTS = 200
BATCH_SECONDS = 0.5


class Recorder:
    """One process's way into the store, and its journal where somebody watches."""

    def __init__(self, store: Location | Path, uid: str, journal: Journal | None) -> None:
        """Open the store; the run must have begun there. Raises StoreError."""
        self.uid = uid
        self._store = Store(store)
        self._journal = journal
        self._batch: list[Result] = []
        self._since = time.monotonic()
        self._environments: dict[tuple[str, str], str] = {}
        self._noted: set[str] = set()

    def plan(self, every: Mapping[Target, int], left: int, left_out: int) -> None:
        """Announce the questions: all there are of each function, how many are left, and left out for good of these."""
        for target, count in every.items():
            self._write(Line("planned", count=count, target=target))
        self._write(Line("left out", count=left_out))
        self._write(Line("plan", count=left))

    def ours(self, error: Exception) -> None:
        """Say that what is ours has failed, as far as it can still be said; what is not committed is dropped."""
        self._batch = []
        lost = isinstance(error, StoreError | OSError)
        with suppress(OSError):
            text = printable(str(error))
            self._write(Line("lost", reason=text) if lost else Line("broken", reason=f"{type(error).__name__}: {text}"))

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

    def found(self, result: Result) -> None:
        """Take what was found beside the answer to the question in hand."""
        self._batch.append(result)
        self.flush()
        self._write(Line("found", case=result.case, target=result.target, reason=result.reason))

    def leave(self) -> None:
        """Die with the question in hand, so that it alone is booked: no call that comes after it could answer."""
        self.flush()
        os.abort()

    def note(self, text: str) -> None:
        """Pass on a remark, once: to whoever watches, and who stores it; where nobody does, to the store."""
        if text not in self._noted:
            self._noted.add(text)
            self._write(Line("note", reason=text))
            if not self._journal:
                self._store.add_notes(self.uid, [text])

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

    @cached_property
    def earlier(self) -> set[tuple[str, str, str]]:
        """(Case id, framework, target) of what the run held when this was first asked."""
        return self._store.done(self.uid)

    def deviates(self) -> bool:
        """Tell whether the run holds a deviation already."""
        return any(judgement == "deviates" for _, judgement in self._store.kinds(self.uid))

    def environment(self, adapter: Adapter, device: str) -> str:
        """Return the key of the environment of a framework on a device, stored once."""
        at = (adapter.catalogue.framework, device)
        if at not in self._environments:
            facts = {"framework": at[0], "device": device, **adapter.environment(device)}
            if adapter.catalogue.file:
                facts["file"] = adapter.catalogue.file
            if not type(adapter).__module__.startswith(OURS):  # whose imports no report knows
                facts["imports"] = "; ".join(adapter.catalogue.imports)
            self._environments[at] = self._store.add_environment(facts)
        return self._environments[at]

    def _write(self, line: Line) -> None:
        if self._journal:
            self._journal.write(line)
