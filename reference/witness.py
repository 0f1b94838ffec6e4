"""The second witness: every op and gradient once more, in Arb's ball arithmetic (python-flint, the extra `witness`).

Arb proves its radii, counts with other code than mpmath, and the formulas here are other ones than the arbiter's: each
class is summed from its own point of view, by differences x_i - x_j and p_i, and nothing is arranged around the
largest logit. What the two agree on is not one author's slip.

Formulas: r(j) = sum over i != j of e**(x_i - x_j), p_j = 1 / (1 + r(j)), l_j = -log p_j = log1p r(j); z labels, g the
incoming gradient, q the positive weight; sums run over the classes i != j.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import flint
from flint import arb
from mpmath import libmp

from harness.model import Op, Quantity
from harness.ops import OPS, one_a_row
from reference.arbiter.ball import EXACT, Ball, magnitude
from reference.question import Numbers, PlainRow
from reference.witness_apart import APART_BY_POINT, APART_BY_ROW
from reference.witness_focal import WITH_OPTIONS, of_options

Arb = Any  # python-flint ships no types

GOOD_BITS = 176  # relative accuracy asked of an answer: hi, lo and 70 bits to tell how lo rounds
LADDER = (208, 416, 1664, 3328)  # working precisions; 1e308 in an exponent takes 1024 bits, 1e308 - 5e-324 2098


@contextmanager
def _precision(bits: int) -> Iterator[None]:
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


class _Row:
    """One row of logits at the current precision."""

    def __init__(self, logits: Numbers) -> None:
        self.logits = [arb(x) for x in logits]
        self._others: dict[int, Arb] = {}

    def rest(self, j: int) -> Arb:
        """r(j)."""
        if j not in self._others:
            at = self.logits[j]
            self._others[j] = _sum((x - at).exp() for i, x in enumerate(self.logits) if i != j)
        return self._others[j]

    def loss(self, j: int) -> Arb:
        """l_j."""
        return self.rest(j).log1p()

    def share(self, j: int) -> Arb:
        """p_j."""
        return 1 / (1 + self.rest(j))

    @cached_property
    def shares(self) -> list[Arb]:
        """All p."""
        return [self.share(j) for j in range(len(self.logits))]


def _sum(terms: Iterable[Arb]) -> Arb:
    return sum(terms, arb(0))


RowFormula = Callable[[_Row, list[Arb], list[Arb], int], Arb]


def _plain(formula: Callable[[list[Arb], list[Arb], list[Arb], int], Arb]) -> RowFormula:
    """Hand a formula the numbers of a row alone."""
    return lambda row, z, g, j: formula(row.logits, z, g, j)


def _softmax(row: _Row, _z: list[Arb], _g: list[Arb], j: int) -> Arb:
    return row.share(j)


def _softmax_grad(row: _Row, _z: list[Arb], g: list[Arb], j: int) -> Arb:
    """p_j sum p_i (g_j - g_i)."""
    return row.shares[j] * _sum(p * (g[j] - g[i]) for i, p in enumerate(row.shares) if i != j)


def _log_softmax(row: _Row, _z: list[Arb], _g: list[Arb], j: int) -> Arb:
    return -row.loss(j)


def _excess(row: _Row, weights: list[Arb], j: int) -> Arb:
    """w_j - p_j sum w, with 1 written as the sum of all p: sum (w_j p_i - w_i p_j)."""
    p, w = row.shares, weights
    return _sum(w[j] * p[i] - w[i] * p[j] for i in range(len(p)) if i != j)


def _log_softmax_grad(row: _Row, _z: list[Arb], g: list[Arb], j: int) -> Arb:
    return _excess(row, g, j)


def _logsumexp(row: _Row, _z: list[Arb], _g: list[Arb], _j: int) -> Arb:
    """x_0 + l_0."""
    return row.logits[0] + row.loss(0)


def _logsumexp_grad(row: _Row, _z: list[Arb], g: list[Arb], j: int) -> Arb:
    return g[0] * row.share(j)


def _dense(row: _Row, z: list[Arb], _g: list[Arb], _j: int) -> Arb:
    """Sum of z_i l_i over all classes; one without weight is left out."""
    return _sum(weight * row.loss(i) for i, weight in enumerate(z) if not weight.is_zero())


def _dense_grad(row: _Row, z: list[Arb], g: list[Arb], j: int) -> Arb:
    return -g[0] * _excess(row, z, j)


def _dense_grad_labels(row: _Row, _z: list[Arb], g: list[Arb], j: int) -> Arb:
    return g[0] * row.loss(j)


BY_ROW: dict[tuple[str, Quantity], RowFormula] = {
    ("softmax", "value"): _softmax,
    ("softmax", "grad_logits"): _softmax_grad,
    ("log_softmax", "value"): _log_softmax,
    ("log_softmax", "grad_logits"): _log_softmax_grad,
    ("logsumexp", "value"): _logsumexp,
    ("logsumexp", "grad_logits"): _logsumexp_grad,
    ("sparse_xent", "value"): _dense,
    ("sparse_xent", "grad_logits"): _dense_grad,
    ("dense_xent", "value"): _dense,
    ("dense_xent", "grad_logits"): _dense_grad,
    ("dense_xent", "grad_labels"): _dense_grad_labels,
}


def _softplus(x: Arb, value: float) -> Arb:
    """log(1 + e**x), by the exponential that does not overflow."""
    return x + (-x).exp().log1p() if value > 0 else x.exp().log1p()


def _sigmoid(x: Arb, value: float) -> Arb:
    """e**-softplus(-x): no quotient, unlike the arbiter's."""
    return (-_softplus(-x, -value)).exp()


