"""Merge runs of run files and other stores into a store: one transaction each, no result twice.

What a store holds of a run is never overwritten by another machine's word: a result that is there stays, and one that
differs from it is counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from harness.files import runfile
from harness.model import Recorded, Result
from harness.store import Location, Store, StoreError, Unfit, nouns, pack
from harness.store.extras import load
from harness.store.sqlite import only_readable

FileKind = Literal["store", "run file", "Parquet file"]
BEGINNINGS: dict[bytes, FileKind] = {  # of every file of a kind
    b"SQLite format 3\0": "store",
    runfile.MAGIC: "run file",
    b"PAR1": "Parquet file",
}


@dataclass(frozen=True)
class Merged:
    """What became of a run: results added, there already, and there but different."""

    uid: str
    added: int
    present: int
    differing: int


def merge(store: Store, source: Location | Path) -> list[Merged]:
    """Merge every run of a file, or of a store, into a store, all or nothing.

    Raises StoreError for a file that is neither a run file nor a store of this version or an older one, and for a run
    that is here already with another preset.
    """
    try:
        with store.transaction():
            return [_merge(store, recorded) for recorded in runs(source)]
    except Unfit as error:
        raise StoreError(f"file is {source} ({error}), expected fields of the types that a store takes") from error


def runs(source: Location | Path) -> Iterator[Recorded]:
    """Yield the runs of a run file or a store, oldest first; a file stays as it is. Raises StoreError as `merge`."""
    location = Location.of(source)
    if location.is_url:
        yield from _every(location)
    elif (form := kind(Path(location.text))) == "store":
        yield from _copied(Path(location.text))
    else:
        yield run_of(Path(location.text), form)


def kind(file: Path) -> FileKind:
    """Tell by its first bytes what a file is. Raises StoreError where it is none of ours."""
    if file.is_dir():
        raise StoreError(f"file is {file} (a folder), expected a run file or a store")
    try:
        with file.open("rb") as opened:
            beginning = opened.read(max(map(len, BEGINNINGS)))
    except OSError as error:
        raise StoreError(f"file is {file} ({error.strerror}), expected a run file or a store") from error
    if not beginning:
        raise StoreError(f"file is {file} (an empty file), expected a run file or a store")
    for begins, form in BEGINNINGS.items():
        if beginning.startswith(begins):
            return form
    raise StoreError(
        f"file is {file} (neither gzip, Parquet nor SQLite), expected a run file or a store; "
        "try: xentbench export --format run"
    )


def run_of(file: Path, form: FileKind) -> Recorded:
    """Read the run of a run file. Raises StoreError where it is not whole, or where its form needs a package."""
    if form == "run file":
        return runfile.read(file)
    parquet = load("harness.files.parquet", "parquet", f"file {file}")
    recorded: Recorded = parquet.read(file)
    return recorded


def _copied(file: Path) -> Iterator[Recorded]:
    """Yield the runs of a copy, which may be migrated where the store itself may not."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "results.sqlite"
        try:
            with closing(only_readable(file)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            yield from _every(Location.of(copy))
        except sqlite3.Error as error:
            raise StoreError(f"store is {file} ({error}), expected a results store of this program") from error
        except StoreError as error:
            raise StoreError(str(error).replace(str(copy), str(file))) from error


def _every(location: Location) -> Iterator[Recorded]:
    with Store(location, make=False) as store:
        for run in store.runs():
            yield store.recorded(run.uid)


def _merge(store: Store, recorded: Recorded) -> Merged:
    uid = recorded.run.uid
    store.join(recorded.run)
    for key, facts in recorded.environments.items():
        if store.add_environment(facts) != key:
            raise StoreError(f"environment {key} of run {uid} is not the one of its facts, expected an unedited file")
    for entry in recorded.not_run:
        store.add_not_run(uid, entry)
    here = {_question(result): result for result in store.results(uid)}
    new = [result for result in recorded.results if _question(result) not in here]
    known = [result for result in recorded.results if _question(result) in here]
    differing = sum(not _alike(result, here[_question(result)]) for result in known)
    store.append(uid, new)
    return Merged(uid, len(new), len(known) - differing, differing)


def _question(result: Result) -> tuple[str, ...]:
    framework, op, name, _, mode, device = nouns.target_row(result.target)
    return (str(result.case), result.content, framework, op, name, mode, device)


def _alike(one: Result, other: Result) -> bool:
    """Tell whether two answers are the same; packed where they seem not to be, because a nan equals none."""
    if (one.judgement, one.environment) != (other.judgement, other.environment):
        return False
    return one.outcome == other.outcome or pack(one.outcome) == pack(other.outcome)
