"""The store: runs and results written to a database and read back, one transaction a batch.

Raw outcomes are stored; statistics are computed when read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

from harness.model import Case, NotRun, Recorded, Result, Run, Target
from harness.store import extras, nouns, schema
from harness.store.database import Database, Row, StoreError
from harness.store.location import Location, without_passwords
from harness.store.outcomes import NAMES, compressed, decompressed, figure, named_texts, pack, share, unpack
from harness.store.sqlite import File

K = TypeVar("K", int, str)
V = TypeVar("V")

CHUNK = 1000  # results at a time: read texts together, and hold no more than these in another form

CASE, TARGET = nouns.quoted(nouns.CASE_COLUMNS), nouns.quoted(nouns.TARGET_COLUMNS)
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
CASES = f"SELECT key, content, {CASE} FROM cases"
TARGETS = f"SELECT key, {TARGET} FROM targets"
TEXTS = 'SELECT key, "text" FROM texts'
RESULTS = (
    'SELECT "case", target, environment, outcome, facts, judgement, reason FROM results'
    ' WHERE run = ? ORDER BY target, "case"'
)


class Store:
    """The runs of one location. Use as a context manager; every method commits before it returns."""

    def __init__(self, location: Location | Path | str, *, make: bool = True) -> None:
        """Open the store; make it where there is none, unless told not to.

        Raises StoreError for what is no store of ours, cannot be reached, or, where none is to be made, is not there.
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
        self._db.execute(
            "INSERT INTO runs VALUES (?, ?, NULL, ?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE SET finished = NULL",
            (
                *(run.uid, run.started, without_passwords(run.command), run.preset, json.dumps(dict(run.host))),
                " ".join(run.shards),
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
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE SET"
            " started = CASE WHEN excluded.started < runs.started THEN excluded.started ELSE runs.started END,"
            " finished = CASE WHEN runs.finished IS NULL OR excluded.finished > runs.finished"
            " THEN excluded.finished ELSE runs.finished END, shards = excluded.shards",
            (
                *(run.uid, run.started, run.finished, run.command, run.preset, json.dumps(dict(run.host))),
                " ".join(_joined(here.shards, run.shards) if here else run.shards),
            ),
        )

    def add_shard(self, uid: str, shard: str) -> None:
        """Note that a part of a run was begun, as `0/n`, or is done; a run that was asked as a whole stays one."""
        with self.transaction():
            shards = " ".join(_joined(self.run(uid).shards, (shard,)))
            self._db.execute("UPDATE runs SET shards = ? WHERE uid = ?", (shards, uid))

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

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """Yield the rows of a query; for pages over many runs, which read columns and not results.

        `?` stands for a parameter, in PostgreSQL as in SQLite. Both answer alike without: LIKE; min and max of several
        columns; a column that is neither grouped by nor in an aggregate; functions of JSON and of dates; an order that
        no ORDER BY asks for.
        """
        return self._db.rows(sql, parameters)

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        sql = "SELECT uid, started, finished, command, preset, host, shards FROM runs ORDER BY started, uid"
        return [
            Run(uid, *said, json.loads(host), tuple(shards.split()))  # type: ignore[call-arg]
            for uid, *said, host, shards in self._db.rows(sql)
        ]

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
            known = ", ".join(run.uid for run in runs[-5:]) or f"none yet; try: xentbench run{self.location.option}"
            raise StoreError(f"run is {uid!r}, expected `latest` or one of the runs in {self.location}: {known}")
        return found[0]

    def earlier(self, uid: str) -> str:
        """Return the uid of the last finished run of the same preset that started before; empty where there is none."""
        run = self.run(uid)
        found = [one for one in self.runs() if one.started < run.started and one.preset == run.preset and one.finished]
        return found[-1].uid if found else ""

    def done(self, uid: str) -> set[tuple[str, str, str]]:
        """Return (case id, framework, target) of every result of a run."""
        rows = self._db.rows(
            f"SELECT c.id, {', '.join(f't.{name}' for name in nouns.TARGET_COLUMNS)}"
            ' FROM results r JOIN cases c ON r."case" = c.key JOIN targets t ON r.target = t.key WHERE r.run = ?',
            (uid,),
        )
        return {(case, row[0], str(nouns.target_of_row(*row))) for case, *row in rows}

    def judgements(self, uid: str) -> dict[str, int]:
        """Return how many results of a run have each judgement; far cheaper than reading them."""
        sql = "SELECT judgement, count(*) FROM results WHERE run = ? GROUP BY judgement ORDER BY judgement"
        return {judgement: count for judgement, count in self._db.rows(sql, (uid,))}  # noqa: C416 - rows of any length

    def results(self, uid: str) -> Iterator[Result]:
        """Yield a run's results, grouped by target, in the order they were first asked in."""
        rows = self._db.rows(RESULTS, (uid,))
        cases: dict[int, tuple[Case, str]] = {}  # thousands of results share one, and a target too
        targets: dict[int, Target] = {}
        texts: dict[str, str] = {}
        while chunk := list(islice(rows, CHUNK)):
            every = [json.loads(row[4]) for row in chunk]
            self._read(CASES, (row[0] for row in chunk), cases, _case)
            self._read(TARGETS, (row[1] for row in chunk), targets, nouns.target_of_row)
            self._read(TEXTS, named_texts(every), texts, decompressed)
            for (key, target, environment, outcome, _, judgement, reason), facts in zip(chunk, every, strict=True):
                case, content = cases[key]
                answer = unpack(outcome, facts, texts)
                yield Result(case, targets[target], answer, judgement, reason, environment, content)

    def _read(self, sql: str, keys: Iterable[K], known: dict[K, V], made: Callable[..., V]) -> None:
        """Add what some keys name and is not known yet."""
        if new := [key for key in dict.fromkeys(keys) if key not in known]:
            marks = ", ".join("?" * len(new))
            for key, *row in self._db.rows(f"{sql} WHERE key IN ({marks})", new):
                known[key] = made(*row)

    def environments(self) -> dict[str, dict[str, str]]:
        """Return every environment by its key."""
        rows = self._db.rows("SELECT key, facts FROM environments ORDER BY key")
        return {key: json.loads(text) for key, text in rows}

    def recorded(self, uid: str) -> Recorded:
        """Return a run with all that is stored of it. Raises StoreError where there is none."""
        run = self.run(uid)
        results, every = list(self.results(run.uid)), self.environments()
        used = dict.fromkeys(result.environment for result in results)
        environments = {key: every[key] for key in used if key in every}
        return Recorded(run, environments, self.not_run(run.uid), results)

    def not_run(self, uid: str) -> list[NotRun]:
        """Return what a run asked for in vain."""
        sql = "SELECT framework, mode, device, reason FROM not_run WHERE run = ? ORDER BY framework, mode, device"
        return [NotRun(*row) for row in self._db.rows(sql, (uid,))]


def _joined(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the parts of two parts of one run; a run that was asked as a whole has none."""
    return sorted({*one, *other}) if one and other else []


def _case(content: str, *row: Any) -> tuple[Case, str]:
    """Return the case of its row, with the content of its inputs."""
    return nouns.case_of_row(*row), content


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
