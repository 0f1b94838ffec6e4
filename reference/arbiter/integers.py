"""Certified answers of usual rows in 192-bit fixed point: the quick path of the arbiter; None for any other row.

The formulas are those of `reference.arbiter.rows`, in integers, with one error bound a row. Usual: every logit is 0
or of a size from SMALLEST to LARGEST, they are not all equal, the nearest to the largest lies within NEAREST of it and
the farthest within FARTHEST. Then every d = m - x is an integer in units of u = 2**-BITS.

N is the largest n of `reference.arbiter.exponential`, errors relative, in u; sums are rounded up by 1 or more,
which takes in the products of errors, (2 N + 22)**2 u with N < 2**11:

    e**-d       N + 8, as proved there; at the peak it is exactly 1.
    t           N + 9. All terms are shifted to one exponent; those more than WINDOW bits below the first lose less than
                one unit there, all together less than classes 2**(2 - WINDOW) of the first, below 1.
    S = k + t   N + 10, and no more than t's error absolutely.
    1 / S       N + 12: the floor of a number above 2**BITS.
    softmax     2 N + 22, a product of two integers.
    L = log S   N + 12. dL = dt / (k + t) <= (dt / t) log(1 + t / k) <= (dt / t) L, since y / (1 + y) <= log(1 + y); and
                mpmath's own error, 4 ulps of LOG_BITS as in `reference.arbiter.ball`, is below 1.

m + L, d + L and their multiples by exact factors are exact but for L. Gradients say what else they add. What cancels
shows in the error, and such a row is done again by balls; so is one that a formula returns None for, because a factor
of all its values is exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import mul
from typing import NamedTuple

from mpmath import libmp

from reference.arbiter.column import Column
from reference.arbiter.exponential import BITS, decays
from reference.question import Numbers

CERTIFIED_BITS = 160  # where nothing cancels: N < 2**11 leaves more than 170
LOG_BITS = BITS + 8
WINDOW = 64
UNIT = 2.0**BITS
SMALLEST, LARGEST = 2.0 ** (52 - BITS), 2.0**32  # the last bit of a float64 number of the smallest size is u
NEAREST, FARTHEST = 128 << BITS, 1024 << BITS


class Row(NamedTuple):
    """A row's parts as integers; see the module."""

    peak: int  # m = peak u
    drops: list[int]  # d = drop u
    halvings: list[int]  # n
    terms: list[int]  # e**-d = term 2**-n u
    aligned: list[int]  # e**-d = aligned 2**-scale
    deepest: int  # N
    ties: int  # k
    rest: int  # t = rest 2**-scale
    sum: int  # S = sum 2**-scale
    scale: int
    inverse: int  # 1 / S = inverse 2**-inverse_scale
    inverse_scale: int
    log: int  # L = log 2**-log_scale
    log_scale: int


