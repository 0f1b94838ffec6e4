"""Runs from elsewhere into a store: run files and other stores, one transaction a file, nothing doubled.

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
from urllib.parse import quote

from harness import runfile
from harness.model import Recorded, Result
from harness.store import Store, StoreError, pack

SQLITE = b"SQLite format 3\0"  # how every database begins


@dataclass(frozen=True)
class Merged:
    """What became of a run: results added, there already, and there but different."""

    uid: str
    added: int
    present: int
    differing: int


def merge(store: Store, file: Path) -> list[Merged]:
    """Merge every run of a file into a store, all or nothing.

    Raises StoreError for a file that is neither a run file nor a store of this version or an older one, and for a run
    that is here already with another preset.
    """
    try:
        with store.transaction():
            return [_merge(store, recorded) for recorded in runs(file)]
    except (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
        raise StoreError(f"file is {file} ({error}), expected fields of the types that a store takes") from error


def runs(file: Path) -> Iterator[Recorded]:
    """Yield the runs of a run file or a store, oldest first; the file stays as it is. Raises StoreError as `merge`."""
    if kind(file) == "store":
        yield from _stored(file)
    else:
        yield runfile.read(file)


def kind(file: Path) -> Literal["store", "run file"]:
    """Tell by its first bytes what a file is. Raises StoreError where it is neither."""
    try:
        with file.open("rb") as opened:
            beginning = opened.read(len(SQLITE))
    except OSError as error:
        raise StoreError(f"file is {file} ({error.strerror}), expected a run file or a store") from error
    if beginning == SQLITE:
        return "store"
    if beginning.startswith(runfile.MAGIC):
        return "run file"
    raise StoreError(
        f"file is {file} (neither gzip nor SQLite), expected a run file or a store; try: xentbench export --format run"
    )


def _stored(file: Path) -> Iterator[Recorded]:
    """Yield the runs of a copy, which may be migrated where the store itself may not."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "results.sqlite"
        try:
            with (
                closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
            with Store(copy) as store:
                for run in store.runs():
                    yield store.recorded(run.uid)
        except (sqlite3.DatabaseError, StoreError) as error:
            why = error.__cause__ or error
            raise StoreError(f"store is {file} ({why}), expected a results store of this program") from error


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
    of = result.target.implementation
    return (str(result.case), result.content, of.framework, of.op, of.name, result.target.mode, result.target.device)


def _alike(one: Result, other: Result) -> bool:
    """Tell whether two answers are the same; packed where they seem not to be, because a nan equals none."""
    if (one.judgement, one.environment) != (other.judgement, other.environment):
        return False
    return one.outcome == other.outcome or pack(one.outcome) == pack(other.outcome)
