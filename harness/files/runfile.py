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
from harness.files.texts import Texts
from harness.model import Recorded, Result
from harness.store import pack
from harness.store.hints import Malformed
from harness.store.typed import row

MAGIC = b"\x1f\x8b"  # of gzip, RFC 1952
DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error)
LONGEST_LINE = 1 << 25  # bytes: of a long text, and what is round it
MOST_PACKED = 200  # times that a file grows when it is unpacked; 5 to 20 is usual
MOST_HELD = 1 << 32  # characters of all long texts, which lie on the disk meanwhile; a full run has about 2^30
LEVEL = 6  # level 9 takes three times as long for 1 to 3 % less


def write(whole: Recorded | exchange.Part, to: BinaryIO) -> int:
    """Write a run, result by result, and return the number of its results."""
    count, (begun, results) = 0, exchange.Part.of(whole)
    with gzip.GzipFile(fileobj=to, mode="wb", compresslevel=LEVEL, filename="", mtime=0) as packed:
        packed.write(_line(exchange.header(begun)))
        written: set[str] = set()
        for count, result in enumerate(results, 1):  # noqa: B007 - counted for the end
            facts, texts = pack(result.outcome)
            for key in texts:
                if key not in written:
                    packed.write(_line({"text": key, "is": texts[key]}))
            written.update(texts)
            packed.write(_line(exchange.fields(result) | {"facts": facts}))
        packed.write(_line({"end": count}))
    return count


def read(path: Path) -> Recorded:
    """Read a whole run. Raises StoreError for a file that is truncated, foreign or of a newer version."""
    begun, results = part(path)
    return replace(begun, results=list(results))


def part(path: Path) -> exchange.Part:
    """Read the beginning of a run, and its results as they are asked for. Raises StoreError, as `read`, at either."""
    lines = _lines(path)
    with exchange.naming(path, "run"):
        return exchange.Part(exchange.begun(next(lines, {})), _results(path, lines))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file's lines, none of them longer than any that this program writes."""
    with exchange.naming(path, "run", DAMAGED), gzip.open(path, "rb") as lines:
        size, packed = 0, path.stat().st_size
        while line := lines.readline(LONGEST_LINE + 1):
            size += len(line)
            if len(line) > LONGEST_LINE or size > LONGEST_LINE + MOST_PACKED * packed:
                raise Malformed("it unpacks to far more than this program packs")
            yield _object(line)


def _results(path: Path, lines: Iterator[dict[str, Any]]) -> Iterator[Result]:
    count = 0
    with exchange.naming(path, "run"), Texts() as texts:
        for line in lines:
            if "text" in line:
                key, text = line["text"], line.get("is")
                if not isinstance(key, str) or not isinstance(text, str):
                    raise Malformed("a long text is none")
                texts.add(key, row(text))
                if texts.characters > MOST_HELD:
                    raise Malformed(f"its long texts have more than {MOST_HELD} characters")
            elif "end" in line:
                if type(line["end"]) is not int or line["end"] != count or next(lines, None) is not None:
                    raise Malformed(f"{count} results and what follows them, expected {line['end']} and the end")
                return
            else:
                count += 1
                yield exchange.result(line, texts)
        raise Malformed("truncated")


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed(f"a line is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Malformed("a line is no JSON object")
    return found
