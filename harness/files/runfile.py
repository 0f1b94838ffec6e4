"""A run as one file, for another machine's store: gzipped JSON Lines.

A header (format, version, the run, its environments, what was not run); a line a result, each long text on a line of
its own before the first result that names it; an end with the number of results, so that a file that was written by
halves is known. The same run makes the same bytes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from harness.files import fields as exchange
from harness.files.fields import Malformed
from harness.model import Recorded, Result
from harness.store import pack

MAGIC = b"\x1f\x8b"  # of gzip, RFC 1952
LEVEL = 6  # level 9 takes three times as long for 1 to 3 % less


def write(recorded: Recorded, to: BinaryIO) -> int:
    """Write a run and return the number of its results."""
    count = 0
    with gzip.GzipFile(fileobj=to, mode="wb", compresslevel=LEVEL, filename="", mtime=0) as packed:
        packed.write(_line(exchange.header(recorded)))
        written: set[str] = set()
        for count, result in enumerate(recorded.results, 1):  # noqa: B007 - counted for the end
            facts, texts = pack(result.outcome)
            for key in texts:
                if key not in written:
                    packed.write(_line({"text": key, "is": texts[key]}))
            written |= texts.keys()
            packed.write(_line(exchange.fields(result) | {"facts": facts}))
        packed.write(_line({"end": count}))
    return count


def read(path: Path) -> Recorded:
    """Read a whole run. Raises StoreError for a file that is truncated, foreign or of a newer version."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return _read(map(_object, lines))
    except Malformed as error:
        why = str(error)
    except (gzip.BadGzipFile, UnicodeDecodeError):
        why = "no gzipped text"
    except (EOFError, zlib.error):
        why = "truncated or damaged"
    except OSError as error:
        why = error.strerror or str(error)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"a line is not as written by this program: {error}"
    raise exchange.refused(path, why, "run")


def _read(lines: Iterator[dict[str, Any]]) -> Recorded:
    begun = exchange.begun(next(lines, {}))
    texts: dict[str, str] = {}
    results: list[Result] = []
    for line in lines:
        if "text" in line:
            texts[line["text"]] = line["is"]
        elif "end" in line:
            if line["end"] != len(results) or next(lines, None) is not None:
                raise Malformed(f"{len(results)} results and what follows them, expected {line['end']} and the end")
            return replace(begun, results=results)
        else:
            results.append(exchange.result(line, texts))
    raise Malformed("truncated")


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise Malformed("a line is no JSON") from error
    if not isinstance(found, dict):
        raise Malformed("a line is no JSON object")
    return found
