"""Results <-> SQLite: one file, many writers, one transaction a batch.

SQLite because it is in the standard library, takes several writing processes (WAL), and a kill at any moment leaves
every committed batch whole. Raw outcomes are stored; statistics are computed when read.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any, Self

from harness.model import (
    Case,
    Checked,
    Crashed,
    Failed,
    Implementation,
    NotRun,
    Op,
    Outcome,
    Recorded,
    Result,
    Run,
    Score,
    Target,
    TimedOut,
    Timing,
    Unsupported,
    Worst,
)

VERSION = 3  # PRAGMA user_version; an older store is migrated, a newer one refused
BUSY_MILLISECONDS = 30_000  # how long a writer waits for another one's batch

# Every column that pages over all runs read, so that they need not touch the facts.
HISTORY = 'CREATE INDEX history ON results ("case", target, run, outcome, judgement, figure, environment)'
SCHEMA = f"""
CREATE TABLE runs (
    uid TEXT PRIMARY KEY, started TEXT NOT NULL, finished TEXT,
    command TEXT NOT NULL, preset TEXT NOT NULL, host TEXT NOT NULL
) STRICT;
CREATE TABLE environments (key TEXT PRIMARY KEY, facts TEXT NOT NULL) STRICT;
CREATE TABLE cases (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL, content TEXT NOT NULL, op TEXT NOT NULL, params TEXT NOT NULL,
    quantity TEXT NOT NULL, family TEXT NOT NULL, dtype TEXT NOT NULL, "rows" INTEGER NOT NULL,
    classes INTEGER NOT NULL, seed INTEGER NOT NULL, "check" TEXT NOT NULL DEFAULT '', UNIQUE (id, content)
) STRICT;
CREATE TABLE targets (
    key INTEGER PRIMARY KEY, framework TEXT NOT NULL, op TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    mode TEXT NOT NULL, device TEXT NOT NULL, UNIQUE (framework, op, name, mode, device)
) STRICT;
CREATE TABLE texts (key TEXT PRIMARY KEY, "text" BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE results (
    run TEXT NOT NULL REFERENCES runs, "case" INTEGER NOT NULL REFERENCES cases,
    target INTEGER NOT NULL REFERENCES targets, environment TEXT NOT NULL, outcome TEXT NOT NULL,
    judgement TEXT NOT NULL, reason TEXT NOT NULL, facts TEXT NOT NULL, figure REAL, PRIMARY KEY (run, "case", target)
) STRICT, WITHOUT ROWID;
{HISTORY};
CREATE TABLE not_run (
    run TEXT NOT NULL REFERENCES runs, framework TEXT NOT NULL, mode TEXT NOT NULL, device TEXT NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (run, framework, mode, device)
) STRICT;
"""

# version -> what makes the next one of it
MIGRATIONS: Mapping[int, Sequence[str]] = {
    1: ["""ALTER TABLE cases ADD COLUMN "check" TEXT NOT NULL DEFAULT ''"""],
    2: ["ALTER TABLE results ADD COLUMN figure REAL", "DROP INDEX history", HISTORY],
}

OUTCOMES: Mapping[str, type[Any]] = {
    "score": Score,
    "checked": Checked,
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
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None)
            self._open()
        except (OSError, sqlite3.DatabaseError) as error:
            raise StoreError(
                f"store is {path} ({error}), expected a results store; name another with --store"
            ) from error

    def _open(self) -> None:
        try:
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            self._db.execute("BEGIN")
            version = self._version()  # before WAL is set, which would write to a file that is not ours
            self._db.execute("COMMIT")
            if 0 < version < VERSION:
                self._back_up(version)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("BEGIN IMMEDIATE")  # two processes may open a new file at once
            version = self._version()
            newer = [step for older in range(version or VERSION, VERSION) for step in MIGRATIONS[older]]
            for statement in newer if version else SCHEMA.split(";\n"):
                self._db.execute(statement)
            if 0 < version < 3:  # noqa: PLR2004 - the first with figures
                self._add_figures()
            self._db.execute(f"PRAGMA user_version = {VERSION}")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.close()  # which rolls back
            raise

    def _version(self) -> int:
        """Return the version of a store of ours, 0 for an empty file. Raises DatabaseError for anything else."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if (version == 0 and self._db.execute("SELECT 1 FROM sqlite_schema").fetchone()) or version > VERSION:
            raise sqlite3.DatabaseError(f"version {version}, this program reads 1 to {VERSION}")
        return int(version)

    def _add_figures(self) -> None:
        """Fill in the figures of results that were stored without, a run at a time."""
        for (uid,) in self._db.execute("SELECT uid FROM runs").fetchall():
            rows = self._db.execute('SELECT outcome, facts, "case", target FROM results WHERE run = ?', (uid,))
            told = [(figure(unpack(row[0], row[1], defaultdict(str))), uid, *row[2:]) for row in rows]
            self._db.executemany('UPDATE results SET figure = ? WHERE (run, "case", target) = (?, ?, ?)', told)

    def _back_up(self, version: int) -> None:
        """Copy a store that is about to be migrated beside it, once."""
        beside = self.path.with_name(f"{self.path.name}.version-{version}")
        if not beside.exists():
            with closing(sqlite3.connect(beside)) as copy:
                self._db.backup(copy)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that is done inside together, or nothing of it; one inside another is part of that."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def begin(self, run: Run) -> None:
        """Add a run, or take one up again: its end is forgotten, its results stay."""
        self._db.execute(
            "INSERT INTO runs VALUES (?, ?, NULL, ?, ?, ?) ON CONFLICT (uid) DO UPDATE SET finished = NULL",
            (run.uid, run.started, run.command, run.preset, json.dumps(dict(run.host))),
        )

    def join(self, run: Run) -> None:
        """Add a run made elsewhere, or a part of one that is here: it lasts from the first start to the last end.

        Raises StoreError where a run of that uid asked for something else.
        """
        here = next((other for other in self.runs() if other.uid == run.uid), None)
        if here and here.preset != run.preset:
            raise StoreError(
                f"run {run.uid} is of preset {run.preset!r}, expected {here.preset!r}, as its part in {self.path}; "
                "try: another --run-uid for each run"
            )
        self._db.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE SET"
            " started = min(started, excluded.started),"
            " finished = coalesce(max(finished, excluded.finished), finished, excluded.finished)",
            (run.uid, run.started, run.finished, run.command, run.preset, json.dumps(dict(run.host))),
        )

    def finish(self, uid: str) -> None:
        """Mark a run as complete."""
        self._db.execute("UPDATE runs SET finished = ? WHERE uid = ?", (now(), uid))

    def discard(self, uid: str) -> None:
        """Remove a run and its results."""
        with self.transaction():
            self._db.execute("DELETE FROM results WHERE run = ?", (uid,))
            self._db.execute("DELETE FROM not_run WHERE run = ?", (uid,))
            self._db.execute("DELETE FROM runs WHERE uid = ?", (uid,))

    def append(self, uid: str, results: Iterable[Result]) -> None:
        """Store a batch in one transaction; a result already there is replaced."""
        with self.transaction():
            for result in results:
                self._insert(uid, result)

    def _insert(self, uid: str, result: Result) -> None:
        case, target = result.case, result.target
        of = target.implementation
        drawn = (case.quantity, case.family, case.dtype, case.rows, case.classes, case.seed, case.check)
        self._db.execute(
            "INSERT OR IGNORE INTO cases VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (str(case), result.content, case.op.name, json.dumps(case.op.options), *drawn),
        )
        self._db.execute(
            "INSERT OR IGNORE INTO targets VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            (of.framework, of.op, of.name, of.kind, target.mode, target.device),
        )
        facts, texts = pack(result.outcome)
        self._db.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", texts.items())
        self._db.execute(
            "INSERT OR REPLACE INTO results SELECT ?, c.key, t.key, ?, ?, ?, ?, ?, ? FROM cases c, targets t"
            " WHERE c.id = ? AND c.content = ? AND (t.framework, t.op, t.name, t.mode, t.device) = (?, ?, ?, ?, ?)",
            (
                *(uid, result.environment, NAMES[type(result.outcome)], result.judgement, result.reason, facts),
                figure(result.outcome),
                *(str(case), result.content),
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

    def forget_not_run(self, uid: str, frameworks: Iterable[str]) -> None:
        """Remove what was stored of frameworks that are about to be asked again."""
        self._db.executemany("DELETE FROM not_run WHERE run = ? AND framework = ?", [(uid, f) for f in frameworks])

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query; for pages over many runs, which read columns and not results."""
        yield from self._db.execute(sql, parameters)

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        rows = self._db.execute("SELECT uid, started, finished, command, preset, host FROM runs ORDER BY started, uid")
        return [Run(*row, json.loads(host)) for *row, host in rows]  # type: ignore[call-arg]

    def run(self, uid: str = "latest") -> Run:
        """Find a run by its uid, a unique beginning of it, `latest`, or `latest~1` for the one before.

        Raises StoreError where there is none.
        """
        runs = self.runs()
        if back := re.fullmatch(r"latest(?:~(\d+))?", uid):
            found = runs[: max(0, len(runs) - int(back[1] or 0))][-1:]
        else:
            found = [run for run in runs if run.uid == uid] or [run for run in runs if run.uid.startswith(uid)]
        if len(found) != 1:
            known = ", ".join(run.uid for run in runs[-5:]) or "none yet; try: xentbench run"
            raise StoreError(f"run is {uid!r}, expected `latest` or one of the runs in {self.path}: {known}")
        return found[0]

    def earlier(self, uid: str) -> str:
        """Return the uid of the last finished run of the same preset that started before; empty where there is none."""
        run = self.run(uid)
        found = [one for one in self.runs() if one.started < run.started and one.preset == run.preset and one.finished]
        return found[-1].uid if found else ""

    def done(self, uid: str) -> set[tuple[str, str, str]]:
        """Return (case id, framework, target) of every result of a run."""
        rows = self._db.execute(
            "SELECT c.id, t.framework, t.op, t.name, t.kind, t.mode, t.device"
            ' FROM results r JOIN cases c ON r."case" = c.key JOIN targets t ON r.target = t.key WHERE r.run = ?',
            (uid,),
        )
        return {(case, of[0], str(Target(Implementation(*of[:4]), *of[4:]))) for case, *of in rows}

    def results(self, uid: str) -> Iterator[Result]:
        """Yield a run's results, grouped by target, in the order they were first asked in."""
        texts = _Texts(self._db)
        rows = self._db.execute(
            'SELECT c.op, c.params, c.quantity, c.family, c.dtype, c."rows", c.classes, c.seed, c."check",'
            " t.framework, t.op, t.name, t.kind, t.mode, t.device,"
            " r.outcome, r.facts, r.judgement, r.reason, r.environment, c.content"
            ' FROM results r JOIN cases c ON r."case" = c.key JOIN targets t ON r.target = t.key'
            " WHERE r.run = ? ORDER BY t.key, c.key",
            (uid,),
        )
        for row in rows:
            case = Case(Op.of(row[0], **json.loads(row[1])), *row[2:9])
            target = Target(Implementation(*row[9:13]), *row[13:15])
            yield Result(case, target, unpack(row[15], row[16], texts), *row[17:])

    def environments(self) -> dict[str, dict[str, str]]:
        """Return every environment by its key."""
        return {key: json.loads(text) for key, text in self._db.execute("SELECT key, facts FROM environments")}

    def recorded(self, uid: str) -> Recorded:
        """Return a run with all that is stored of it. Raises StoreError where there is none."""
        run = self.run(uid)
        results, every = list(self.results(run.uid)), self.environments()
        used = dict.fromkeys(result.environment for result in results)
        environments = {key: every[key] for key in used if key in every}
        return Recorded(run, environments, self.not_run(run.uid), results)

    def not_run(self, uid: str) -> list[NotRun]:
        """Return what a run asked for in vain."""
        rows = self._db.execute("SELECT framework, mode, device, reason FROM not_run WHERE run = ?", (uid,))
        return [NotRun(*row) for row in rows]


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def figure(outcome: Outcome) -> float | None:
    """Return the number that history follows: largest error in ulps, share of the allowance, or median seconds.

    None where there is none, or a nan.
    """
    match outcome:
        case Score(max_ulp=number) | Checked(over=number):
            return None if math.isnan(number) else number
        case Timing(seconds) if seconds:
            return median(seconds)
    return None


LONG_TEXTS = ("logits", "label", "upstream")  # of a Worst; many results share a row, so each is stored once


class _Texts(dict[str, str]):
    """Long texts by key, read when first asked for."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __missing__(self, key: str) -> str:
        (packed,) = self._db.execute('SELECT "text" FROM texts WHERE key = ?', (key,)).fetchone()
        self[key] = zlib.decompress(packed).decode()
        return self[key]


def pack(outcome: Outcome) -> tuple[str, dict[str, bytes]]:
    """Encode an outcome as JSON with its long texts apart; infinities become the text that `float` reads back."""
    fields = _finite(asdict(outcome))
    texts = {}
    for name in LONG_TEXTS if fields.get("worst") else ():
        if text := fields["worst"][name]:
            key, packed = _packed(text)
            texts[key], fields["worst"][name] = packed, key
    return json.dumps(fields, separators=(",", ":")), texts


@lru_cache(maxsize=4096)  # compressing takes most of the time, and the targets of a case share its rows
def _packed(text: str) -> tuple[str, bytes]:
    """Return a long text's key and its compressed bytes."""
    encoded = text.encode()
    return hashlib.sha256(encoded).hexdigest()[:20], zlib.compress(encoded)


def unpack(name: str, facts: str, texts: Mapping[str, str]) -> Outcome:
    """Decode what `pack` encoded."""
    fields = json.loads(facts)
    if name == "score":
        for fact in ("max_ulp", "mean_ulp", "bias_ulp"):
            fields[fact] = float(fields[fact])
        fields["over_bound"] = {key: float(value) for key, value in fields["over_bound"].items()}
    if name == "checked":
        fields["over"] = float(fields["over"])
    if worst := fields.get("worst"):
        worst |= {key: texts[worst[key]] for key in LONG_TEXTS if worst[key]}
        fields["worst"] = Worst(**worst | {"index": tuple(worst["index"]), "ulp": float(worst["ulp"])})
    if name == "timing":
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
