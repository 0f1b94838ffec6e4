"""The corpus: the worst inputs that searches have found, kept in a file, and asked again.

One file ships; a user's own lies beside the store. A line is one row, with who was furthest off on it and in which
versions.
The digest of its content is its id, so that a case which names it names its numbers.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from harness.model import DTYPES, Array, Case, Inputs, Op, Source
from harness.ops import OPS, VALUE_AND_GRADIENT, one_a_row, plain
from reference.golden import content
from reference.question import Question
from suites.questions.families import to_dtype

NAME = "corpus.jsonl"  # beside the store
SHIPPED = Path(__file__).with_name(NAME)
FOLDER = "XENTBENCH_CORPUS"  # the variable by which processes that are started know where a user's corpus lies
DIGITS = 12  # of a digest


@dataclass(frozen=True)
class Entry:
    """One row, and who was how far off on it.

    framework, name, mode: who. versions: of what its answer depends on. over: the error over the widest bound that is
    accepted. seed: of the search that found it.
    """

    question: Question
    framework: str
    name: str
    mode: str
    versions: Mapping[str, str]
    over: float
    seed: int

    @property
    def inputs(self) -> Inputs:
        """The arrays, one row."""
        return arrays(self.question)

    @property
    def id(self) -> str:
        """The digest of op, quantity and numbers."""
        return content(self.question.op, self.question.quantity, self.inputs)[:DIGITS]

    @property
    def case(self) -> Case:
        """The case that asks it."""
        asked = self.question
        return Case(asked.op, asked.quantity, str(Source("corpus", self.id)), asked.dtype, 1, asked.classes)

    @property
    def kind(self) -> tuple[object, ...]:
        """What one entry is kept of: a target with its versions, what it was asked, and whether no error is larger."""
        asked, lost = self.question, math.isinf(self.over)
        return self.framework, self.name, self.mode, tuple(sorted(self.versions.items())), asked.op, *_of(asked), lost


def _of(asked: Question) -> tuple[str, str]:
    return asked.quantity, asked.dtype


def arrays(asked: Question) -> Inputs:
    """Return a question of one row as arrays; the incoming gradient of a value is 1."""
    row = (1, asked.classes)
    labels: Array | None = None
    match OPS[asked.op.name].labels:
        case "index":
            labels = np.array(asked.labels, np.int64)
        case "row":
            labels = to_dtype(np.reshape(np.array(asked.labels), row), asked.dtype)
    shape = (1,) if one_a_row(asked.op) else row
    upstream = np.reshape(np.array(asked.upstream), shape) if asked.upstream else np.ones(shape)
    return Inputs(
        to_dtype(np.reshape(np.array(asked.logits), row), asked.dtype), labels, to_dtype(upstream, asked.dtype)
    )


def question(case: Case, inputs: Inputs) -> Question:
    """Return one row of arrays as a question."""
    labels = () if inputs.labels is None else tuple(inputs.labels.astype(np.float64).ravel().tolist())
    upstream = () if case.quantity == "value" else tuple(inputs.upstream.astype(np.float64).ravel().tolist())
    return Question(
        case.op, case.quantity, case.dtype, tuple(inputs.logits.astype(np.float64)[0].tolist()), labels, upstream
    )


def use(folder: Path) -> None:
    """Ask the corpus in a folder too, if one is there, here and in processes that are started from now on.

    Raises ValueError where it is none.
    """
    os.environ[FOLDER] = str(folder.absolute())
    if path := own():
        read(path)


def own() -> Path | None:
    """Return the user's corpus, if there is one."""
    folder = os.environ.get(FOLDER, "")
    path = Path(folder) / NAME
    return path if folder and path.exists() else None


def text() -> str:
    """Return the user's corpus as it is written, for a worker that has not the file; nothing where there is none."""
    return path.read_text("utf-8") if (path := own()) else ""


