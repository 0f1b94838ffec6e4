"""Test vectors for other people's test suites: what a file holds, how it is read, written and hashed.

A file is JSON Lines, an op a file: a header line, then a test a line. The lines after the header are canonical (one
spelling of every number, keys in one order), so that their SHA-256 stands in the header and a second export is the
same to the last byte. What a test's numbers mean is written in README.md beside this file, and checked by schema.json.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model import DTYPES, QUANTITIES, Op, Param
from harness.ops import OPS
from reference.question import Numbers, Question, Validity

SCHEMA = "xentbench-vectors/1"
FOLDER = Path(__file__).parent
SHORT_NAMES: Mapping[str, str] = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16"}
WIDTHS: Mapping[str, int] = {"f64": 16, "f32": 8, "f16": 4, "bf16": 4}  # hex digits of a bit pattern


class Malformed(ValueError):  # noqa: N818 - it says what a line is
    """A file or line that is no set of vectors."""


@dataclass(frozen=True)
class Value:
    """One exact answer: (hi + lo) * 2**e2 within 2**rad times hi, and its bit patterns, correctly rounded."""

    hi: float
    lo: float
    e2: int
    rad: int | None  # None where hi + lo is exact, infinite or nan
    cr: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Vector:
    """One test."""

    id: str
    question: Question
    family: str
    out: tuple[Value, ...]
    flags: tuple[str, ...]
    result: Validity = "valid"


@dataclass(frozen=True)
class File:
    """One file of tests."""

    op: str
    generator: Mapping[str, Any]
    notes: Mapping[str, Mapping[str, str]]  # flag -> bugType, description, effect
    vectors: tuple[Vector, ...]
    sha256: str = ""  # as the header has it
    found_sha256: str = ""  # of the lines that are there

    @property
    def intact(self) -> bool:
        """Tell whether the lines are those that the header was written for."""
        return self.sha256 == self.found_sha256


HEX = re.compile(r"-?0x[01](\.[0-9a-f]+)?p[+-][0-9]+|-?inf|nan")


def to_hex(value: float) -> str:
    """Write a float64 in the one way these files do: C's %a without trailing zeros, `inf`, `-inf` or `nan`."""
    if not math.isfinite(value):
        return str(value)
    digits, exponent = value.hex().split("p")
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}p{exponent}".replace("0xp", "0x0p")


def from_hex(text: Any) -> float:
    """Read a hex float. Raises Malformed for another spelling than `to_hex` writes."""
    if not isinstance(text, str) or not HEX.fullmatch(text) or to_hex(float.fromhex(text)) != text:
        raise Malformed(f"number is {text!r}, expected a hex float such as -0x1.8p-3, without trailing zeros")
    return float.fromhex(text)


def to_line(vector: Vector) -> str:
    """Write a test as its canonical line."""
    asked, record = vector.question, OPS[vector.question.op.name]
    sparse = record.labels == "index"
    indices = [int(label) for label in asked.labels] if sparse else []
    fields: dict[str, Any] = {
        "id": vector.id,
        "op": asked.op.name,
        "params": asked.op.options,
        "quantity": asked.quantity,
        "dtype_in": asked.dtype,
        "family": vector.family,
        "rows": asked.rows,
        "x": [to_hex(x) for x in asked.logits],
        "weight": [to_hex(w) for w in asked.weight] or None,
        "bias": [to_hex(b) for b in asked.bias] or None,
        "label": None if not sparse else indices if record.linear else indices[0],
        "labels": [to_hex(z) for z in asked.labels] if asked.labels and not sparse else None,
        "upstream": [to_hex(g) for g in asked.upstream] or None,
        "at": asked.at and list(asked.at),
        "out": [
            {"hi": to_hex(y.hi), "lo": to_hex(y.lo), "e2": y.e2, "rad": y.rad, "cr": dict(y.cr)} for y in vector.out
        ],
        "flags": list(vector.flags),
        "result": vector.result,
    }
    absent = {"params": {}, "rows": 1} | dict.fromkeys(("weight", "bias", "label", "labels", "upstream", "at"))
    kept = {key: value for key, value in fields.items() if key not in absent or value != absent[key]}
    return json.dumps(kept, separators=(",", ":"), allow_nan=False)


