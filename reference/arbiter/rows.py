"""The ops and their gradients in mpmath: the arbiter.

Everything about a row comes from one certified sum. With m the largest logit, k the number of logits equal to it and
t the sum of e**(x - m) over the others,

    S = k + t,   L = log S,   logsumexp = m + L,   log_softmax = -(d + L) with d = m - x,   softmax = e**-d / S.

k and d are exact, t and L are known to full relative accuracy, and every formula below is arranged so that what
cancels is exact. Where something else cancels, the error bound shows it and the row is done again with more bits:
values of exp at distinct rational points are linearly independent over the rationals (Lindemann-Weierstrass), so a
value that is no exactly recognised zero or tie is decided at some precision.

Rows of usual logits are answered in integers first, by `reference.arbiter.integers`: the same formulas at a fraction of
the time. What follows here is for all others, and for whatever those integers leave undecided.

Formulas: z labels, Z their sum, g the incoming gradient, q the positive weight; sums over the classes of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from harness.model import Op, Quantity
from reference.arbiter import ball
from reference.arbiter import integers as usual
from reference.arbiter.ball import (
    ONE,
    ZERO,
    Ball,
    add,
    divide,
    integer,
    multiply,
    negative,
    quotient,
    sign,
    subtract,
    total,
)
from reference.arbiter.points import BY_POINT, point_of
from reference.question import Numbers

LONG = 2_048  # classes from which on few rows are kept


@dataclass(frozen=True, slots=True)
class Row:
    """One row of logits with its certified log-sum; see the module's formulas."""

    logits: Numbers
    peak: Ball  # m
    drops: tuple[Ball, ...]  # d
    terms: tuple[Ball, ...]  # e**-d
    ties: Ball  # k
    rest: Ball  # t
    sum: Ball  # S = k + t
    log: Ball  # L
    bits: int

    def at_peak(self, index: int) -> bool:
        """Tell whether a class has the largest logit; its term is exactly 1."""
        return not self.drops[index].mid[1]


@dataclass(frozen=True, eq=False)
class Prepared:
    """One row of logits in either arithmetic, computed when first asked for."""

    logits: Numbers
    bits: int

    @cached_property
    def balls(self) -> Row:
        """The row at the working precision."""
        return _balls(self.logits, self.bits)

    @cached_property
    def integers(self) -> usual.Row | None:
        """The row in integers, where it is usual and they certify as many bits."""
        return usual.row_of(self.logits) if self.bits <= usual.CERTIFIED_BITS else None


_short_rows = lru_cache(maxsize=512)(Prepared)  # a batch of rows, asked once an op and quantity
_long_rows = lru_cache(maxsize=4)(Prepared)  # some MB each


def row_of(logits: Numbers, bits: int) -> Prepared:
    """Take a row at a working precision; what is computed of it is kept for the next op."""
    return (_short_rows if len(logits) <= LONG else _long_rows)(logits, bits)


def forget() -> None:
    """Let go of the rows kept."""
    _short_rows.cache_clear()
    _long_rows.cache_clear()


def _balls(logits: Numbers, bits: int) -> Row:
    """Compute a row's log-sum at a working precision."""
    return row_of_balls(logits, [ball.exact(x) for x in logits], bits)


def row_of_balls(logits: Numbers, values: Sequence[Ball], bits: int) -> Row:
    """Compute the log-sum of a row of known `values`, which grow with the logits: equal ones have equal values."""
    at = logits.index(max(logits))
    peak = values[at]
    drops = tuple(
        ZERO if x == logits[at] else subtract(peak, value, bits) for x, value in zip(logits, values, strict=True)
    )
    terms = tuple(ball.exp(negative(drop), bits) for drop in drops)
    others = [term for term, drop in zip(terms, drops, strict=True) if drop.mid[1]]
    ties = len(logits) - len(others)
    rest = total(others, bits)
    whole = add(integer(ties), rest, bits)
    log = ball.log1p(rest, bits) if ties == 1 else ball.log(whole, bits)
    return Row(logits, peak, drops, terms, integer(ties), rest, whole, log, bits)


