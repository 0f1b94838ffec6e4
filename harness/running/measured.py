"""What answers were found to be, kept by the question and by the answer's bits: the same bits are not measured twice.

A function is called in every run, because its answer may have changed; only what follows from the answer is kept. What
is kept depends on the program that measured: another source, numpy or processor begins anew. What cannot be read, or
is another entry's, is measured again, so that nothing fails for want of this.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from harness.model import Array, Checked, Score
from harness.running import host
from harness.store.hints import Malformed, shown
from harness.store.outcomes import NAMES, compressed, decompressed, named_texts, pack, text_key, unpack

NAME = "measured.sqlite"  # of the file beside the store
ROOT = Path(__file__).parents[2]
MEASURE = ("harness", "reference", "suites")  # packages by which answers are measured
BATCH = 500  # outcomes that are written together
MOST_BYTES = 1 << 28  # of the file, beyond which it begins anew
WAIT_SECONDS = 10.0  # for another process's batch
CHECKSUM = 8  # bytes
MOST_TEXTS = 4096  # at hand
TABLES = (
    "CREATE TABLE IF NOT EXISTS measured (key BLOB PRIMARY KEY, outcome BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS texts (key TEXT PRIMARY KEY, text BLOB NOT NULL) WITHOUT ROWID",  # rows that many share
)

T = TypeVar("T", Score, Checked)


class Measured:
    """Outcomes by question and bits; without a file, none are kept."""

    def __init__(self, file: Path | None = None, edition: str = "") -> None:
        """Open the file. edition: all that outcomes depend on beside question and bits."""
        self.taken = 0  # that were kept
        self.asked = 0
        self._file, self._edition = file, edition.encode()
        self._db = _opened(file) if file else None
        self._new: dict[bytes, bytes] = {}
        self._texts: dict[str, str] = {}  # read or written lately
        self._new_texts: dict[str, bytes] = {}

    @property
    def told(self) -> str:
        """What was not measured anew, in words; nothing where all was."""
        if not self.taken:
            return ""
        return f"{self.taken} of {self.asked} measurements are those of earlier answers with the same bits"

    def outcome(self, question: str, got: Array, measure: Callable[[], T]) -> T:
        """Return what `measure` returns of an answer, or returned of the same bits.

        question: all that this depends on beside the answer, and what names it among its kind.
        """
        if self._db is None:
            return measure()
        self.asked += 1
        key = self._key(question, got)
        if (kept := self._read(key)) is not None:
            self.taken += 1
            return kept
        found = measure()
        self._keep(key, found)
        if len(self._new) >= BATCH:
            self.flush()
        return found

    def flush(self) -> None:
        """Write what is new. Where that cannot be done, nothing more is kept."""
        if self._db is None or not self._new:
            return
        try:
            with self._db:
                self._db.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?)", self._new_texts.items())
                self._db.executemany("INSERT OR REPLACE INTO measured VALUES (?, ?)", self._new.items())
        except sqlite3.Error as error:
            self._give_up(error)
        self._new.clear()
        self._new_texts.clear()

    def close(self) -> None:
        """Write the rest, and close the file."""
        self.flush()
        if self._db is not None:
            self._db.close()
            self._db = None

    def _key(self, question: str, got: Array) -> bytes:
        """Return the digest of all that an outcome depends on; the bits of a nan are among it."""
        whole = np.ascontiguousarray(got)
        digest = hashlib.sha256(self._edition)
        digest.update(f"\n{question}\n{got.dtype.name}{got.shape}\n".encode())
        digest.update(whole.reshape(-1).view(np.uint8).data)
        return digest.digest()

    def _read(self, key: bytes) -> Any:
        """Return what is kept under a key; None where there is nothing, or nothing that can be read."""
        try:
            kept = self._new.get(key) or self._one("SELECT outcome FROM measured WHERE key = ?", key)
            if kept is None or kept[:CHECKSUM] != _checksum(key, kept[CHECKSUM:]):
                return None
            name, fields = json.loads(kept[CHECKSUM:])
            return unpack(name, fields, {one: self._text(one) for one in named_texts([fields])})
        except sqlite3.Error as error:
            self._give_up(error)
        except (Malformed, TypeError, ValueError):  # damaged, or of a text that is not there
            pass
        return None

    def _keep(self, key: bytes, found: Score | Checked) -> None:
        fields, texts = pack(found)
        packed = json.dumps([NAMES[type(found)], fields], separators=(",", ":")).encode()
        self._new[key] = _checksum(key, packed) + packed
        for one in texts.keys() - self._texts.keys():
            self._hold(one, texts[one])
            self._new_texts[one] = compressed(texts[one])

    def _text(self, key: str) -> str:
        """Return a long text, which its key is the digest of. Raises Malformed where it is another one."""
        if key not in self._texts:
            kept = self._one("SELECT text FROM texts WHERE key = ?", key)
            text = decompressed(kept)
            if text_key(text) != key:
                raise Malformed(f"a long text is {shown(text)}, expected that of {key}")
            self._hold(key, text)
        return self._texts[key]

    def _hold(self, key: str, text: str) -> None:
        if len(self._texts) > MOST_TEXTS:
            self._texts.clear()
        self._texts[key] = text

    def _one(self, sql: str, key: bytes | str) -> Any:
        """Return the value of a key, None where there is none."""
        row = self._db.execute(sql, (key,)).fetchone() if self._db is not None else None
        return row[0] if row else None

    def _give_up(self, error: sqlite3.Error) -> None:
        """Keep nothing more in this process; a file that is damaged is removed, for the next one to begin anew."""
        if self._db is not None:
            self._db.close()
        self._db = None
        if self._file and not isinstance(error, sqlite3.OperationalError):
            _remove(self._file)


UNKEPT = Measured()


def edition(*more: str, root: Path = ROOT) -> str:
    """Return what names this program and all that it measures by: its source, its arithmetic and the processor's."""
    digest = hashlib.sha256(_source(root))
    facts = (platform.python_version(), np.__version__, metadata.version("mpmath"), host.facts()["processor"])
    digest.update(json.dumps([*facts, host.instructions(), *more]).encode())
    return digest.hexdigest()


@cache
def _source(root: Path) -> bytes:
    """Return the digest of all source by which answers are measured."""
    digest = hashlib.sha256()
    for package in MEASURE:
        for file in sorted((root / package).rglob("*.py")):
            text = file.read_bytes()
            digest.update(f"{file.relative_to(root)} {len(text)}\n".encode() + text)
    return digest.digest()


def _checksum(key: bytes, packed: bytes) -> bytes:
    return hashlib.blake2b(key + packed, digest_size=CHECKSUM).digest()


def _opened(file: Path) -> sqlite3.Connection | None:
    """Open the file, or make it; a damaged one is made anew. None where neither can be done."""
    with suppress(OSError):
        if file.stat().st_size > MOST_BYTES:
            _remove(file)
    for _ in range(2):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return _connected(file)
        except (OSError, sqlite3.OperationalError):  # where one may read alone, or nothing has room
            return None
        except sqlite3.Error:
            _remove(file)
    return None


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=WAIT_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        for table in TABLES:
            connection.execute(table)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _remove(file: Path) -> None:
    """Remove the file with what SQLite lays beside it, as far as one may."""
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        with suppress(OSError):
            file.with_name(name).unlink(missing_ok=True)
