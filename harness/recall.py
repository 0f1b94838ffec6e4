"""A run by what a user calls it: an id, `latest~1`, a run file, a store, or one run of another store."""

from __future__ import annotations

from pathlib import Path

from harness import merge, runfile
from harness.model import Recorded
from harness.store import Store, StoreError

SUFFIXES = (".gz", ".sqlite", ".db")  # of what is surely meant as a file


def recall(reference: str, store: Path) -> Recorded:
    """Return the run that `reference` means: a file's, `FILE@RUN`, or one of the store. Raises StoreError."""
    file, _, uid = reference.rpartition("@")
    if Path(reference).is_file():
        return _of_file(Path(reference), "latest")
    if file and Path(file).is_file():
        return _of_file(Path(file), uid)
    if "/" in reference or reference.endswith(SUFFIXES):
        raise StoreError(f"file {reference} is not there, expected a run file, a store, or a run of {store}")
    with existing(store) as opened:
        return opened.recorded(reference)


def existing(path: Path) -> Store:
    """Open a store that must be there: reading makes none."""
    if not path.is_file():
        raise StoreError(f"store {path} is not there, expected the results of a run; try: xentbench run")
    return Store(path)


def _of_file(file: Path, uid: str) -> Recorded:
    if merge.kind(file) == "run file":
        return runfile.read(file)
    with Store(file) as opened:
        return opened.recorded(uid)
