"""A run as one Parquet file: what a run file holds, with the figures in typed columns for those who query files.

The header (format, version, the run, its environments, what was not run) is JSON in the file's own metadata. `facts` is
the whole outcome as JSON and is what is read back; the figures beside it (`max_ulp`, `seconds_median`, ...) say it
once more as floats, infinities, nans and signed zeros among them. Parquet ends with its footer, so a truncated file is
none; pages carry checksums, and the header, which is in no page, has its own beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from harness.files import fields
from harness.model import BudgetClass, Checked, Outcome, Recorded, Result, Score, Timing
from harness.store import NAMES, nouns, pack, typed
from harness.store.hints import Malformed
from harness.store.outcomes import named_texts
from harness.store.typed import LONG_TEXTS

HEADER, DIGEST = b"xentbench", b"xentbench.sha256"  # keys of the file's metadata
DICTIONARY = 1 << 28  # bytes of a column's distinct texts; beyond the default, 1 MiB, each is written again and again

GROUP = 8192  # results of a row group, which repeats the texts of another: few, where answers to a case come together
AT_ONCE = 1000  # results

OVER = tuple(f"over_{name}" for name in get_args(BudgetClass))
LONG = pa.dictionary(pa.int32(), pa.string())  # many results share a row
COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("case", "op", "params", "quantity", "family", "dtype")),
        *((name, pa.int64()) for name in ("rows", "classes", "seed")),
        *((name, pa.string()) for name in ("check", "framework", "answers", "name", "kind", "mode", "device")),
        *((name, pa.string()) for name in ("outcome", "judgement", "reason", "environment", "content")),
        *((name, pa.float64()) for name in ("max_ulp", "mean_ulp", "bias_ulp", *OVER)),
        ("budget_class", pa.string()),
        *((name, pa.float64()) for name in ("over_allowance", "seconds_median")),
        ("facts", pa.string()),
        *((f"worst_{name}", LONG) for name in LONG_TEXTS),
    ]
)
FIGURES = ("max_ulp", "mean_ulp", "bias_ulp", *OVER, "budget_class", "over_allowance")
READ = [name for name in COLUMNS.names if name not in {"case", *FIGURES, "seconds_median"}]


def write(whole: Recorded | fields.Part, to: BinaryIO) -> int:
    """Write a run, a row group at a time, and return the number of its results."""
    begun, results = fields.Part.of(whole)
    header = json.dumps(fields.header(begun), separators=(",", ":"), allow_nan=False).encode()
    schema = COLUMNS.with_metadata({HEADER: header, DIGEST: _digest(header)})
    settings = {"compression": "zstd", "dictionary_pagesize_limit": DICTIONARY, "write_page_checksum": True}
    count = 0
    with pq.ParquetWriter(to, schema, **settings) as file:
        while group := list(map(_row, islice(results, GROUP))):
            columns = [pa.array(values, one.type) for values, one in zip(zip(*group, strict=True), schema, strict=True)]
            file.write_table(pa.table(columns, schema))
            count += len(group)
    return count


def read(path: Path) -> Recorded:
    """Read a whole run. Raises StoreError for a file that is truncated, foreign or of a newer version."""
    begun, results = part(path)
    return replace(begun, results=list(results))


def part(path: Path) -> fields.Part:
    """Read the beginning of a run, and its results as they are asked for. Raises StoreError, as `read`, at either."""
    with _opened(path) as file:
        return fields.Part(_begun(file), _results(path))


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    with (
        fields.naming(path, "parquet", (pa.ArrowException,)),
        pq.ParquetFile(path, page_checksum_verification=True) as file,
    ):
        yield file


def _row(result: Result) -> tuple[object, ...]:
    """Return a result's values in the order of the columns."""
    outcome = result.outcome
    facts, texts = pack(outcome)
    worst = facts.get("worst") or {}
    return (
        *(str(result.case), *nouns.case_row(result.case), *nouns.target_row(result.target)),
        *(NAMES[type(outcome)], result.judgement, result.reason, result.environment, result.content),
        *_figures(outcome),
        json.dumps(facts, separators=(",", ":"), allow_nan=False),
        *(texts.get(worst.get(name, "")) for name in LONG_TEXTS),
    )


def _figures(outcome: Outcome) -> tuple[float | str | None, ...]:
    """Return what FIGURES and `seconds_median` hold; None where an outcome has no such thing."""
    match outcome:
        case Score():
            over = (outcome.over_bound.get(name) for name in get_args(BudgetClass))
            distance = (outcome.max_ulp, outcome.mean_ulp, outcome.bias_ulp)
            return (*distance, *over, outcome.budget_class, None, None)
        case Checked():
            return (*[None] * (len(FIGURES) - 1), outcome.over, None)
        case Timing(seconds) if seconds:
            return (*[None] * len(FIGURES), median(seconds))
    return (None,) * (len(FIGURES) + 1)


def _digest(header: bytes) -> bytes:
    return hashlib.sha256(header).hexdigest().encode()


def _begun(file: pq.ParquetFile) -> Recorded:
    metadata = file.metadata.metadata or {}
    header = metadata.get(HEADER, b"{}")
    begun = fields.begun(json.loads(header))
    if metadata.get(DIGEST) != _digest(header):
        raise Malformed("damaged header")
    if absent := [name for name in READ if name not in file.schema_arrow.names]:
        raise Malformed(f"there is no column {', '.join(absent)}")
    if file.metadata.num_rows > fields.MOST_RESULTS:
        raise Malformed(f"{file.metadata.num_rows} results, expected {fields.MOST_RESULTS} at most")
    return begun


def _results(path: Path) -> Iterator[Result]:
    count = 0
    with _opened(path) as file:
        for group in range(file.num_row_groups):  # one by one: over several, Arrow holds what each of them had
            for batch in file.iter_batches(AT_ONCE, row_groups=[group], columns=READ):
                columns = [_values(batch.column(name)) for name in READ]
                for row in zip(*columns, strict=True):
                    count += 1
                    yield _result(dict(zip(READ, row, strict=True)))
        if count != file.metadata.num_rows:  # the footer has no checksum
            raise Malformed(f"{count} results, expected {file.metadata.num_rows}")


def _values(column: pa.Array) -> list[Any]:
    """Return a column's values; a long text that many rows share is made once."""
    if not pa.types.is_dictionary(column.type):
        return column.to_pylist()
    texts, places = column.dictionary.to_pylist(), column.indices.to_pylist()
    return [None if place is None else texts[place] for place in places]


def _result(row: dict[str, Any]) -> Result:
    facts = nouns.json_of(row.pop("facts"))
    keys = list(named_texts([facts]))
    texts = dict(
        zip(keys, map(typed.row, filter(None, [row.pop(f"worst_{name}") for name in LONG_TEXTS])), strict=True)
    )
    case = {name: row.pop(name) for name in nouns.CASE_COLUMNS}
    case["options"] = nouns.json_of(case.pop("params"))
    target = {name: row.pop("answers" if name == "op" else name) for name in nouns.TARGET_COLUMNS}
    return fields.result({**row, "case": case, "target": target, "facts": facts}, texts)
