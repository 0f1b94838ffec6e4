"""The store: runs and results written to a database, one transaction a batch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Self

from harness.model import NotRun, Result, Run
from harness.store import extras, nouns, schema
from harness.store.database import Database, StoreError
from harness.store.hints import Malformed
from harness.store.location import Location, without_passwords
from harness.store.outcomes import NAMES, compressed, figure, named_texts, pack, share
from harness.store.reading import CASE, CHUNK, TARGET, Stored
from harness.store.sqlite import File

ADD_CASE = f"INSERT INTO cases (id, content, {CASE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
ADD_TARGET = f"INSERT INTO targets ({TARGET}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
ADD_TEXT = "INSERT INTO texts VALUES (?, ?) ON CONFLICT DO NOTHING"
ADD_RESULT = (
    "INSERT INTO results SELECT ?, c.key, t.key, ?, ?, ?, ?, ?, ?, ? FROM cases c, targets t"
    " WHERE c.id = ? AND c.content = ? AND (t.framework, t.op, t.name, t.mode, t.device) = (?, ?, ?, ?, ?)"
    ' ON CONFLICT (run, "case", target) DO UPDATE SET environment = excluded.environment, outcome = excluded.outcome,'
    " judgement = excluded.judgement, reason = excluded.reason, facts = excluded.facts, figure = excluded.figure,"
    " share = excluded.share"
)
ADD_RUN = (
    "INSERT INTO runs SELECT ?, ?, ?, ?, ?, ?, ?, coalesce(max(place), 0) + 1, ? FROM runs WHERE true"
    " ON CONFLICT (uid) DO UPDATE SET "
)


class Store(Stored):
    """The runs of one location. Use as a context manager; every method commits before it returns."""

    def __init__(self, location: Location | Path | str, *, make: bool = True) -> None:
        """Open the store; make it where there is none, and migrate an older one. make: False to read alone.

        A store that is read is not written to: an older one is migrated in a copy that is let go when it is closed.
        Raises StoreError for what is no store of ours, cannot be reached, or, where it is to be read, is not there.
        """
        self.location = Location.of(location)
        self._db = _opened(self.location, make=make)
        try:
            schema.prepare(self._db, make=make)
        except BaseException:
            self._db.close()
            raise

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all that is done inside together, or nothing of it; one inside another is part of that."""
        return self._db.transaction()

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file or the connection."""
        self._db.close()

    def begin(self, run: Run) -> None:
        """Add a run, no password in its command; or take one up again: its end is forgotten, its results stay."""
        host = json.dumps(dict(run.host))
        with self.transaction():
            self._db.execute(
                f"{ADD_RUN} finished = NULL",
                (
                    *(run.uid, run.started, None, without_passwords(run.command), run.preset, host),
                    *(" ".join(run.shards), _lines(run.notes)),
                ),
            )

    def join(self, run: Run) -> None:
        """Add a run made elsewhere, or a part of one that is here: it lasts from the first start to the last end.

        Raises StoreError where a run of that uid asked for something else.
        """
        here = next((other for other in self.runs() if other.uid == run.uid), None)
        if here and here.preset != run.preset:
            raise StoreError(
                f"run {run.uid} is of preset {run.preset!r}, expected {here.preset!r}, as its part in {self.location}; "
                "try: another --run-uid for each run"
            )
        self._db.execute(
            f"{ADD_RUN} started ="
            " CASE WHEN excluded.started < runs.started THEN excluded.started ELSE runs.started END,"
            " finished = CASE WHEN runs.finished IS NULL OR excluded.finished > runs.finished"
            " THEN excluded.finished ELSE runs.finished END, shards = excluded.shards, notes = excluded.notes",
            (
                *(run.uid, run.started, run.finished, without_passwords(run.command), run.preset),
                json.dumps(dict(run.host)),
                " ".join(_joined(here.shards, run.shards) if here else run.shards),
                _lines(dict.fromkeys([*here.notes, *run.notes]) if here else run.notes),
            ),
        )

    def add_shard(self, uid: str, shard: str) -> None:
        """Note that a part of a run was begun, as `0/n`, or is done; a run that was asked as a whole stays one."""
        with self.transaction():
            shards = " ".join(_joined(self.run(uid).shards, (shard,)))
            self._db.execute("UPDATE runs SET shards = ? WHERE uid = ?", (shards, uid))

    def add_notes(self, uid: str, notes: Iterable[str]) -> None:
        """Note how a run was asked; several processes may do so at once."""
        self._db.execute("UPDATE runs SET notes = notes || ? WHERE uid = ?", (_lines(notes), uid))

    def finish(self, uid: str) -> None:
        """Mark a run as complete."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._db.execute("UPDATE runs SET finished = ? WHERE uid = ?", (now, uid))

    def discard(self, uid: str) -> None:
        """Remove a run and its results."""
        with self.transaction():
            self._db.execute("DELETE FROM results WHERE run = ?", (uid,))
            self._db.execute("DELETE FROM not_run WHERE run = ?", (uid,))
            self._db.execute("DELETE FROM runs WHERE uid = ?", (uid,))

    def prune(self, uids: Iterable[str]) -> None:
        """Remove runs, whatever is in them, and all that no other run names; give back the room."""
        with self.transaction():
            for uid in uids:
                self.discard(uid)
            for table, used in (("cases", '"case"'), ("targets", "target")):
                self._db.execute(f"DELETE FROM {table} WHERE key NOT IN (SELECT {used} FROM results)")
            if not list(self._db.rows("SELECT 1 FROM runs WHERE finished IS NULL")):  # whose results may be to come
                self._db.execute("DELETE FROM environments WHERE key NOT IN (SELECT environment FROM results)")
            texts = {key for (key,) in self._db.rows("SELECT key FROM texts")}
            for (facts,) in self._db.rows("SELECT facts FROM results"):
                texts.difference_update(_texts_of(facts))
            self._db.executemany("DELETE FROM texts WHERE key = ?", [(key,) for key in texts])
        self._db.compact()

    def append(self, uid: str, results: Iterable[Result]) -> None:
        """Store a batch in one transaction; a result already there is replaced."""
        rest = iter(results)
        with self.transaction():
            while chunk := list(islice(rest, CHUNK)):
                self._add(uid, chunk)

    def _add(self, uid: str, results: Sequence[Result]) -> None:
        cases: dict[tuple[object, ...], None] = {}  # in the order they were asked in
        targets: dict[tuple[object, ...], None] = {}
        texts: dict[str, str] = {}
        rows = []
        for result in results:
            id_, target = str(result.case), nouns.target_row(result.target)
            cases[id_, result.content, *nouns.case_row(result.case)] = None
            targets[target] = None
            framework, op, name, _, mode, device = target  # a function whose kind is another now is still the same
            facts, named = pack(result.outcome)
            texts |= named
            rows.append(
                (
                    *(uid, result.environment, NAMES[type(result.outcome)], result.judgement, result.reason),
                    *(json.dumps(facts, separators=(",", ":"), allow_nan=False), figure(result.outcome)),
                    share(result.outcome),
                    *(id_, result.content, framework, op, name, mode, device),
                )
            )
        self._db.executemany(ADD_CASE, cases)
        self._db.executemany(ADD_TARGET, targets)
        self._db.executemany(ADD_TEXT, ((key, compressed(text)) for key, text in texts.items()))
        self._db.executemany(ADD_RESULT, rows)

    def forget(self, uid: str, results: Iterable[Result]) -> None:
        """Remove results of a run that are about to be asked for again."""
        sql = 'DELETE FROM results WHERE run = ? AND outcome = ? AND "case" IN (SELECT key FROM cases WHERE id = ?)'
        self._db.executemany(sql, {(uid, NAMES[type(one.outcome)], str(one.case)) for one in results})

    def add_environment(self, facts: Mapping[str, str]) -> str:
        """Store an environment and return its key, the same for the same facts."""
        text = json.dumps(dict(sorted(facts.items())))
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._db.execute("INSERT INTO environments VALUES (?, ?) ON CONFLICT DO NOTHING", (key, text))
        return key

    def add_not_run(self, uid: str, entry: NotRun) -> None:
        """Store that something asked for could not be asked."""
        self._db.execute(
            "INSERT INTO not_run VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (run, framework, mode, device) DO UPDATE SET reason = excluded.reason",
            (uid, entry.framework, entry.mode, entry.device, entry.reason),
        )

    def forget_not_run(self, uid: str, frameworks: Iterable[str]) -> None:
        """Remove what was stored of frameworks that are about to be asked again."""
        self._db.executemany("DELETE FROM not_run WHERE run = ? AND framework = ?", [(uid, f) for f in frameworks])


def _lines(notes: Iterable[str]) -> str:
    return "".join(f"{' '.join(note.split())}\n" for note in notes)


def _joined(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the parts of two parts of one run; a run that was asked as a whole has none."""
    return sorted({*one, *other}) if one and other else []


def _texts_of(facts: str) -> Iterable[str]:
    """Return the keys of the long texts that an outcome names; one that cannot be read names none."""
    try:
        return named_texts([nouns.json_of(facts)])
    except Malformed:
        return ()


def _opened(location: Location, *, make: bool) -> Database:
    """Open what is at a location. Raises StoreError where that is nothing we can read."""
    if not location.is_url:
        return File(location, make=make)
    if location.unreadable:
        raise StoreError(
            f"store is {location}, expected a file or postgresql://user:password@host:port/database?options, special"
            " characters in it percent-encoded; try: a password in PGPASSWORD or in ~/.pgpass"
        )
    postgres = extras.load("harness.store.postgres", "postgres", f"store {location}")
    database: Database = postgres.Server(location)
    return database