Answer = list[Ball]
RowFormula = Callable[[Row, Numbers, Numbers], Answer]


def softmax(row: Row, _labels: Numbers, _upstream: Numbers) -> Answer:
    """e**-d / (k + t)."""
    return [_over_sum(row, term, whole=row.at_peak(j)) for j, term in enumerate(row.terms)]


def _over_sum(row: Row, term: Ball, *, whole: bool) -> Ball:
    if whole:
        return quotient(term, ZERO, row.ties, row.rest, row.bits)
    return divide(term, row.sum, row.bits)


def softmax_grad(row: Row, _labels: Numbers, upstream: Numbers) -> Answer:
    """p (g - sum g p) = e**-d (g (k + t) - sum g e**-d) / (k + t)**2.

    A constant added to g changes nothing, so g is taken relative to its value at the peak.
    """
    bits = row.bits
    base = ball.exact(upstream[row.logits.index(max(row.logits))])
    g = [subtract(ball.exact(u), base, bits) for u in upstream]
    peaks = total([a for j, a in enumerate(g) if row.at_peak(j)], bits)
    others = total([multiply(a, row.terms[j], bits) for j, a in enumerate(g) if not row.at_peak(j)], bits)
    square = multiply(row.ties, row.ties, bits)
    doubled = add(multiply(integer(2), row.ties, bits), row.rest, bits)
    square_rest = multiply(row.rest, doubled, bits)
    grouped = cache(lambda own: _tilt(row, g, own))  # upstreams repeat
    answers = []
    for j, (a, term) in enumerate(zip(g, row.terms, strict=True)):
        whole = subtract(multiply(a, row.ties, bits), peaks, bits)
        part = subtract(multiply(a, row.rest, bits), others, bits)
        if not sign(part) and part.error != ball.EXACT:
            part = grouped(a)
        if row.at_peak(j):
            answers.append(quotient(whole, part, square, square_rest, bits))
        else:
            tilt = multiply(term, add(whole, part, bits), bits)
            answers.append(divide(tilt, add(square, square_rest, bits), bits))
    return answers


def _tilt(row: Row, g: Answer, own: Ball) -> Ball:
    """sum (own - g) e**-d off the peak, equal logits first: their weights are exact and may cancel to an exact 0."""
    weights: dict[float, list[Ball]] = {}
    for j, (x, a) in enumerate(zip(row.logits, g, strict=True)):
        if not row.at_peak(j):
            weights.setdefault(x, []).append(subtract(own, a, row.bits))
    terms = dict(zip(row.logits, row.terms, strict=True))
    return total([multiply(total(a, row.bits), terms[x], row.bits) for x, a in weights.items()], row.bits)


def log_softmax(row: Row, _labels: Numbers, _upstream: Numbers) -> Answer:
    """-(d + L)."""
    return [negative(add(drop, row.log, row.bits)) for drop in row.drops]


def log_softmax_grad(row: Row, _labels: Numbers, upstream: Numbers) -> Answer:
    """g - p sum g."""
    return _excess(row, [ball.exact(u) for u in upstream], ONE)


def logsumexp(row: Row, _labels: Numbers, _upstream: Numbers) -> Answer:
    """m + L."""
    return [add(row.peak, row.log, row.bits)]


def logsumexp_grad(row: Row, _labels: Numbers, upstream: Numbers) -> Answer:
    """g p."""
    g = ball.exact(upstream[0])
    return [multiply(g, p, row.bits) for p in softmax(row, (), ())]


def sparse_xent(row: Row, labels: Numbers, _upstream: Numbers) -> Answer:
    """d + L at the label."""
    return [add(row.drops[int(labels[0])], row.log, row.bits)]


