"""The fields of a run file, the same in every format: a header, and each result by the names of the nouns.

No number of one store is in it, so that any store takes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from harness.model import (
    DTYPES,
    KINDS,
    QUANTITIES,
    Judgement,
    NotRun,
    Recorded,
    Result,
    Run,
)
from harness.store import NAMES, OUTCOMES, StoreError, nouns, unpack

FORMAT = "xentbench run"
VERSION = 1
SHARD = re.compile(r"\d{1,4}/[1-9]\d{0,3}", re.ASCII)


class Malformed(ValueError):  # noqa: N818 - said of a file, as in reference.vectors
    """A part of a run file that is not as expected."""


def refused(path: Path, why: str, form: str) -> StoreError:
    """Return the error of a file that is no whole run file of this version."""
    return StoreError(
        f"run file is {path} ({why}), expected a whole run file, version {VERSION}; "
        f"try: xentbench export --format {form}, once more"
    )


def header(recorded: Recorded) -> dict[str, Any]:
    """Return all of a run but its results."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": _run(recorded.run),
        "environments": {key: dict(facts) for key, facts in recorded.environments.items()},
        "not_run": [asdict(entry) for entry in recorded.not_run],
    }


def _run(run: Run) -> dict[str, Any]:
    """Return the fields of a run; those of one asked as a whole are read by older programs too."""
    return {name: value for name, value in asdict(run).items() if name != "shards" or value}


def begun(header: Mapping[str, Any]) -> Recorded:
    """Return the run of a header, without results. Raises Malformed for one of another program or a newer version."""
    if header.get("format") != FORMAT:
        raise Malformed("another program's file")
    if header["version"] != VERSION:
        raise Malformed(f"version {header['version']}, this program reads {VERSION}")
    said = header["run"]
    run = Run(**said | {"host": dict(said["host"]), "shards": tuple(said.get("shards", ()))})
    if not all(isinstance(word, str) for word in (run.uid, run.started, run.command, run.preset, *run.shards)):
        raise Malformed("a run's id is no text")
    if odd := [shard for shard in run.shards if not SHARD.fullmatch(shard)]:
        raise Malformed(f"a part of the run is {odd[0]!r}, expected i/n")
    environments = {key: dict(facts) for key, facts in header["environments"].items()}
    return Recorded(run, environments, [NotRun(**entry) for entry in header["not_run"]], [])


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
    case, target = nouns.case_of(line["case"]), nouns.target_of(line["target"])
    for what, word, known in (
        ("quantity", case.quantity, QUANTITIES),
        ("dtype", case.dtype, DTYPES),
        ("kind", target.implementation.kind, KINDS),
        ("judgement", line["judgement"], get_args(Judgement)),
        ("outcome", line["outcome"], OUTCOMES),
    ):
        if word not in known:
            raise Malformed(f"{what} is {word!r}, expected one of {', '.join(known)}")
    outcome = unpack(line["outcome"], line["facts"], texts)
    said = (line["reason"], line["environment"], line["content"])
    for word in (case.family, case.check, *nouns.target_row(target), *said):
        if not isinstance(word, str):
            raise Malformed(f"a word is {word!r}, expected a text")
    for number in (case.rows, case.classes, case.seed):
        if type(number) is not int or abs(number) >= 1 << 63:
            raise Malformed(f"a number is {number!r}, expected a whole one of 64 bits")
    return Result(case, target, outcome, line["judgement"], *said)