def digest(lines: Iterable[str]) -> str:
    """Return the SHA-256 of test lines, each with its newline: of a file without its first line."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def write(path: Path, file: File) -> None:
    """Write a file; the hash is made anew."""
    lines = [to_line(vector) for vector in file.vectors]
    header = {
        "schema": SCHEMA,
        "op": file.op,
        "generator": dict(file.generator),
        "sha256": digest(lines),
        "notes": {flag: dict(note) for flag, note in sorted(file.notes.items())},
    }
    text = json.dumps(header, separators=(",", ":")) + "\n" + "".join(f"{line}\n" for line in lines)
    path.write_text(text, encoding="utf-8", newline="\n")


def read(path: Path) -> File:
    """Read a file and check its form: header, every line's fields, ids apart, a note for every flag.

    Raises Malformed, which names the file and the test, with what is there and what was expected. Whether the hash is
    right is left to the caller, who may want to say first which test is wrong.
    """
    try:
        header, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        head = _header(_json(header, "header"))
        vectors = tuple(_vector(_json(line, f"line {k}"), line, head["op"]) for k, line in enumerate(lines, 2))
    except (UnicodeDecodeError, Malformed) as error:
        raise Malformed(f"{path.name}: {error}") from error
    file = File(head["op"], head["generator"], head["notes"], vectors, head["sha256"], digest(lines))
    _check_whole(path.name, file)
    return file


def packaged() -> list[Path]:
    """Return the files that come with the project."""
    return sorted(FOLDER.glob("*.jsonl"))


def _check_whole(name: str, file: File) -> None:
    known: set[str] = set()
    for vector in file.vectors:
        if vector.id in known:
            raise Malformed(f"{name}: {vector.id}: id is there twice, expected once")
        known.add(vector.id)
        if strange := [flag for flag in vector.flags if flag not in file.notes]:
            raise Malformed(f"{name}: {vector.id}: flag is {strange[0]!r}, expected one of {', '.join(file.notes)}")


def _json(line: str, where: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise Malformed(f"{where}: {error}, expected JSON") from error
    if not isinstance(fields, dict):
        raise Malformed(f"{where}: is {line[:40]!r}, expected an object")
    return fields


def _header(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("schema") != SCHEMA:
        raise Malformed(f"header: schema is {fields.get('schema')!r}, expected {SCHEMA!r}")
    _expect_keys(fields, {"schema", "op", "generator", "sha256", "notes"}, set(), "header")
    for flag, note in fields["notes"].items():
        _expect_keys(note, {"bugType", "description", "effect"}, set(), f"note {flag}")
    return fields


REQUIRED = {"id", "op", "quantity", "dtype_in", "family", "x", "out", "flags", "result"}
OPTIONAL = {"params", "rows", "weight", "bias", "label", "labels", "upstream", "at"}


def _expect_keys(fields: Mapping[str, Any], required: set[str], optional: set[str], where: str) -> None:
    missing, strange = required - fields.keys(), fields.keys() - required - optional
    if missing or strange:
        raise Malformed(
            f"{where}: fields are {', '.join(fields)}, expected {', '.join(sorted(required))}"
            + (f" and maybe {', '.join(sorted(optional))}" if optional else "")
        )


def _vector(fields: dict[str, Any], line: str, op: str) -> Vector:
    """Read one test. Raises Malformed for anything that is not as `to_line` writes it."""
    where = str(fields.get("id", line[:40]))
    try:
        _expect_keys(fields, REQUIRED, OPTIONAL, "test")
        asked = _question(fields, op)
        _expect_choice("result", fields["result"], ("valid", "acceptable"))
        _check_lengths(asked, len(fields["out"]))
        out = tuple(_value(entry) for entry in fields["out"])
        vector = Vector(where, asked, str(fields["family"]), out, tuple(map(str, fields["flags"])), fields["result"])
        written = to_line(vector)
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise Malformed(f"{where}: {error}") from error
    if written != line:
        raise Malformed(f"{where}: line is {line[:60]!r}..., expected its canonical form, as `golden export` writes it")
    return vector


def _question(fields: Mapping[str, Any], op: str) -> Question:
    _expect_choice("op", fields["op"], (op,))
    _expect_choice("quantity", fields["quantity"], QUANTITIES)
    _expect_choice("dtype_in", fields["dtype_in"], DTYPES)
    params: dict[str, Param] = fields.get("params", {})
    at, rows = fields.get("at"), fields.get("rows", 1)
    if not isinstance(rows, int) or rows < 1 or not fields["x"] or len(fields["x"]) % rows:
        raise Malformed(f"rows is {rows!r}, expected a divisor of the length of x, {len(fields['x'])}")
    return Question(
        Op.of(fields["op"], **params),
        fields["quantity"],
        fields["dtype_in"],
        _numbers(fields["x"]),
        _indices(fields["label"]) if "label" in fields else _numbers(fields.get("labels", [])),
        _numbers(fields.get("upstream", [])),
        rows,
        None if at is None else tuple(at),
        _numbers(fields.get("weight", [])),
        _numbers(fields.get("bias", [])),
    )


def _expect_choice(name: str, value: Any, known: Sequence[str]) -> None:
    if value not in known:
        raise Malformed(f"{name} is {value!r}, expected one of {', '.join(known)}")


def _indices(given: Any) -> Numbers:
    """Read a class index, or one a row."""
    return tuple(map(float, given if isinstance(given, list) else [given]))


def _numbers(texts: Sequence[Any]) -> Numbers:
    return tuple(from_hex(text) for text in texts)


def _check_lengths(asked: Question, recorded: int) -> None:
    record = OPS[asked.op.name]
    sparse, labelled = record.labels == "index", record.labels == "row"
    if record.linear and (not asked.weight or len(asked.weight) % asked.width):
        raise Malformed(f"length of weight is {len(asked.weight)}, expected a multiple of {asked.width}")
    per_row = 1 if asked.mean else asked.rows if record.one_a_row else len(asked.logits)
    for name, found, expected in (
        ("labels", len(asked.labels), asked.rows if sparse else asked.rows * asked.classes if labelled else 0),
        ("weight", len(asked.weight), asked.classes * asked.width if record.linear else 0),
        ("bias", len(asked.bias), asked.classes if "bias" in asked.op.options else 0),
        ("upstream", len(asked.upstream), 0 if asked.quantity == "value" else per_row),
        ("out", recorded, asked.outputs if asked.at is None else len(asked.at)),
    ):
        if found != expected:
            raise Malformed(f"length of {name} is {found}, expected {expected}")
    for label, live in zip(asked.labels, asked.live, strict=True) if sparse else ():
        if live and not 0 <= label < asked.classes:
            raise Malformed(f"label is {label:g}, expected an index below {asked.classes}")
    if asked.at is not None and not all(0 <= j < asked.outputs for j in asked.at):
        raise Malformed(f"at is {asked.at}, expected indices below {asked.outputs}")


def _value(fields: dict[str, Any]) -> Value:
    _expect_keys(fields, {"hi", "lo", "e2", "rad", "cr"}, set(), "out")
    for name, digits in fields["cr"].items():
        if not re.fullmatch(f"[0-9a-f]{{{WIDTHS.get(name, 0)}}}", digits):
            raise Malformed(f"cr is {name}: {digits!r}, expected {WIDTHS} hex digits")
    return Value(from_hex(fields["hi"]), from_hex(fields["lo"]), int(fields["e2"]), fields["rad"], fields["cr"])
