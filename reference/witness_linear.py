"""The second witness of linear ops, in Arb: no logit is formed, only differences of them, h (w_i - w_j) + b_i - b_j.

With y the label of a row, r(j) = sum over i != j of e**(x_i - x_j) and p_j = 1 / (1 + r(j)):

    loss         log1p r(y)
    G_j          g p_j, of the label minus g times the sum of the other p
    grad_hidden  g sum p_i (w_i - w_y),   grad_weight  G^T h,   grad_bias  the sums of G over the rows

Of labels z that are a distribution, each a sum over pairs of classes, i other than j, in which no 1 is subtracted:

    loss         sum z_j log1p r(j)
    G_j          g (p_j sum z_i - z_j sum p_i)
    grad_hidden  g sum z_i p_j (w_j - w_i)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from flint import arb

from harness.ops import OPS
from reference.question import Question

Arb = Any  # python-flint ships no types


def _cut(numbers: Sequence[float], width: int) -> list[list[Arb]]:
    return [[arb(x) for x in numbers[i : i + width]] for i in range(0, len(numbers), width)]


class Rows:
    """The arrays of a question in Arb, at the precision that was set when it was made."""

    def __init__(self, asked: Question) -> None:
        """Read them."""
        self.asked, self.width, self.classes = asked, asked.width, asked.classes
        self.hidden, self.weight = _cut(asked.logits, self.width), _cut(asked.weight, self.width)
        self.bias = [arb(b) for b in asked.bias or (0.0,) * self.classes]
        self.g = [arb(u) for u in asked.upstream or (1.0,) * asked.rows]
        self.live = [row for row in range(asked.rows) if asked.live[row]]

    @cached_property
    def shares(self) -> list[list[Arb]]:
        """p by row, none of a row that is ignored."""
        return [
            [1 / (1 + self.rest(row, j)) for j in range(self.classes)] if self.asked.live[row] else []
            for row in range(self.asked.rows)
        ]

    def rest(self, row: int, j: int) -> Arb:
        """Return r(j)."""
        whole = arb(0)
        for i in range(self.classes):
            if i != j:
                parts = zip(self.hidden[row], self.weight[i], self.weight[j], strict=True)
                whole += sum((h * (a - b) for h, a, b in parts), self.bias[i] - self.bias[j]).exp()
        return whole

    def loss(self, row: int) -> Arb:
        """Return a row's loss."""
        return self.rest(row, int(self.asked.labels[row])).log1p()

    def of_logits(self, row: int, j: int) -> Arb:
        """Return G_j."""
        p, label = self.shares[row], int(self.asked.labels[row])
        return self.g[row] * (p[j] if j != label else -sum((p[i] for i in range(self.classes) if i != j), arb(0)))

    def of_hidden(self, row: int, f: int) -> Arb:
        """Return the gradient of a feature."""
        at = self.weight[int(self.asked.labels[row])][f]
        return self.g[row] * sum((p * (w[f] - at) for p, w in zip(self.shares[row], self.weight, strict=True)), arb(0))

    def of_class(self, j: int, f: int | None) -> Arb:
        """Return the gradient of a class's weight of a feature, or of its bias."""
        one = arb(1)
        return sum((self.of_logits(row, j) * (one if f is None else self.hidden[row][f]) for row in self.live), arb(0))


class SoftRows(Rows):
    """The same of labels that are a distribution."""

    def __init__(self, asked: Question) -> None:
        """Read the labels too."""
        super().__init__(asked)
        self.z = _cut(asked.labels, self.classes)

    def loss(self, row: int) -> Arb:
        """Return a row's loss."""
        return sum((self.z[row][j] * self.rest(row, j).log1p() for j in range(self.classes)), arb(0))

    def of_logits(self, row: int, j: int) -> Arb:
        """Return G_j."""
        p, z, others = self.shares[row], self.z[row], [i for i in range(self.classes) if i != j]
        return self.g[row] * (p[j] * sum((z[i] for i in others), arb(0)) - z[j] * sum((p[i] for i in others), arb(0)))

    def of_hidden(self, row: int, f: int) -> Arb:
        """Return the gradient of a feature."""
        p, z, w = self.shares[row], self.z[row], self.weight
        pairs = ((i, j) for i in range(self.classes) for j in range(self.classes) if i != j)
        return self.g[row] * sum((z[i] * p[j] * (w[j][f] - w[i][f]) for i, j in pairs), arb(0))


def answers(asked: Question) -> Callable[[int], Arb]:
    """Return how to compute an answer by its flat index, at the precision that is set."""
    rows = SoftRows(asked) if OPS[asked.op.name].labels == "row" else Rows(asked)

    def grad_hidden(place: int) -> Arb:
        row, f = divmod(place, rows.width)
        return rows.of_hidden(row, f) if asked.live[row] else arb(0)

    formulas: dict[str, Callable[[int], Arb]] = {
        "value": lambda row: rows.loss(row) if asked.live[row] else arb(0),
        "grad_hidden": grad_hidden,
        "grad_weight": lambda place: rows.of_class(*divmod(place, rows.width)),
        "grad_bias": lambda place: rows.of_class(place, None),
    }
    return formulas[asked.quantity]
