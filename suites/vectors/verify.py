"""Check test vectors: recompute every answer by a witness, every flag, id and note by the rules that made them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from harness import spelling
from harness.model import Source
from harness.ops import OPS
from reference import limits
from reference.vectors import FOLDER, File, Malformed, Vector, read, truth
from reference.vectors.truth import Mismatch, Witness
from suites.questions import families
from suites.vectors import choice, flags
from suites.vectors.choice import ORIGINS, Chosen

WITNESSES = ("mpmath", "arb")


@dataclass
class Findings:
    """What the check of a file found."""

    tests: int = 0
    values: int = 0
    enclosed: int = 0  # values that the witness could enclose, but not round
    problems: list[str] = field(default_factory=list)


def witness(name: str) -> Witness:
    """Return how a witness checks. Raises ValueError for an unknown one, or one that is not installed."""
    if spelling.choice("--witness", name, WITNESSES) == "mpmath":
        return truth.by_arbiter
    if importlib.util.find_spec("flint") is None:
        raise ValueError(
            "python-flint is not installed, expected for --witness arb; try: pip install xentbench[witness]"
        )
    by_arb: Witness = import_module("reference.vectors.second").by_arb
    return by_arb


def check(path: Path, ask: Witness) -> Findings:
    """Check one file: form, then every test, then the hash, so that a damaged test is named before it."""
    findings = Findings()
    try:
        file = read(path)
    except OSError as error:
        raise ValueError(
            f"file is {path} ({error.strerror}), expected test vectors; try: xentbench golden export"
        ) from error
    except Malformed as error:
        findings.problems.append(str(error))
        return findings
    for vector in file.vectors:
        findings.tests += 1
        findings.values += len(vector.out)
        wrong, enclosed = _answers(vector, ask)
        findings.enclosed += enclosed
        findings.problems += [
            f"{path.name}: {vector.id}: {what} is {found}, expected {expected}"
            for what, found, expected in (*wrong, *_labels(vector))
        ]
    findings.problems += [f"{path.name}: {what} is {a}, expected {b}" for what, a, b in _whole(file)]
    return findings


def _answers(vector: Vector, ask: Witness) -> tuple[list[Mismatch], int]:
    """Compare the answers; those that rules for limits fix are compared with the rules."""
    asked = vector.question
    if not limits.is_special(asked):
        return ask(asked, vector.out)
    try:
        ruled = limits.limit(asked)
    except ValueError as error:
        return [("question", "one without a rule", str(error))], 0
    expected, _ = choice.answers(asked)
    wrong: list[Mismatch] = []
    fixed = {k for k, answer in enumerate(ruled.answers) if isinstance(answer, float)}
    for k in fixed:
        wrong += truth.differences(vector.out[k], expected[k], k)
    if ruled.validity != vector.result:
        wrong.append(("result", vector.result, ruled.validity))
    if not ruled.finite or len(fixed) == len(vector.out):
        return wrong, 0
    places = {answer: k for k, answer in enumerate(ruled.answers) if isinstance(answer, int)}
    recorded = tuple(vector.out[places[j]] for j in sorted(places))
    more, enclosed = ask(ruled.finite, recorded)
    return wrong + more, enclosed


def _labels(vector: Vector) -> Iterator[Mismatch]:
    """Yield what is wrong with a test's flags, id and result, and which inputs its format does not hold."""
    asked = vector.question
    given = {"x": asked.logits, "weight": asked.weight, "bias": asked.bias, "upstream": asked.upstream}
    if OPS[asked.op.name].labels == "row":
        given["labels"] = asked.labels
    for name, numbers in given.items():
        rounded = families.to_dtype(np.array(numbers), asked.dtype).astype(np.float64)
        for k in np.flatnonzero(~((rounded == numbers) | np.isnan(rounded))):
            yield f"{name} {k}", numbers[k].hex(), f"a number of {asked.dtype}"
    origin = tuple(flag for flag in vector.flags if flag in ORIGINS and flag != "Published")
    origin += ("Published",) if Source.of(vector.family).kind == "published" else ()
    expected = flags.flags_of(asked, vector.family, vector.out, origin)
    if vector.flags != expected:
        yield "flags", ", ".join(vector.flags), ", ".join(expected)
    stem = choice.stem_of(Chosen(asked, vector.family, origin))
    if vector.id.rpartition("-")[0] != stem:
        yield "id", vector.id, f"{stem} and a number"
    if vector.result != "valid" and not limits.is_special(asked):
        yield "result", vector.result, "valid"


def _whole(file: File) -> Iterator[Mismatch]:
    known = flags.notes()
    for flag, note in file.notes.items():
        if dict(note) != known.get(flag):
            yield f"note {flag}", str(dict(note)), str(known.get(flag, "no such flag"))
    if not file.intact:
        yield "sha256 of the test lines", file.found_sha256, f"{file.sha256} as in the header"


def schema_validator() -> Any | None:
    """Return a validator of lines against schema.json, or None where jsonschema is not installed."""
    if importlib.util.find_spec("jsonschema") is None:
        return None
    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    return import_module("jsonschema").Draft202012Validator(schema)


def schema_problems(path: Path, validator: Any) -> Iterator[str]:
    """Yield what the schema does not allow, line by line."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for error in validator.iter_errors(json.loads(line)):
            place = "/".join(map(str, error.absolute_path))
            yield f"{path.name}: line {number}: {place or 'whole'}: {error.message[:200]}, expected as schema.json says"