@contextmanager
def lent(lines: str) -> Iterator[None]:
    """Ask the corpus of somebody else, as it is written, in place of this user's own."""
    before = os.environ.get(FOLDER, "")
    with TemporaryDirectory(prefix="xentbench-") as folder:
        (Path(folder) / NAME).write_text(lines, "utf-8")
        try:
            os.environ[FOLDER] = folder
            yield
        finally:
            os.environ[FOLDER] = before


def cases(*, shipped: bool) -> Iterator[Case]:
    """Yield the cases of the user's corpus, and of the one that ships, those of one width together."""
    entries = [entry for path in (SHIPPED if shipped else None, own()) if path for entry in read(path)]
    every = dict.fromkeys(entry.case for entry in entries)
    yield from sorted(every, key=lambda case: (str(case.op), case.quantity, case.dtype, case.classes))


def inputs(case: Case) -> Inputs:
    """Return the arrays of a case. Raises ValueError where no corpus holds it."""
    for path in (SHIPPED, own()):
        found = {entry.id: entry for entry in read(path)} if path else {}
        if case.source.name in found:
            return found[case.source.name].inputs
    raise ValueError(
        f"row is {case.source}, expected one of {own() or SHIPPED}; "
        "try: --store, the one beside which the row was found"
    )


def read(path: Path) -> tuple[Entry, ...]:
    """Read a corpus. Raises ValueError, with the line, for one that is none, and OSError."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> tuple[Entry, ...]:  # noqa: ARG001 - read again when it has changed
    return tuple(_numbered(path, number, line) for number, line in enumerate(path.read_text("utf-8").splitlines(), 1))


def _numbered(path: Path, number: int, line: str) -> Entry:
    try:
        return from_line(line)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"line {number} of {path} is no row of a corpus ({error}), expected what xentbench search writes; "
            "try: take the line out"
        ) from error


def from_line(line: str) -> Entry:
    """Read a line. Raises KeyError, TypeError or ValueError for one that is none."""
    fields: Any = json.loads(line)
    op = Op.of(fields["op"])
    if op not in plain() or fields["quantity"] not in VALUE_AND_GRADIENT or fields["dtype"] not in DTYPES:
        raise ValueError(f"{op}, {fields['quantity']}, {fields['dtype']}, expected what can be searched")
    logits, labels, upstream = (tuple(map(float.fromhex, fields.get(name, ()))) for name in ("x", "labels", "upstream"))
    asked = Question(op, fields["quantity"], fields["dtype"], logits, labels, upstream)
    over = float.fromhex(fields["over_bound"])
    entry = Entry(
        asked, fields["framework"], fields["target"], fields["mode"], fields["versions"], over, int(fields["seed"])
    )
    if entry.id != fields["id"]:
        raise ValueError(f"its id is {fields['id']}, expected {entry.id} of these numbers")
    return entry


def to_line(entry: Entry) -> str:
    """Write an entry as its line."""
    asked = entry.question
    given = {"x": asked.logits, "labels": asked.labels, "upstream": asked.upstream}
    fields = {
        "id": entry.id,
        "op": asked.op.name,
        "quantity": asked.quantity,
        "dtype": asked.dtype,
        **{name: list(map(float.hex, numbers)) for name, numbers in given.items() if numbers},
        "framework": entry.framework,
        "target": entry.name,
        "mode": entry.mode,
        "versions": dict(entry.versions),
        "over_bound": entry.over.hex(),
        "seed": entry.seed,
    }
    return json.dumps(fields, separators=(",", ":"), allow_nan=False)


def keep(path: Path, found: Iterable[Entry]) -> list[Entry]:
    """Put what was found into a corpus where it is worse than what is there of its kind; return what was put."""
    known = {entry.kind: entry for entry in read(path)} if path.exists() else {}
    new = [entry for entry in found if entry.kind not in known or entry.over > known[entry.kind].over]
    if new:
        known |= {entry.kind: entry for entry in new}
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text("".join(f"{to_line(entry)}\n" for entry in known.values()), "utf-8")
        temporary.replace(path)
    return new
