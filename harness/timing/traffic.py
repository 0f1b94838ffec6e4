"""The least bytes that a case makes memory move, and the time that takes: no implementation goes below it.

Every array that is given is read once, every array that is asked for is written once, and what happens between costs
nothing. Two sweeps over the logits, or an intermediate that is written and read again, are what time over floor shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.model import Case
from harness.ops import OPS

BYTES: Mapping[str, int] = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
INDEX_BYTES = 8  # class indices are int64; jax keeps the lower half of them, which changes nothing that is seen


@dataclass(frozen=True)
class Bandwidth:
    """What memory moves at best, in bytes a second: `copy` counts what is read and what is written, `read` reads."""

    copy: float
    read: float


@dataclass(frozen=True)
class Traffic:
    """Bytes that a case makes memory move at least."""

    read: int
    written: int

    @property
    def moved(self) -> int:
        """Both ways."""
        return self.read + self.written

    def floor_seconds(self, bandwidth: Bandwidth) -> float:
        """Return the least time: what is written goes with as much that is read, as in a copy; the rest is read."""
        paired = min(self.read, self.written)
        return 2 * paired / bandwidth.copy + (self.moved - 2 * paired) / bandwidth.read


def least(case: Case) -> Traffic:
    """Return the least traffic of a case without options. Raises KeyError for an op that is not known.

    value: logits and labels are read, the value is written. A gradient is asked together with the value, as training
    does: the incoming gradient, as large as the value, is read besides, and the gradient, as large as the logits,
    written. A linear op reads hidden states and a weight, and writes the gradient of one; its logits need no memory.
    """
    record, wide = OPS[case.op.name], logits_bytes(case)
    if record.linear:
        size = BYTES[case.dtype] * int(case.source.size or 1)
        given, value = size * (case.rows + case.classes), BYTES[case.dtype] * case.rows
        of = size * (case.classes if case.quantity == "grad_weight" else case.rows)
        read = given + (wide if record.labels == "row" else INDEX_BYTES * case.rows)
        return Traffic(read, value) if case.quantity == "value" else Traffic(read + value, value + of)
    labels = {"none": 0, "index": INDEX_BYTES * case.rows, "row": wide}[record.labels]
    value = wide // case.classes if record.one_a_row else wide
    if case.quantity == "value":
        return Traffic(wide + labels, value)
    return Traffic(wide + labels + value, value + wide)


def logits_bytes(case: Case) -> int:
    """Return the size of a case's logits: what memory is counted in."""
    return BYTES[case.dtype] * case.rows * case.classes
