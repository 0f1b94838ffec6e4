"""Find the run that a user names: by id, `latest~1`, a run file, a store, or one run of another store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.files import merge
from harness.model import Recorded, Result
from harness.store import Location, Store, StoreError
from harness.store.alike import shared
from harness.store.reading import never, without_worst

SUFFIXES = (".gz", ".parquet", ".sqlite", ".db")  # of what is surely meant as a file


def recall(reference: str, store: Location | Path, beside: Sequence[Result] = ()) -> Recorded:
    """Return the run that `reference` means: a file's, `STORE@RUN`, or one of the store. Raises StoreError.

    It is meant to be compared, so its results have no worst elements. beside: of the run to be compared with; what is
    the same there is held once.
    """
    beginning, _, uid = reference.rpartition("@")
    if (url := Location.of(reference)).is_url:
        named = Location.of(beginning)  # a second @, which no URL has, and behind a database: what follows is a run
        is_run = url.unreadable and named.text.count("/") > 2 and "/" not in uid
        return _stored(named, uid, beside) if is_run else _stored(url, "latest", beside)
    if Path(reference).is_file():
        return _of_file(Path(reference), "latest", beside)
    if beginning and Path(beginning).is_file():
        return _of_file(Path(beginning), uid, beside)
    for path in filter(None, (reference, beginning)):
        if Path(path).is_dir():
            raise StoreError(f"file is {path} (a folder), expected a run file, a store, or a run of {store}")
    if "/" in reference or reference.endswith(SUFFIXES):
        raise StoreError(f"file {reference} is not there, expected a run file, a store, or a run of {store}")
    return _stored(store, reference, beside)


def existing(location: Location | Path) -> Store:
    """Open a store that must be there: reading makes none."""
    return Store(location, make=False)


def recalled(references: Sequence[str], store: Location | Path) -> list[Recorded]:
    """Return several runs, each to be compared with the one before it; see `recall`."""
    found: list[Recorded] = []
    for reference in references:
        found.append(recall(reference, store, found[-1].results if found else ()))
    return found


def _of_file(file: Path, uid: str, beside: Sequence[Result]) -> Recorded:
    form = merge.kind(file)
    if form == "store":
        return _stored(file, uid, beside)
    begun, results = merge.part_of(file, form)
    return replace(begun, results=list(shared(map(without_worst, results), beside)))


def _stored(location: Location | Path, uid: str, beside: Sequence[Result]) -> Recorded:
    with existing(location) as opened:
        return opened.recorded(uid, never, beside)