PointFormula = Callable[[Arb, float, Arb, Arb, Arb], Arb]


def _sigmoid_value(x: Arb, value: float, _z: Arb, _g: Arb, _q: Arb) -> Arb:
    return arb(0.5) if value == 0 else _sigmoid(x, value)  # e**-log 2, but exact


def _sigmoid_grad(x: Arb, value: float, _z: Arb, g: Arb, _q: Arb) -> Arb:
    """g (sech(x / 2) / 2)**2, with sech by e**-|x|."""
    half = abs(x) / 2
    return g / 4 if value == 0 else g / (half.exp() + (-half).exp()) ** 2


def _log_sigmoid(x: Arb, value: float, _z: Arb, _g: Arb, _q: Arb) -> Arb:
    return -_softplus(-x, -value)


def _log_sigmoid_grad(x: Arb, value: float, _z: Arb, g: Arb, _q: Arb) -> Arb:
    return g * _sigmoid_value(-x, -value, g, g, g)


def _sigmoid_xent(x: Arb, value: float, z: Arb, _g: Arb, q: Arb) -> Arb:
    return q * z * _softplus(-x, -value) + (1 - z) * _softplus(x, value)


def _sigmoid_xent_grad(x: Arb, value: float, z: Arb, g: Arb, q: Arb) -> Arb:
    up, down = _sigmoid_value(x, value, z, g, q), _sigmoid_value(-x, -value, z, g, q)
    return g * ((1 - z) * up - q * z * down)


def _sigmoid_xent_grad_labels(x: Arb, value: float, _z: Arb, g: Arb, q: Arb) -> Arb:
    return g * (q * _softplus(-x, -value) - _softplus(x, value))


BY_POINT: dict[tuple[str, Quantity], PointFormula] = {
    ("sigmoid", "value"): _sigmoid_value,
    ("sigmoid", "grad_logits"): _sigmoid_grad,
    ("log_sigmoid", "value"): _log_sigmoid,
    ("log_sigmoid", "grad_logits"): _log_sigmoid_grad,
    ("sigmoid_xent", "value"): _sigmoid_xent,
    ("sigmoid_xent", "grad_logits"): _sigmoid_xent_grad,
    ("sigmoid_xent", "grad_labels"): _sigmoid_xent_grad_labels,
}
ROWS: dict[tuple[str, Quantity], RowFormula] = {**BY_ROW, **{key: _plain(f) for key, f in APART_BY_ROW.items()}}
POINTS: dict[tuple[str, Quantity], PointFormula] = {**BY_POINT, **APART_BY_POINT}


def narrow(_index: int, enclosure: Ball) -> bool:
    """Tell whether a ball is exact or GOOD_BITS narrow."""
    return enclosure.error == EXACT or enclosure.error < magnitude(enclosure.mid) - GOOD_BITS