def sparse_xent_grad(row: Row, labels: Numbers, upstream: Numbers) -> Answer:
    """g (p - [label])."""
    z = [ZERO] * len(row.logits)
    z[int(labels[0])] = ONE
    return _excess(row, z, negative(ball.exact(upstream[0])))


def dense_xent(row: Row, labels: Numbers, _upstream: Numbers) -> Answer:
    """sum z d + Z L."""
    z = [ball.exact(y) for y in labels]
    weighted = total([multiply(y, drop, row.bits) for y, drop in zip(z, row.drops, strict=True)], row.bits)
    return [add(weighted, multiply(total(z, row.bits), row.log, row.bits), row.bits)]


def dense_xent_grad(row: Row, labels: Numbers, upstream: Numbers) -> Answer:
    """g (Z p - z)."""
    return _excess(row, [ball.exact(y) for y in labels], negative(ball.exact(upstream[0])))


def dense_xent_grad_labels(row: Row, _labels: Numbers, upstream: Numbers) -> Answer:
    """g (d + L)."""
    g = ball.exact(upstream[0])
    return [multiply(g, add(drop, row.log, row.bits), row.bits) for drop in row.drops]


def _excess(row: Row, z: Answer, factor: Ball) -> Answer:
    """factor (z - p sum z): at the peak (z k - sum z + z t) / (k + t), whose start is exact; elsewhere as is."""
    bits = row.bits
    z = [multiply(factor, y, bits) for y in z]
    z_sum = total(z, bits)
    answers = []
    for j, (y, term) in enumerate(zip(z, row.terms, strict=True)):
        if row.at_peak(j) and z_sum.mid[1]:
            whole = subtract(multiply(y, row.ties, bits), z_sum, bits)
            answers.append(quotient(whole, multiply(y, row.rest, bits), row.ties, row.rest, bits))
        else:
            answers.append(subtract(y, multiply(z_sum, _over_sum(row, term, whole=False), bits), bits))
    return answers


BY_ROW: dict[tuple[str, Quantity], RowFormula] = {
    ("softmax", "value"): softmax,
    ("softmax", "grad_logits"): softmax_grad,
    ("log_softmax", "value"): log_softmax,
    ("log_softmax", "grad_logits"): log_softmax_grad,
    ("logsumexp", "value"): logsumexp,
    ("logsumexp", "grad_logits"): logsumexp_grad,
    ("sparse_xent", "value"): sparse_xent,
    ("sparse_xent", "grad_logits"): sparse_xent_grad,
    ("dense_xent", "value"): dense_xent,
    ("dense_xent", "grad_logits"): dense_xent_grad,
    ("dense_xent", "grad_labels"): dense_xent_grad_labels,
}


def answer(
    op: Op, quantity: Quantity, logits: Numbers, labels: Numbers, upstream: Numbers, bits: int
) -> Sequence[Ball]:
    """Answer one row: one ball a class, or a single one for a loss or logsumexp.

    logits must be finite. labels: one a class, (index,) for sparse_xent, () where the op has none. upstream: one a
    value of the row. Raises ValueError for an op or quantity that has no formula.
    """
    key = (op.name, quantity)
    if key in BY_ROW:
        row = row_of(logits, bits)
        quick = usual.BY_ROW[key](row.integers, labels, upstream) if row.integers else None
        return BY_ROW[key](row.balls, labels, upstream) if quick is None else quick
    if key not in BY_POINT:
        known = ", ".join(sorted(f"{name}/{which}" for name, which in (*BY_ROW, *BY_POINT)))
        raise ValueError(f"question is {op.name}/{quantity}, expected one of {known}")
    formula, q = BY_POINT[key], float(op.options.get("pos_weight", 1.0))
    z = labels or (0.0,) * len(logits)
    g = upstream or (1.0,) * len(logits)
    return [formula(point_of(x, bits), label, up, q) for x, label, up in zip(logits, z, g, strict=True)]
