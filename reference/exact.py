"""The ops and their gradients in mpmath: the arbiter.

Everything about a row comes from one certified sum. With m the largest logit, k the number of logits equal to it and
t the sum of e**(x - m) over the others,

    S = k + t,   L = log S,   logsumexp = m + L,   log_softmax = -(d + L) with d = m - x,   softmax = e**-d / S.

k and d are exact, t and L are known to full relative accuracy, and every formula below is arranged so that what
cancels is exact. Where something else cancels, the error bound shows it and the row is done again with more bits:
values of exp at distinct rational points are linearly independent over the rationals (Lindemann-Weierstrass), so a
value that is no exactly recognised zero or tie is decided at some precision.

Formulas: z labels, Z their sum, g the incoming gradient, q the positive weight; sums over the classes of a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from harness.model import Op, Quantity
from reference import ball
from reference.ball import ONE, ZERO, Ball, add, divide, integer, multiply, negative, quotient, sign, subtract, total


@dataclass(frozen=True, slots=True)
class Row:
    """One row of logits with its certified log-sum; see the module's formulas."""

    logits: tuple[float, ...]
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


@lru_cache(maxsize=512)  # a batch of rows, asked once an op and quantity
def row_of(logits: tuple[float, ...], bits: int) -> Row:
    """Compute a row's log-sum at a working precision."""
    peak = ball.exact(max(logits))
    drops = tuple(subtract(peak, ball.exact(x), bits) for x in logits)
    terms = tuple(ball.exp(negative(drop).mid, bits) for drop in drops)
    others = [term for term, drop in zip(terms, drops, strict=True) if drop.mid[1]]
    ties = len(logits) - len(others)
    rest = total(others, bits)
    whole = add(integer(ties), rest, bits)
    log = ball.log1p(rest, bits) if ties == 1 else ball.log(whole, bits)
    return Row(logits, peak, drops, terms, integer(ties), rest, whole, log, bits)


Labels = tuple[float, ...]
Answer = list[Ball]
RowFormula = Callable[[Row, Labels, Labels], Answer]


def softmax(row: Row, _labels: Labels, _upstream: Labels) -> Answer:
    """e**-d / (k + t)."""
    return [_over_sum(row, term, whole=row.at_peak(j)) for j, term in enumerate(row.terms)]


def _over_sum(row: Row, term: Ball, *, whole: bool) -> Ball:
    if whole:
        return quotient(term, ZERO, row.ties, row.rest, row.bits)
    return divide(term, row.sum, row.bits)


def softmax_grad(row: Row, _labels: Labels, upstream: Labels) -> Answer:
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


def log_softmax(row: Row, _labels: Labels, _upstream: Labels) -> Answer:
    """-(d + L)."""
    return [negative(add(drop, row.log, row.bits)) for drop in row.drops]


def log_softmax_grad(row: Row, _labels: Labels, upstream: Labels) -> Answer:
    """g - p sum g."""
    return _excess(row, [ball.exact(u) for u in upstream], ONE)


def logsumexp(row: Row, _labels: Labels, _upstream: Labels) -> Answer:
    """m + L."""
    return [add(row.peak, row.log, row.bits)]


def logsumexp_grad(row: Row, _labels: Labels, upstream: Labels) -> Answer:
    """g p."""
    g = ball.exact(upstream[0])
    return [multiply(g, p, row.bits) for p in softmax(row, (), ())]


def sparse_xent(row: Row, labels: Labels, _upstream: Labels) -> Answer:
    """d + L at the label."""
    return [add(row.drops[int(labels[0])], row.log, row.bits)]


def sparse_xent_grad(row: Row, labels: Labels, upstream: Labels) -> Answer:
    """g (p - [label])."""
    z = [ZERO] * len(row.logits)
    z[int(labels[0])] = ONE
    return _excess(row, z, negative(ball.exact(upstream[0])))


def dense_xent(row: Row, labels: Labels, _upstream: Labels) -> Answer:
    """sum z d + Z L."""
    z = [ball.exact(y) for y in labels]
    weighted = total([multiply(y, drop, row.bits) for y, drop in zip(z, row.drops, strict=True)], row.bits)
    return [add(weighted, multiply(total(z, row.bits), row.log, row.bits), row.bits)]


def dense_xent_grad(row: Row, labels: Labels, upstream: Labels) -> Answer:
    """g (Z p - z)."""
    return _excess(row, [ball.exact(y) for y in labels], negative(ball.exact(upstream[0])))


def dense_xent_grad_labels(row: Row, _labels: Labels, upstream: Labels) -> Answer:
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


@dataclass(frozen=True, slots=True)
class Point:
    """One logit of an elementwise op: e = e**-|x| and L = log(1 + e)."""

    size: Ball  # |x|
    positive: bool  # x >= 0
    term: Ball  # e
    log: Ball  # L
    bits: int


