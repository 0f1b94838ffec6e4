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
from functools import cache, cached_property, lru_cache, partial

from harness.model import Op, Quantity
from reference.arbiter import ball, integer_points
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
    top = max(logits)
    value_of = dict(zip(logits, values, strict=True))
    drop_of = {x: ZERO if x == top else subtract(value_of[top], value, bits) for x, value in value_of.items()}
    term_of = {x: ball.exp(negative(drop), bits) for x, drop in drop_of.items()}
    peak, drops, terms = value_of[top], tuple(drop_of[x] for x in logits), tuple(term_of[x] for x in logits)
    others = [term for term, drop in zip(terms, drops, strict=True) if drop.mid[1]]
    ties = len(logits) - len(others)
    rest = total(others, bits)
    whole = add(integer(ties), rest, bits)
    log = ball.log1p(rest, bits) if ties == 1 else ball.log(whole, bits)
    return Row(logits, peak, drops, terms, integer(ties), rest, whole, log, bits)


Answer = list[Ball]
RowFormula = Callable[[Row, Numbers, Numbers], Answer]


def _each(row: Row, formula: Callable[[int], Ball], given: Sequence[Ball] = ()) -> Answer:
    """Answer every class by its index; those of one logit, and of one exact number given, are answered once."""
    keys = row.logits if not given else [(x, one.mid) for x, one in zip(row.logits, given, strict=True)]
    first = {key: j for j, key in reversed([*enumerate(keys)])}
    found = {key: formula(j) for key, j in first.items()}
    return [found[key] for key in keys]


def softmax(row: Row, _labels: Numbers, _upstream: Numbers) -> Answer:
    """e**-d / (k + t)."""
    return _each(row, partial(_over_sum, row))


def _over_sum(row: Row, j: int) -> Ball:
    if row.at_peak(j):
        return quotient(row.terms[j], ZERO, row.ties, row.rest, row.bits)
    return divide(row.terms[j], row.sum, row.bits)


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

    def at(j: int) -> Ball:
        a, term = g[j], row.terms[j]
        whole = subtract(multiply(a, row.ties, bits), peaks, bits)
        part = subtract(multiply(a, row.rest, bits), others, bits)
        if not sign(part) and part.error != ball.EXACT:
            part = grouped(a)
        if row.at_peak(j):
            return quotient(whole, part, square, square_rest, bits)
        tilt = multiply(term, add(whole, part, bits), bits)
        return divide(tilt, add(square, square_rest, bits), bits)

    return _each(row, at, g)


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
    return _each(row, lambda j: negative(add(row.drops[j], row.log, row.bits)))


def log_softmax_grad(row: Row, _labels: Numbers, upstream: Numbers) -> Answer:
    """g - p sum g."""
    return _excess(row, [ball.exact(u) for u in upstream], ONE)


def logsumexp(row: Row, _labels: Numbers, _upstream: Numbers) -> Answer:
    """m + L."""
    return [add(row.peak, row.log, row.bits)]


def logsumexp_grad(row: Row, _labels: Numbers, upstream: Numbers) -> Answer:
    """g p."""
    g = ball.exact(upstream[0])
    return _each(row, lambda j: multiply(g, _over_sum(row, j), row.bits))


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
    return _each(row, lambda j: multiply(g, add(row.drops[j], row.log, row.bits), row.bits))


def _excess(row: Row, z: Answer, factor: Ball) -> Answer:
    """factor (z - p sum z): at the peak (z k - sum z + z t) / (k + t), whose start is exact; elsewhere as is."""
    bits = row.bits
    z = [multiply(factor, y, bits) for y in z]
    z_sum = total(z, bits)

    def at(j: int) -> Ball:
        y = z[j]
        if row.at_peak(j) and z_sum.mid[1]:
            whole = subtract(multiply(y, row.ties, bits), z_sum, bits)
            return quotient(whole, multiply(y, row.rest, bits), row.ties, row.rest, bits)
        return subtract(y, multiply(z_sum, divide(row.terms[j], row.sum, bits), bits), bits)

    return _each(row, at, z)


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
    z, g = labels or (0.0,) * len(logits), upstream or (1.0,) * len(logits)

    def by_balls(x: float, label: float, up: float) -> Ball:
        return formula(point_of(x, bits), label, up, q)

    if key in integer_points.BY_POINT:
        return integer_points.answer(key, (logits, z, g), q, by_balls, fixed=bits <= usual.CERTIFIED_BITS)
    return list(map(by_balls, logits, z, g))
