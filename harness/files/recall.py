"""Find the run that a user names: by id, `latest~1`, a run file, a store, or one run of another store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.files import merge
from harness.model import Recorded
from harness.store import Location, Store, StoreError
from harness.store.reading import never, without_worst

SUFFIXES = (".gz", ".parquet", ".sqlite", ".db")  # of what is surely meant as a file


def recall(reference: str, store: Location | Path) -> Recorded:
    """Return the run that `reference` means: a file's, `STORE@RUN`, or one of the store. Raises StoreError.

    It is meant to be compared, so its results have no worst elements.
    """
    beginning, _, uid = reference.rpartition("@")
    if (url := Location.of(reference)).is_url:
        named = Location.of(beginning)  # a second @, which no URL has, and behind a database: what follows is a run
        is_run = url.unreadable and named.text.count("/") > 2 and "/" not in uid
        return _stored(named, uid) if is_run else _stored(url, "latest")
    if Path(reference).is_file():
        return _of_file(Path(reference), "latest")
    if beginning and Path(beginning).is_file():
        return _of_file(Path(beginning), uid)
    for path in filter(None, (reference, beginning)):
        if Path(path).is_dir():
            raise StoreError(f"file is {path} (a folder), expected a run file, a store, or a run of {store}")
    if "/" in reference or reference.endswith(SUFFIXES):
        raise StoreError(f"file {reference} is not there, expected a run file, a store, or a run of {store}")
    return _stored(store, reference)


def existing(location: Location | Path) -> Store:
    """Open a store that must be there: reading makes none."""
    return Store(location, make=False)


def _of_file(file: Path, uid: str) -> Recorded:
    form = merge.kind(file)
    if form == "store":
        return _stored(file, uid)
    begun, results = merge.part_of(file, form)
    return replace(begun, results=list(map(without_worst, results)))


def _stored(location: Location | Path, uid: str) -> Recorded:
    with existing(location) as opened:
        return opened.recorded(uid, never)
