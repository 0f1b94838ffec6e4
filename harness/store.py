"""Results <-> SQLite: one file, many writers, one transaction a batch.

SQLite because it is in the standard library, takes several writing processes (WAL), and a kill at any moment leaves
every committed batch whole. Raw outcomes are stored; statistics are computed when read.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Self

from harness import model
from harness.model import Case, Crashed, Failed, Implementation, NotRun, Op, Outcome, Result, Run, Score, Target
from harness.model import TimedOut, Timing, Unsupported, Worst

VERSION = 1  # PRAGMA user_version; a store of another version is refused, never guessed at
BUSY_MILLISECONDS = 30_000  # how long a writer waits for another one's batch

SCHEMA = """
CREATE TABLE runs (
    uid TEXT PRIMARY KEY, started TEXT NOT NULL, finished TEXT,
    command TEXT NOT NULL, preset TEXT NOT NULL, host TEXT NOT NULL
) STRICT;
CREATE TABLE environments (key TEXT PRIMARY KEY, facts TEXT NOT NULL) STRICT;
CREATE TABLE cases (
    id TEXT PRIMARY KEY, op TEXT NOT NULL, params TEXT NOT NULL, quantity TEXT NOT NULL, family TEXT NOT NULL,
    dtype TEXT NOT NULL, "rows" INTEGER NOT NULL, classes INTEGER NOT NULL, seed INTEGER NOT NULL
) STRICT;
CREATE TABLE targets (
    id INTEGER PRIMARY KEY, framework TEXT NOT NULL, op TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    mode TEXT NOT NULL, device TEXT NOT NULL, UNIQUE (framework, op, name, mode, device)
) STRICT;
CREATE TABLE results (
    run TEXT NOT NULL REFERENCES runs, case_id TEXT NOT NULL REFERENCES cases, target INTEGER NOT NULL REFERENCES targets,
    outcome TEXT NOT NULL, judgement TEXT NOT NULL, reason TEXT NOT NULL, environment TEXT NOT NULL, content TEXT NOT NULL,
    facts BLOB NOT NULL, PRIMARY KEY (run, case_id, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX history ON results (case_id, target, run);
CREATE TABLE not_run (
    run TEXT NOT NULL REFERENCES runs, framework TEXT NOT NULL, mode TEXT NOT NULL, device TEXT NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (run, framework, mode, device)
) STRICT;
"""

OUTCOMES: Mapping[str, type[Any]] = {
    "score": Score,
    "timing": Timing,
    "unsupported": Unsupported,
    "failed": Failed,
    "crashed": Crashed,
    "timed out": TimedOut,
}
NAMES = {kind: name for name, kind in OUTCOMES.items()}


class StoreError(ValueError):
    """A store that cannot be read, or a run that is not in it."""


class Store:
    """One SQLite file of runs. Use as a context manager; every method commits before it returns."""

    def __init__(self, path: Path) -> None:
        """Open the store, or make it where there is none. Raises StoreError for a file that is no store of ours."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._db = sqlite3.connect(path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise StoreError(f"store is {path} ({error}), expected a results store; name another with --store") from error

    def _open(self) -> None:
        self._db.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("BEGIN IMMEDIATE")  # two processes may open a new file at once
        try:
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0 and not self._db.execute("SELECT 1 FROM sqlite_schema").fetchone():
                for statement in SCHEMA.split(";\n"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {VERSION}")
            elif version != VERSION:
                raise sqlite3.DatabaseError(f"version {version}, this program reads {VERSION}")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._db.close()

    def begin(self, run: Run) -> None:
        """Add a run, or take one up again: its end is forgotten, its results stay."""
        self._db.execute(
            "INSERT INTO runs VALUES (?, ?, NULL, ?, ?, ?) ON CONFLICT (uid) DO UPDATE SET finished = NULL",
            (run.uid, run.started, run.command, run.preset, json.dumps(dict(run.host))),
        )

    def finish(self, uid: str) -> None:
        """Mark a run as complete."""
        self._db.execute("UPDATE runs SET finished = ? WHERE uid = ?", (now(), uid))

    def append(self, uid: str, results: Iterable[Result]) -> None:
        """Store a batch in one transaction; a result already there is replaced."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for result in results:
                self._insert(uid, result)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _insert(self, uid: str, result: Result) -> None:
        case, target = result.case, result.target
        of = target.implementation
        params = json.dumps(case.op.options)
        self._db.execute(
            "INSERT OR IGNORE INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (str(case), case.op.name, params, case.quantity, case.family, case.dtype, case.rows, case.classes, case.seed),
        )
        where = (of.framework, of.op, of.name, of.kind, target.mode, target.device)
        self._db.execute(
            "INSERT OR IGNORE INTO targets (framework, op, name, kind, mode, device) VALUES (?, ?, ?, ?, ?, ?)", where
        )
        self._db.execute(
            "INSERT OR REPLACE INTO results SELECT ?, ?, id, ?, ?, ?, ?, ?, ? FROM targets"
            " WHERE (framework, op, name, mode, device) = (?, ?, ?, ?, ?)",
            (
                uid,
                str(case),
                NAMES[type(result.outcome)],
                result.judgement,
                result.reason,
                result.environment,
                result.content,
                pack(result.outcome),
                *(of.framework, of.op, of.name, target.mode, target.device),
            ),
        )

    def add_environment(self, facts: Mapping[str, str]) -> str:
        """Store an environment and return its key, the same for the same facts."""
        text = json.dumps(dict(sorted(facts.items())))
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._db.execute("INSERT OR IGNORE INTO environments VALUES (?, ?)", (key, text))
        return key

    def add_not_run(self, uid: str, entry: NotRun) -> None:
        """Store that something asked for could not be asked."""
        self._db.execute(
            "INSERT OR REPLACE INTO not_run VALUES (?, ?, ?, ?, ?)",
            (uid, entry.framework, entry.mode, entry.device, entry.reason),
        )

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        rows = self._db.execute("SELECT uid, started, finished, command, preset, host FROM runs ORDER BY started, uid")
        return [Run(*row[:5], json.loads(row[5])) for row in rows]

    def run(self, uid: str = "latest") -> Run:
        """Find a run by its uid, a unique beginning of it, or `latest`. Raises StoreError where there is none."""
        runs = self.runs()
        found = runs[-1:] if uid == "latest" else [run for run in runs if run.uid.startswith(uid)]
        if len(found) != 1:
            known = ", ".join(run.uid for run in runs[-5:]) or "none yet; try: xentbench run"
            raise StoreError(f"run is {uid!r}, expected `latest` or one of the runs in {self.path}: {known}")
        return found[0]

    def done(self, uid: str) -> set[tuple[str, str, str]]:
        """Return (case id, framework, target) of every result of a run."""
        rows = self._db.execute(
            "SELECT case_id, framework, name, mode, device FROM results JOIN targets ON target = id WHERE run = ?", (uid,)
        )
        return {
            (case, framework, str(Target(Implementation(framework, "", name, "fused"), mode, device)))
            for case, framework, name, mode, device in rows
        }

    def results(self, uid: str) -> Iterator[Result]:
        """Yield a run's results, grouped by target."""
        rows = self._db.execute(
            "SELECT c.op, c.params, c.quantity, c.family, c.dtype, c.\"rows\", c.classes, c.seed,"
            " t.framework, t.op, t.name, t.kind, t.mode, t.device,"
            " r.outcome, r.facts, r.judgement, r.reason, r.environment, r.content"
            " FROM results r JOIN cases c ON r.case_id = c.id JOIN targets t ON r.target = t.id"
            " WHERE r.run = ? ORDER BY t.id, c.rowid",
            (uid,),
        )
        for op, params, quantity, family, dtype, n, classes, seed, *rest in rows:
            case = Case(Op.of(op, **json.loads(params)), quantity, family, dtype, n, classes, seed)
            target = Target(Implementation(*rest[:4]), *rest[4:6])
            yield Result(case, target, unpack(rest[6], rest[7]), *rest[8:])

    def environments(self) -> dict[str, dict[str, str]]:
        """Return every environment by its key."""
        return {key: json.loads(text) for key, text in self._db.execute("SELECT key, facts FROM environments")}

    def not_run(self, uid: str) -> list[NotRun]:
        """Return what a run asked for in vain."""
        rows = self._db.execute("SELECT framework, mode, device, reason FROM not_run WHERE run = ?", (uid,))
        return [NotRun(*row) for row in rows]


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def pack(outcome: Outcome) -> bytes:
    """Encode an outcome as compressed JSON; infinities become the text that `float` reads back."""
    return zlib.compress(json.dumps(_finite(asdict(outcome)), separators=(",", ":")).encode(), 1)


def unpack(name: str, facts: bytes) -> Outcome:
    """Decode what `pack` encoded."""
    fields = json.loads(zlib.decompress(facts))
    match OUTCOMES[name]:
        case model.Score:
            fields["max_ulp"], fields["mean_ulp"] = float(fields["max_ulp"]), float(fields["mean_ulp"])
            fields["bias_ulp"] = float(fields["bias_ulp"])
            fields["over_bound"] = {key: float(value) for key, value in fields["over_bound"].items()}
            if worst := fields["worst"]:
                fields["worst"] = Worst(**worst | {"index": tuple(worst["index"]), "ulp": float(worst["ulp"])})
        case model.Timing:
            fields["seconds"] = tuple(fields["seconds"])
    outcome: Outcome = OUTCOMES[name](**fields)
    return outcome


def _finite(value: Any) -> Any:
    """Replace infinities and nans by text, which strict JSON can hold."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
