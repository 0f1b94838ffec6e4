"""The fields of a run file, the same in every format: a header, and each result by the names of the nouns.

No number of one store is in it, so that any store takes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from harness.model import NotRun, Recorded, Result, Run
from harness.store import NAMES, StoreError, nouns, unpack
from harness.store.hints import Malformed, shown
from harness.store.typed import made, read

FORMAT = "xentbench run"
VERSION = 1
SHARD = re.compile(r"\d{1,4}/[1-9]\d{0,3}", re.ASCII)


MOST_RESULTS = 1 << 24  # of a file; a full run has 412 380
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00", re.ASCII)  # UTC, ISO 8601


class Part(NamedTuple):
    """A run of a file or of a store, its results still to be read: `begun` has none, and they come once."""

    begun: Recorded
    results: Iterator[Result]

    @classmethod
    def of(cls, whole: Recorded | Part) -> Part:
        """Return a run, of which all may be at hand, as one that is read."""
        return whole if isinstance(whole, Part) else cls(whole, iter(whole.results))


def refused(path: Path, why: str, form: str) -> StoreError:
    """Return the error of a file that is no whole run file of this version."""
    return StoreError(
        f"run file is {path} ({why}), expected a whole run file, version {VERSION}; "
        f"try: xentbench export --format {form}, once more"
    )


@contextmanager
def naming(path: Path, form: str, damaged: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Say of a file, in one line, what is off in it. damaged: what its packing raises where it is not whole."""
    try:
        yield
    except StoreError:
        raise
    except Malformed as error:
        raise refused(path, str(error), form) from error
    except damaged as error:
        raise refused(path, f"truncated or damaged: {error}", form) from error
    except OSError as error:
        raise refused(path, error.strerror or str(error), form) from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError, MemoryError) as error:
        why = f"not as written by this program: {type(error).__name__}: {error}"
        raise refused(path, why, form) from error


def header(recorded: Recorded) -> dict[str, Any]:
    """Return all of a run but its results."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": _run(recorded.run),
        "environments": {key: dict(facts) for key, facts in recorded.environments.items()},
        "not_run": [asdict(entry) for entry in recorded.not_run],
        **({"notes": list(recorded.run.notes)} if recorded.run.notes else {}),  # older programs pass over it here
    }


def _run(run: Run) -> dict[str, Any]:
    """Return the fields of a run; those of one asked as a whole are read by older programs too."""
    return {name: value for name, value in asdict(run).items() if name != "notes" and (name != "shards" or value)}


def begun(header: Any) -> Recorded:
    """Return the run of a header, without results. Raises Malformed for one of another program or a newer version."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise Malformed("another program's file")
    if type(header.get("version")) is not int or header["version"] != VERSION:
        raise Malformed(f"version {shown(header.get('version'))}, this program reads {VERSION}")
    notes = read(tuple[str, ...], "notes", header.get("notes", []))
    run = replace(made(Run, header.get("run")), notes=notes)
    environments = read(Mapping[str, Mapping[str, str]], "environments", header.get("environments"))
    return foreign(Recorded(run, environments, [made(NotRun, entry) for entry in header["not_run"]], ()))


def foreign(begun: Recorded) -> Recorded:
    """Return a run from elsewhere that can be named and ordered like one's own. Raises Malformed for another."""
    run = begun.run
    if not nouns.UID.fullmatch(run.uid):
        raise Malformed(
            f"a run's id is {shown(run.uid)}, expected letters, digits, dots, hyphens, underscores, 80 at most"
        )
    for what, time in (("started", run.started), ("finished", run.finished)):
        if time is not None and not _is_time(time):
            raise Malformed(f"{what} is {shown(time)}, expected UTC as 2026-01-31T12:00:00+00:00")
    if odd := [shard for shard in run.shards if not SHARD.fullmatch(shard)]:
        raise Malformed(f"a part of the run is {shown(odd[0])}, expected i/n")
    return begun


def _is_time(text: str) -> bool:
    try:
        return bool(TIME.fullmatch(text)) and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def fields(result: Result) -> dict[str, Any]:
    """Return a result's fields but for its outcome's own."""
    return {
        "case": nouns.case_fields(result.case),
        "target": nouns.target_fields(result.target),
        "judgement": result.judgement,
        "reason": result.reason,
        "environment": result.environment,
        "content": result.content,
        "outcome": NAMES[type(result.outcome)],
    }


def result(line: Mapping[str, Any], texts: Mapping[str, str]) -> Result:
    """Return the result of `fields`, with the `facts` of its outcome. Raises Malformed for one that no store takes."""
    said = {name: line.get(name) for name in ("judgement", "reason", "environment", "content")}
    case, target = nouns.case_of(line.get("case")), nouns.target_of(line.get("target"))
    return made(
        Result, said | {"case": case, "target": target, "outcome": unpack(line["outcome"], line.get("facts"), texts)}
    )
