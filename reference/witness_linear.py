"""The second witness of linear ops, in Arb: no logit is formed, only differences of them, h (w_i - w_j) + b_i - b_j.

With y the label of a row, r(j) = sum over i != j of e**(x_i - x_j) and p_j = 1 / (1 + r(j)):

    loss         log1p r(y)
    G_j          g p_j, of the label minus g times the sum of the other p
    grad_hidden  g sum p_i (w_i - w_y),   grad_weight  G^T h,   grad_bias  the sums of G over the rows
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from flint import arb

from reference.question import Question

Arb = Any  # python-flint ships no types


def _cut(numbers: Sequence[float], width: int) -> list[list[Arb]]:
    return [[arb(x) for x in numbers[i : i + width]] for i in range(0, len(numbers), width)]


def answers(asked: Question) -> Callable[[int], Arb]:
    """Return how to compute an answer by its flat index, at the precision that is set."""
    width, classes = asked.width, asked.classes
    hidden, weight = _cut(asked.logits, width), _cut(asked.weight, width)
    bias = [arb(b) for b in asked.bias or (0.0,) * classes]
    labels = [int(label) for label in asked.labels]
    g = [arb(u) for u in asked.upstream or (1.0,) * asked.rows]

    def rest(row: int, j: int) -> Arb:
        """r(j)."""
        whole = arb(0)
        for i in range(classes):
            if i != j:
                above = [h * (a - b) for h, a, b in zip(hidden[row], weight[i], weight[j], strict=True)]
                whole += sum(above, bias[i] - bias[j]).exp()
        return whole

    @cache
    def shares(row: int) -> list[Arb]:
        return [1 / (1 + rest(row, j)) for j in range(classes)]

    def of_logits(row: int, j: int) -> Arb:
        p = shares(row)
        return g[row] * (p[j] if j != labels[row] else -sum((p[i] for i in range(classes) if i != j), arb(0)))

    def value(row: int) -> Arb:
        return rest(row, labels[row]).log1p() if asked.live[row] else arb(0)

    def grad_hidden(place: int) -> Arb:
        row, f = divmod(place, width)
        if not asked.live[row]:
            return arb(0)
        at = weight[labels[row]][f]
        return g[row] * sum((p * (w[f] - at) for p, w in zip(shares(row), weight, strict=True)), arb(0))

    def over_rows(j: int, f: int | None) -> Arb:
        live = [row for row in range(asked.rows) if asked.live[row]]
        return sum((of_logits(row, j) * (1 if f is None else hidden[row][f]) for row in live), arb(0))

    formulas: dict[str, Callable[[int], Arb]] = {
        "value": value,
        "grad_hidden": grad_hidden,
        "grad_weight": lambda place: over_rows(*divmod(place, width)),
        "grad_bias": lambda place: over_rows(place, None),
    }
    return formulas[asked.quantity]
