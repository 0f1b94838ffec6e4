"""The formats of `xentbench export`: an object a result as they are read, or a whole run in one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO

from harness.files import runfile
from harness.model import Recorded
from harness.store.extras import load
from reports import export
from reports.ci import files


def _parquet(recorded: Recorded, to: BinaryIO) -> None:
    load("harness.files.parquet", "parquet", "--format parquet").write(recorded, to)


PACKED: Mapping[str, str] = {"run": "run.jsonl.gz", "parquet": "run.parquet"}  # and what such a file may be called
WHOLE: Mapping[str, Callable[[Recorded, BinaryIO], object]] = {
    "run": runfile.write,
    "parquet": _parquet,
    **files.WRITERS,
}
FORMATS = (*export.FORMATS, *WHOLE)
