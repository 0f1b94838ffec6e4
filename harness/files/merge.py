"""Merge runs of run files and other stores into a store: one transaction each, no result twice.

What a store holds of a run is never overwritten by another machine's word: a result that is there stays, and one that
differs from it is counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from harness.files import fields, runfile
from harness.files.fields import Part
from harness.model import Recorded, Result
from harness.store import Location, Store, StoreError, Unfit, nouns, pack
from harness.store.extras import load
from harness.store.hints import Malformed, shown
from harness.store.reading import CHUNK

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
            return [_merge(store, *part) for part in runs(source)]
    except Malformed as error:
        raise StoreError(f"file is {source} ({error}), expected runs as this program exports them") from error
    except Unfit as error:
        raise StoreError(f"file is {source} ({error}), expected fields of the types that a store takes") from error


def runs(source: Location | Path) -> Iterator[Part]:
    """Yield the runs of a run file or a store, oldest first; a file stays as it is. Raises StoreError as `merge`."""
    location = Location.of(source)
    if location.is_url or (form := kind(Path(location.text))) == "store":
        with Store(location, make=False) as store:
            for run in store.runs():
                yield Part(store.begun(run.uid), store.results(run.uid))
    else:
        yield part_of(Path(location.text), form)


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


def part_of(file: Path, form: FileKind) -> Part:
    """Read the run of a run file. Raises StoreError where it is not whole, or where its form needs a package."""
    if form == "run file":
        return runfile.part(file)
    parquet = load("harness.files.parquet", "parquet", f"file {file}")
    part: Part = parquet.part(file)
    return part


def _merge(store: Store, begun: Recorded, results: Iterator[Result]) -> Merged:
    uid = fields.foreign(begun).run.uid
    store.join(begun.run)
    for key, facts in begun.environments.items():
        if store.add_environment(facts) != key:
            raise StoreError(
                f"environment {shown(key)} of run {uid} is not the one of its facts, expected an unedited file"
            )
    for entry in begun.not_run:
        store.add_not_run(uid, entry)
    here = {_question(result): _answer(result) for result in store.results(uid)}
    came: set[bytes] = set()
    added = present = 0
    while chunk := list(islice(results, CHUNK)):
        new = []
        for result in chunk:
            if (question := _question(result)) in came:
                raise Malformed(f"{shown(f'{result.case} {result.target}')} is answered twice")
            if result.environment and result.environment not in begun.environments:
                raise Malformed(f"environment {shown(result.environment)} of an answer is not there")
            came.add(question)
            if question not in here:
                new.append(result)
            else:
                present += here[question] == _answer(result)
        store.append(uid, new)
        added += len(new)
    return Merged(uid, added, present, len(came) - added - present)


def _question(result: Result) -> bytes:
    """Return a digest of what was asked: of a full run's questions, the digests alone are held."""
    framework, op, name, _, mode, device = nouns.target_row(result.target)
    return _digest((str(result.case), result.content, framework, op, name, mode, device))


def _answer(result: Result) -> bytes:
    """Return a digest of what came back; packed, because a nan equals none."""
    return _digest((result.judgement, result.environment, pack(result.outcome)))


def _digest(what: object) -> bytes:
    return hashlib.blake2b(json.dumps(what).encode(), digest_size=16).digest()