def row_of(logits: Numbers) -> Row | None:
    """Compute a row's parts; None for a row that is not usual."""
    top = max(logits)
    if max(top, -min(logits)) > LARGEST or min(map(abs, filter(None, logits)), default=1.0) < SMALLEST:
        return None
    peak = int(top * UNIT)
    drops = [peak - int(x * UNIT) for x in logits]
    nearest, farthest = min(filter(None, drops), default=FARTHEST), max(drops)
    if nearest > NEAREST or farthest > FARTHEST:
        return None
    halvings, terms = decays(drops)
    deepest, ties = halvings[drops.index(farthest)], drops.count(0)
    last = min(deepest, halvings[drops.index(nearest)] + WINDOW)
    aligned = [v << last - n if n <= last else v >> n - last for n, v in zip(halvings, terms, strict=True)]
    scale, total = BITS + last, sum(aligned)
    rest = total - (ties << scale)
    size = BITS + total.bit_length()
    _, mantissa, exponent, count = libmp.mpf_log(libmp.from_man_exp(total, -scale), LOG_BITS, "n")
    log, log_scale = int(mantissa) << LOG_BITS - count, LOG_BITS - count - exponent  # LOG_BITS bits long
    parts = (peak, drops, halvings, terms, aligned, deepest, ties, rest, total, scale)
    return Row(*parts, (1 << size) // total, size - scale, log, log_scale)


Formula = Callable[[Row, Numbers, Numbers], Column | None]


def softmax(row: Row, _labels: Numbers, _upstream: Numbers) -> Column | None:
    """e**-d / S."""
    return _shares(row, 1, 0)


def logsumexp_grad(row: Row, _labels: Numbers, upstream: Numbers) -> Column | None:
    """g p."""
    return _shares(row, *_scaled_integer(upstream[0]))


def _shares(row: Row, factor: int, scale: int) -> Column | None:
    """factor 2**-scale p."""
    inverse, below = row.inverse * factor, BITS + row.inverse_scale + scale
    error = (2 * row.deepest + 22) * abs(inverse)  # because term u <= 1
    return _column([term * inverse for term in row.terms], [-below - n for n in row.halvings], error)


def log_softmax(row: Row, _labels: Numbers, _upstream: Numbers) -> Column | None:
    """-(d + L)."""
    shift = row.log_scale - BITS
    return _linear(row, [-row.log - (drop << shift) for drop in row.drops], row.log, 0)


def logsumexp(row: Row, _labels: Numbers, _upstream: Numbers) -> Column | None:
    """m + L."""
    return _logs(row, [row.peak], 1, 0)


def sparse_xent(row: Row, labels: Numbers, _upstream: Numbers) -> Column | None:
    """d + L at the label."""
    return _logs(row, [row.drops[int(labels[0])]], 1, 0)


def dense_xent_grad_labels(row: Row, _labels: Numbers, upstream: Numbers) -> Column | None:
    """g (d + L)."""
    factor, scale = _scaled_integer(upstream[0])
    return _logs(row, [drop * factor for drop in row.drops], factor, scale)


def dense_xent(row: Row, labels: Numbers, _upstream: Numbers) -> Column | None:
    """sum z d + Z L."""
    z, scale = _scaled_integers(labels)
    return _logs(row, [sum(map(mul, z, row.drops))], sum(z), scale)


def _logs(row: Row, numbers: list[int], factor: int, scale: int) -> Column | None:
    """2**-scale (number u + factor L)."""
    log, shift = row.log * factor, row.log_scale - BITS
    return _linear(row, [(number << shift) + log for number in numbers], log, scale)


def _linear(row: Row, digits: list[int], log: int, scale: int) -> Column | None:
    """Make a column of exact numbers plus a multiple of L."""
    return _column(digits, [-row.log_scale - scale] * len(digits), _error(abs(log), row.deepest + 12))


def log_softmax_grad(row: Row, _labels: Numbers, upstream: Numbers) -> Column | None:
    """g - p sum g."""
    return _excess(row, *_scaled_integers(upstream))


def sparse_xent_grad(row: Row, labels: Numbers, upstream: Numbers) -> Column | None:
    """g (p - [label])."""
    g, scale = _scaled_integer(upstream[0])
    z = [0] * len(row.drops)
    z[int(labels[0])] = -g
    return _excess(row, z, scale)


def dense_xent_grad(row: Row, labels: Numbers, upstream: Numbers) -> Column | None:
    """g (Z p - z)."""
    (g, g_scale), (z, scale) = _scaled_integer(upstream[0]), _scaled_integers(labels)
    return _excess(row, [-g * y for y in z], g_scale + scale)


def _excess(row: Row, z: list[int], scale: int) -> Column | None:
    """2**-scale (z - p sum z); at the peak (z k - sum z + z t) / S, whose start is exact: z dt and 1 / S are off."""
    z_sum = sum(z)
    inverse, below = row.inverse * z_sum, BITS + row.inverse_scale
    error = ((2 * row.deepest + 22) * abs(inverse)).bit_length()
    digits, exponents, errors = [], [], []
    for y, drop, n, term in zip(z, row.drops, row.halvings, row.terms, strict=True):
        if drop:
            digits.append((y << below + n) - term * inverse if y else -term * inverse)
            exponents.append(-below - n - scale)
            errors.append(error)
        else:
            part = y * row.rest
            top = (y * row.ties - z_sum << row.scale) + part
            digits.append(top * row.inverse)
            exponents.append(-row.scale - row.inverse_scale - scale)
            errors.append((_error(abs(part) + abs(top), row.deepest + 12) * row.inverse).bit_length())
    return Column(digits, exponents, errors) if z_sum else None


def softmax_grad(row: Row, _labels: Numbers, upstream: Numbers) -> Column | None:
    """p (g - sum g p) = e**-d (a S - A) / S**2, A = sum a e**-d, with a = g less its value at the peak.

    Where |a| <= G, A and a S are each off by at most G dt: dt is more than any part of it. e**-d / S**2: 3 N + 34.
    """
    g, scale = _scaled_integers(upstream)
    base = g[row.drops.index(0)]
    a = [y - base for y in g]
    largest = max(map(abs, a))
    tilt = sum(map(mul, a, row.aligned))
    loss = _error(2 * largest * row.rest, row.deepest + 10)
    square = row.inverse * row.inverse >> BITS
    below = row.scale + 2 * row.inverse_scale + scale
    tops = [y * row.sum - tilt for y in a]
    digits = [term * top * square for term, top in zip(row.terms, tops, strict=True)]
    errors = [((_error(abs(top), 3 * row.deepest + 36) + loss) * square << BITS).bit_length() for top in tops]
    return Column(digits, [-below - n for n in row.halvings], errors) if largest else None


def _error(number: int, units: int) -> int:
    """Return the error of a number that is off by so many units u, relative; rounded up."""
    return -(-number * units >> BITS)


def _column(digits: list[int], exponents: list[int], error: int) -> Column | None:
    """Make a column of numbers of one error; None where it is 0."""
    return Column(digits, exponents, [error.bit_length()] * len(digits)) if error else None


def _scaled_integer(value: float) -> tuple[int, int]:
    """Return a number as an integer and its scale: how often that is halved."""
    numerator, denominator = value.as_integer_ratio()
    return numerator, denominator.bit_length() - 1


def _scaled_integers(values: Sequence[float]) -> tuple[list[int], int]:
    """Return numbers as integers of one scale."""
    ratios = [value.as_integer_ratio() for value in values]
    last = max(denominator for _, denominator in ratios)
    return [numerator * (last // denominator) for numerator, denominator in ratios], last.bit_length() - 1


BY_ROW: dict[tuple[str, str], Formula] = {
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
