"""Pieces of work that are done, kept in a file beside the store until the whole is: a kill costs what was in hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Self

NAME = "pieces.sqlite"
WAIT_SECONDS = 30.0


class Pieces:
    """Texts by key. A key is the digest of all that a piece depends on, so that none is taken for another's."""

    def __init__(self, file: Path) -> None:
        """Open the file, or make it. Raises OSError, with its path, where neither can be done."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS pieces (key TEXT PRIMARY KEY, text TEXT NOT NULL)")
        except sqlite3.Error as error:
            raise OSError(0, f"no file of pieces: {error}; try: remove it", str(file)) from error

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._db.close()

    def get(self, keys: Iterable[str]) -> dict[str, str]:
        """Return what is there of some keys."""
        found = {}
        for key in keys:
            for (text,) in self._db.execute("SELECT text FROM pieces WHERE key = ?", (key,)):
                found[key] = text
        return found

    def add(self, key: str, text: str) -> None:
        """Keep a piece; it is there when this returns, whatever happens next."""
        self._db.execute("INSERT OR REPLACE INTO pieces VALUES (?, ?)", (key, text))

    def drop(self, keys: Iterable[str]) -> None:
        """Remove pieces whose whole is stored."""
        self._db.executemany("DELETE FROM pieces WHERE key = ?", [(key,) for key in keys])
