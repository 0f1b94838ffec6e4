"""SQLite: one file, in the standard library.

Several processes write to it (WAL), and a kill at any moment leaves every committed batch whole. It wants a local disk:
on a network file system the locks of WAL do not hold.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from harness.store.database import TABLES, Database, Row, StoreError, absent, broken, known, no_store
from harness.store.location import Location

BUSY_MILLISECONDS = 30_000  # how long a writer waits for another one's batch


class File(Database):
    """A store in one SQLite file."""

    types: ClassVar = {
        "text": "TEXT",
        "integer": "INTEGER",
        "real": "REAL",
        "bytes": "BLOB",
        "number_itself": "INTEGER PRIMARY KEY",
        "strict": "STRICT",
        "strict_by_key": "STRICT, WITHOUT ROWID",
    }

    refused: ClassVar = (
        sqlite3.IntegrityError,
        sqlite3.InterfaceError,  # for a value of a type without a place here, before Python 3.12
        sqlite3.ProgrammingError,  # and since
        OverflowError,
        UnicodeError,
    )
    failed: ClassVar = sqlite3.Error

    def __init__(self, location: Location, *, make: bool) -> None:
        """Open a file; make it where it is not there and may be made. Raises StoreError for one that is no store.

        Where none is to be made, it is read alone.
        """
        super().__init__(location)
        path = Path(location.text)
        if path.is_dir():
            raise no_store(location, "a folder")
        if location.text == ":memory:":  # sqlite3's name of a store of this process alone
            raise no_store(location, "memory, which the processes of a run do not share")
        if not make and not path.is_file():
            raise absent(location)
        if not make and not path.stat().st_size:
            raise no_store(location, "an empty file")
        may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        try:
            if make:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _connected(path) if make or may_write else only_readable(path)
        except (OSError, sqlite3.Error) as error:
            raise no_store(location, error) from error
        try:
            self.execute("PRAGMA trusted_schema = OFF")
            if known(self) >= 0 and make:  # else WAL would write to a file that is not ours
                self.execute("PRAGMA journal_mode = WAL")
            self.execute("PRAGMA synchronous = NORMAL")
            self.execute("PRAGMA foreign_keys = ON")
        except StoreError:
            self.close()
            raise

    def copy(self) -> None:
        """Go on in a temporary file, which SQLite removes; small ones stay in memory."""
        copy = sqlite3.connect("", isolation_level=None)
        with self._named(), closing(self._db):
            self._db.backup(copy)
        self._db = copy

    def seal(self) -> None:
        """Let SQLite refuse."""
        self.execute("PRAGMA query_only = ON")

    def version(self) -> int:
        """Return `user_version`. Raises StoreError for a file with other tables than ours, or that is no database."""
        try:
            ((version,),) = self._db.execute("PRAGMA user_version").fetchall()
            there = self._db.execute("SELECT type, name FROM sqlite_schema WHERE type <> 'index'").fetchall()
        except sqlite3.Error as error:
            raise no_store(self.location, error) from error
        ours = {("table", name) for name in TABLES}
        if there and not (version and ours <= set(there)):
            raise no_store(self.location, "another program's tables")
        if odd := [f"{kind} {name}" for kind, name in there if kind != "table"]:
            raise no_store(self.location, f"a {odd[0]} in it, which no store has")
        if version and not there:
            raise no_store(self.location, "no tables")
        return int(version)

    def set_version(self, version: int) -> None:
        """Set `user_version`."""
        self.execute(f"PRAGMA user_version = {version:d}")

    def back_up(self, version: int) -> None:
        """Copy the file beside itself, once."""
        path = Path(self.location.text)
        beside = path.with_name(f"{path.name}.version-{version}")
        if beside.exists():
            return
        part = path.with_name(f"{path.name}.part")  # so that a copy that was cut short is none
        try:
            with closing(sqlite3.connect(part)) as copy:
                self._db.backup(copy)
            part.replace(beside)
        except (OSError, sqlite3.Error) as error:
            raise broken(self.location, f"no backup at {beside}: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take the only writer's place; one inside another is part of that."""
        if self._db.in_transaction:
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Do what returns no rows."""
        with self._named():
            self._db.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Do it with each row's parameters."""
        with self._named():
            self._db.executemany(sql, rows)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """Yield the rows of a query as they are found."""
        with self._named():
            for row in self._db.execute(sql, parameters):  # noqa: UP028 - `yield from` would close the cursor of a file
                yield row  # that is closed already, where somebody leaves it half read

    def compact(self) -> None:
        """Write the file anew, without the room of what was removed."""
        self.execute("VACUUM")
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file, which rolls back."""
        self._db.close()


def only_readable(path: Path) -> sqlite3.Connection:
    """Open a file to read alone: nothing is written, not even beside it. Raises sqlite3.Error."""
    uri = f"file:{quote(str(path))}?mode=ro"
    opened = _connected(uri)
    try:
        opened.execute("SELECT 1 FROM sqlite_schema").fetchall()
    except sqlite3.OperationalError:  # WAL wants a file beside it, which a folder that may only be read does not take
        opened.close()
        waiting = path.with_name(f"{path.name}-wal")
        if waiting.exists() and waiting.stat().st_size:
            raise
        opened = _connected(f"{uri}&immutable=1")
    return opened


def _connected(to: Path | str) -> sqlite3.Connection:
    seconds = BUSY_MILLISECONDS / 1000
    return sqlite3.connect(to, timeout=seconds, isolation_level=None, uri=isinstance(to, str))