@lru_cache(maxsize=1 << 15)
def point_of(x: float, bits: int) -> Point:
    """Compute an elementwise op's exponential and logarithm at a working precision."""
    size = ball.exact(abs(x))
    term = ball.exp(negative(size).mid, bits)
    log = ball.log(integer(2), bits) if x == 0 else ball.log1p(term, bits)
    return Point(size, x >= 0, term, log, bits)


PointFormula = Callable[[Point, float, float, float], Ball]


def _over_one_and_e(point: Point, whole: Ball, times_e: Ball) -> Ball:
    """(whole + times_e e) / (1 + e)."""
    return quotient(whole, multiply(times_e, point.term, point.bits), ONE, point.term, point.bits)


def sigmoid(point: Point, _z: float, _g: float, _q: float) -> Ball:
    """1 / (1 + e), or e / (1 + e) for a negative x."""
    return _over_one_and_e(point, *((ONE, ZERO) if point.positive else (ZERO, ONE)))


def sigmoid_grad(point: Point, _z: float, g: float, _q: float) -> Ball:
    """g e / (1 + e)**2."""
    one_and = add(ONE, point.term, point.bits)
    top = multiply(ball.exact(g), point.term, point.bits)
    return divide(top, multiply(one_and, one_and, point.bits), point.bits)


def log_sigmoid(point: Point, _z: float, _g: float, _q: float) -> Ball:
    """-softplus(-x) = min(x, 0) - L."""
    return negative(point.log if point.positive else add(point.size, point.log, point.bits))


def log_sigmoid_grad(point: Point, _z: float, g: float, _q: float) -> Ball:
    """g sigmoid(-x)."""
    share = ball.exact(g)
    return _over_one_and_e(point, *((ZERO, share) if point.positive else (share, ZERO)))


def sigmoid_xent(point: Point, z: float, _g: float, q: float) -> Ball:
    """q z softplus(-x) + (1 - z) softplus(x): |x| times the weight on its side, and both weights times L."""
    weight, other = _weights(z, q, point.bits)
    linear = multiply(other if point.positive else weight, point.size, point.bits)
    return add(linear, multiply(add(weight, other, point.bits), point.log, point.bits), point.bits)


def sigmoid_xent_grad(point: Point, z: float, g: float, q: float) -> Ball:
    """g ((1 - z) sigmoid(x) - q z sigmoid(-x)), over the one denominator 1 + e."""
    weight, other = _weights(z, q, point.bits)
    large, small = (other, negative(weight)) if point.positive else (negative(weight), other)
    up = ball.exact(g)
    return _over_one_and_e(point, multiply(up, large, point.bits), multiply(up, small, point.bits))


def sigmoid_xent_grad_labels(point: Point, _z: float, g: float, q: float) -> Ball:
    """g (q softplus(-x) - softplus(x)): -g x, or -g q x for a negative x, and g (q - 1) L."""
    up, weight = ball.exact(g), ball.exact(q)
    linear = negative(point.size) if point.positive else multiply(weight, point.size, point.bits)
    curved = multiply(subtract(weight, ONE, point.bits), point.log, point.bits)
    return multiply(up, add(linear, curved, point.bits), point.bits)


def _weights(z: float, q: float, bits: int) -> tuple[Ball, Ball]:
    """Return q z and 1 - z, exactly."""
    label = ball.exact(z)
    return multiply(ball.exact(q), label, bits), subtract(ONE, label, bits)


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
BY_POINT: dict[tuple[str, Quantity], PointFormula] = {
    ("sigmoid", "value"): sigmoid,
    ("sigmoid", "grad_logits"): sigmoid_grad,
    ("log_sigmoid", "value"): log_sigmoid,
    ("log_sigmoid", "grad_logits"): log_sigmoid_grad,
    ("sigmoid_xent", "value"): sigmoid_xent,
    ("sigmoid_xent", "grad_logits"): sigmoid_xent_grad,
    ("sigmoid_xent", "grad_labels"): sigmoid_xent_grad_labels,
}


Rows = tuple[float, ...]


def answer(op: Op, quantity: Quantity, logits: Rows, labels: Rows, upstream: Rows, bits: int) -> Answer:
    """Answer one row: one ball a class, or a single one for a loss or logsumexp.

    logits must be finite. labels: one a class, (index,) for sparse_xent, () where the op has none. upstream: one a
    value of the row. Raises ValueError for an op or quantity that has no formula.
    """
    key = (op.name, quantity)
    if key in BY_ROW:
        return BY_ROW[key](row_of(logits, bits), labels, upstream)
    if key not in BY_POINT:
        known = ", ".join(sorted(f"{name}/{of}" for name, of in (*BY_ROW, *BY_POINT)))
        raise ValueError(f"question is {op.name}/{quantity}, expected one of {known}")
    formula, q = BY_POINT[key], float(op.options.get("pos_weight", 1.0))
    z = labels or (0.0,) * len(logits)
    g = upstream or (1.0,) * len(logits)
    return [formula(point_of(x, bits), label, up, q) for x, label, up in zip(logits, z, g, strict=True)]