def enclose(
    op: Op,
    quantity: Quantity,
    rows: Sequence[PlainRow],
    at: Sequence[int] | None = None,
    enough: Callable[[int, Ball], bool] = narrow,
) -> list[Ball]:
    """Enclose the answers of some rows, or those at the (flat) indices asked for, as Arb proves them.

    rows: (logits, labels, upstream) each; logits finite; labels one a class, (index,) for sparse_xent, () where the op
    has none; upstream one a value of the row, () for values. Of an op that takes the mean there is one value, or one
    gradient for all rows. Each ball is narrow `enough` for its index, unless the last step of LADDER does not make it
    so: an exact zero of a sum that cancels comes back as a ball around it. Raises ValueError where there is no formula.
    """
    mean = op.options.get("reduction") == "mean"
    single = quantity == "value" and (mean or one_a_row(op))
    count = (1 if mean else len(rows)) if single else len(rows) * len(rows[0][0])
    return climb(lambda: _answers(op, quantity, rows), list(range(count) if at is None else at), enough)


def climb(
    answers: Callable[[], Callable[[int], Arb]], wanted: Sequence[int], enough: Callable[[int, Ball], bool]
) -> list[Ball]:
    """Enclose what is wanted, with the precisions of LADDER in turn until each is narrow enough."""
    found: dict[int, Ball] = {}
    for bits in LADDER:
        with _precision(bits):
            answer = answers()
            for j in wanted:
                if j not in found:
                    value = answer(j)
                    if bits == LADDER[-1] or (value.is_finite() and enough(j, ball(value))):
                        found[j] = ball(value)
        if len(found) == len(wanted):
            break
    return [found[j] for j in wanted]


def _answers(op: Op, quantity: Quantity, rows: Sequence[PlainRow]) -> Callable[[int], Arb]:
    """Return how to compute an answer by its flat index; what a row's answers share is computed once."""
    classes = len(rows[0][0])
    if (op.name, quantity) in POINTS:
        of_point = POINTS[op.name, quantity]
        q = arb(float(op.options.get("pos_weight", 1.0)))

        def point(j: int) -> Arb:
            logits, labels, upstream = rows[j // classes]
            c = j % classes
            z, g = (arb(given[c]) if given else arb(1) for given in (labels, upstream))
            return of_point(arb(logits[c]), logits[c], z, g, q)

        return point
    if (op.name, quantity) in WITH_OPTIONS:
        return of_options(op, quantity, [_arbs(*row) for row in rows])
    if (op.name, quantity) not in ROWS:
        known = ", ".join(sorted(f"{name}/{which}" for name, which in (*ROWS, *POINTS, *WITH_OPTIONS)))
        raise ValueError(f"question is {op.name}/{quantity}, expected one of {known}")
    of_row = ROWS[op.name, quantity]
    summed = [_Row(logits) for logits, _, _ in rows]

    def cell(j: int) -> Arb:
        single = quantity == "value" and one_a_row(op)
        row, c = (j, 0) if single else divmod(j, classes)
        _, labels, upstream = rows[row]
        z = [float(labels[0] == k) for k in range(classes)] if OPS[op.name].labels == "index" else labels
        return of_row(summed[row], [arb(y) for y in z], [arb(u) for u in upstream], c)

    if op.options.get("reduction") != "mean":
        return cell
    if quantity == "value":
        return lambda _: _sum(cell(j) for j in range(len(rows))) / len(rows)
    return lambda j: cell(j) / len(rows)


def _arbs(logits: Numbers, labels: Numbers, upstream: Numbers) -> tuple[list[Arb], list[Arb], list[Arb]]:
    return [arb(x) for x in logits], [arb(z) for z in labels], [arb(g) for g in upstream]


def ball(value: Arb) -> Ball:
    """Turn Arb's ball into ours: the same midpoint, the radius rounded up to a power of two."""
    if not value.is_finite():
        raise ArithmeticError(f"Arb's enclosure is {value}, expected a finite one at {LADDER[-1]} bits")
    mid = libmp.from_man_exp(*map(int, value.mid().man_exp()))
    if value.is_exact():
        return Ball(mid)
    mantissa, exponent = map(int, value.rad().upper().man_exp())
    return Ball(mid, mantissa.bit_length() + exponent)


def version() -> str:
    """Name the witness."""
    return f"python-flint {flint.__version__}"
