"""SQLite: one file, in the standard library.

Several processes write to it (WAL), and a kill at any moment leaves every committed batch whole. It wants a local disk:
on a network file system the locks of WAL do not hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar

from harness.store.database import Database, Row, StoreError, broken, no_store
from harness.store.location import Location
from harness.store.schema import absent, known

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
        """Open a file; make it where it is not there and may be made. Raises StoreError for one that is no store."""
        super().__init__(location)
        path = Path(location.text)
        if not make and not path.is_file():
            raise absent(location)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise no_store(location, error) from error
        try:
            known(self)  # before WAL is set, which would write to a file that is not ours
            self.execute("PRAGMA journal_mode = WAL")
            self.execute("PRAGMA synchronous = NORMAL")
            self.execute("PRAGMA foreign_keys = ON")
        except StoreError:
            self.close()
            raise

    def version(self) -> int:
        """Return `user_version`. Raises StoreError for a file that has none and is not empty, or is no database."""
        try:
            sql = "SELECT user_version, EXISTS (SELECT 1 FROM sqlite_schema) FROM pragma_user_version"
            ((version, filled),) = self._db.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise no_store(self.location, error) from error
        if filled and not version:
            raise no_store(self.location, "another program's tables")
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
            yield from self._db.execute(sql, parameters)

    def close(self) -> None:
        """Close the file, which rolls back."""
        self._db.close()
