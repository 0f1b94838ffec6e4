"""A run as one file, for another machine's store: gzipped JSON Lines.

A header (format, version, the run, its environments, what was not run); a line a result, each long text on a line of
its own before the first result that names it; an end with the number of results, so that a file that was written by
halves is known. No number of one store is in it, and the same run makes the same bytes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, get_args

from harness.model import (
    DTYPES,
    KINDS,
    QUANTITIES,
    Case,
    Implementation,
    Judgement,
    NotRun,
    Op,
    Recorded,
    Result,
    Run,
    Target,
)
from harness.store import NAMES, OUTCOMES, StoreError, pack, unpack

FORMAT = "xentbench run"
VERSION = 1
MAGIC = b"\x1f\x8b"  # of gzip, RFC 1952
LEVEL = 6  # level 9 takes three times as long for 1 to 3 % less


class Malformed(ValueError):  # noqa: N818 - said of a file, as in reference.vectors
    """A line that is not as expected."""


def write(recorded: Recorded, to: BinaryIO) -> int:
    """Write a run and return the number of its results."""
    count = 0
    with gzip.GzipFile(fileobj=to, mode="wb", compresslevel=LEVEL, filename="", mtime=0) as packed:
        packed.write(_line(_header(recorded)))
        written: set[str] = set()
        for count, result in enumerate(recorded.results, 1):  # noqa: B007 - counted for the end
            facts, texts = pack(result.outcome)
            for key in texts:
                if key not in written:
                    packed.write(_line({"text": key, "is": zlib.decompress(texts[key]).decode()}))
            written |= texts.keys()
            packed.write(_line(_fields(result) | {"facts": json.loads(facts)}))
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
    raise StoreError(
        f"run file is {path} ({why}), expected a whole run file, version {VERSION}; "
        "try: xentbench export --format run, once more"
    )


def _read(lines: Iterator[dict[str, Any]]) -> Recorded:
    header = next(lines, {})
    if header.get("format") != FORMAT:
        raise Malformed("another program's file")
    if header["version"] != VERSION:
        raise Malformed(f"version {header['version']}, this program reads {VERSION}")
    run = Run(**header["run"] | {"host": dict(header["run"]["host"])})
    if not all(isinstance(word, str) for word in (run.uid, run.started, run.command, run.preset)):
        raise Malformed("a run's id is no text")
    environments = {key: dict(facts) for key, facts in header["environments"].items()}
    not_run = [NotRun(**entry) for entry in header["not_run"]]
    texts: dict[str, str] = {}
    results: list[Result] = []
    for line in lines:
        if "text" in line:
            texts[line["text"]] = line["is"]
        elif "end" in line:
            if line["end"] != len(results) or next(lines, None) is not None:
                raise Malformed(f"{len(results)} results and what follows them, expected {line['end']} and the end")
            return Recorded(run, environments, not_run, results)
        else:
            results.append(_result(line, texts))
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


def _header(recorded: Recorded) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": asdict(recorded.run),
        "environments": {key: dict(facts) for key, facts in recorded.environments.items()},
        "not_run": [asdict(entry) for entry in recorded.not_run],
    }


def _fields(result: Result) -> dict[str, Any]:
    """Return a result's fields but for its outcome's."""
    case, target = result.case, result.target
    return {
        "case": vars(case) | {"op": case.op.name, "options": case.op.options},
        "target": vars(target.implementation) | {"mode": target.mode, "device": target.device},
        "judgement": result.judgement,
        "reason": result.reason,
        "environment": result.environment,
        "content": result.content,
        "outcome": NAMES[type(result.outcome)],
    }


def _result(line: Mapping[str, Any], texts: Mapping[str, str]) -> Result:
    drawn, of = dict(line["case"]), dict(line["target"])
    case = Case(op=Op.of(drawn.pop("op"), **drawn.pop("options")), **drawn)
    target = Target(mode=of.pop("mode"), device=of.pop("device"), implementation=Implementation(**of))
    for what, word, known in (
        ("quantity", case.quantity, QUANTITIES),
        ("dtype", case.dtype, DTYPES),
        ("kind", target.implementation.kind, KINDS),
        ("judgement", line["judgement"], get_args(Judgement)),
        ("outcome", line["outcome"], OUTCOMES),
    ):
        if word not in known:
            raise Malformed(f"{what} is {word!r}, expected one of {', '.join(known)}")
    outcome = unpack(line["outcome"], json.dumps(line["facts"]), texts)
    return Result(case, target, outcome, line["judgement"], line["reason"], line["environment"], line["content"])
