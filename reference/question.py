"""A question in plain numbers, row by row: what vectors hold, and what limits and the witness answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model import Op, Quantity
from harness.ops import OPS, one_a_row

Numbers = tuple[float, ...]
PlainRow = tuple[Numbers, Numbers, Numbers]  # logits, labels, upstream
Validity = Literal["valid", "acceptable"]  # acceptable: mathematics leaves the answer open


@dataclass(frozen=True)
class Question:
    """Some rows of logits, as float64 numbers that `dtype` holds exactly, and what is asked of them.

    Of a linear op the rows are hidden states, and its weight, class after class, makes logits of them.
    """

    op: Op
    quantity: Quantity
    dtype: str
    logits: Numbers  # row after row
    labels: Numbers = ()  # one a logit, hidden ones too; (index,) a row for sparse_xent and linear_xent
    upstream: Numbers = ()  # empty for values
    rows: int = 1  # more than 1 where the op takes a mean, or is linear
    at: tuple[int, ...] | None = None  # which outputs are recorded, where not all
    weight: Numbers = ()
    bias: Numbers = ()

    @property
    def width(self) -> int:
        """The length of a row as it is given."""
        return len(self.logits) // self.rows

    @property
    def classes(self) -> int:
        """The length of a row of logits."""
        return len(self.weight) // self.width if OPS[self.op.name].linear else self.width

    @property
    def live(self) -> tuple[bool, ...]:
        """Tell which rows count: all but those whose index is the ignored one."""
        if OPS[self.op.name].labels == "row":
            return (True,) * self.rows
        return tuple(label != self.op.options.get("ignore_index") for label in self.labels)

    @property
    def mean(self) -> bool:
        """Tell whether the op averages over its rows."""
        return self.op.options.get("reduction") == "mean"

    @property
    def outputs(self) -> int:
        """The number of answers."""
        if self.quantity == "value" and self.mean:
            return 1
        if self.quantity == "grad_weight":
            return len(self.weight)
        if self.quantity == "grad_bias":
            return self.classes
        return self.rows if self.quantity == "value" and one_a_row(self.op) else len(self.logits)

    def by_row(self) -> list[PlainRow]:
        """Return (logits, labels, upstream) of each row; a mean hands every row the one upstream."""
        n, ups = self.classes, self.upstream
        labels_each = len(self.labels) // self.rows
        ups_each = len(ups) // self.rows
        return [
            (
                self.logits[r * n : (r + 1) * n],
                self.labels[r * labels_each : (r + 1) * labels_each],
                ups if self.mean else ups[r * ups_each : (r + 1) * ups_each],
            )
            for r in range(self.rows)
        ]
