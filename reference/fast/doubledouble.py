"""Double-double numbers in numpy: unevaluated sums hi + lo of two float64, about 106 bits, each bound stated.

A pair is (hi, lo) with |lo| <= ulp(hi) / 2. u = 2**-53. Bounds are relative unless said otherwise and come from Joldes,
Muller & Popescu, "Tight and rigorous error bounds for basic building blocks of double-word arithmetic", ACM TOMS 44(2),
2017, cited below as JMP; what is charged here is rounded up. They hold where nothing over- or underflows, which is the
caller's business: keep factors within 2**-480 and 2**480 (Dekker's product also splits into 2**27 times its operand).

numpy has no fused multiply-add and never contracts an expression, so the error-free transforms are safe; do not move
this file to a compiler that does.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from mpmath import libmp

from harness.model import Array

Pair = tuple[Array, Array]

U = 2.0**-53
SQUARE = 2.0**-106  # u**2
ADD = 4 * SQUARE  # JMP theorem 3.1: 3 u**2 + 13 u**3
MULTIPLY = 8 * SQUARE  # JMP theorem 5.1 (algorithm 10): 7 u**2
TIMES = 4 * SQUARE  # JMP theorem 4.1 (algorithm 7): 3/2 u**2 + 4 u**3
UPWARDS = 1 + 2.0**-40  # what bounds computed in float64 are rounded up by
DIVIDE = 16 * SQUARE  # JMP theorem 6.2 (algorithm 17): 15 u**2 + 56 u**3


def two_sum(a: Array, b: Array) -> Pair:
    """Return a + b exactly (Knuth); in any order of size, subnormal numbers included."""
    s = a + b
    c = s - a
    e = s - c
    np.subtract(a, e, out=e)
    np.subtract(b, c, out=c)
    e += c
    return s, e


def fast_two_sum(a: Array, b: Array) -> Pair:
    """Return a + b exactly for |a| >= |b| (Dekker)."""
    s = a + b
    e = s - a
    np.subtract(b, e, out=e)
    return s, e


def split(a: Array) -> Pair:
    """Return a as a sum of two numbers of 26 bits (Veltkamp)."""
    c = a * 134217729.0  # 2**27 + 1
    high = c - a
    np.subtract(c, high, out=high)
    return high, a - high


def _tail(product: Array, a: Pair, b: Pair) -> Array:
    """Return what a product of two split numbers lost to rounding, exactly (Dekker)."""
    e = a[0] * b[0]
    e -= product
    e += a[0] * b[1]
    e += a[1] * b[0]
    e += a[1] * b[1]
    return e


def two_prod(a: Array, b: Array) -> Pair:
    """Return a * b exactly."""
    product = a * b
    return product, _tail(product, split(a), split(b))


def negative(a: Pair) -> Pair:
    """Return -a."""
    return -a[0], -a[1]


def add(a: Pair, b: Pair) -> Pair:
    """Return a + b within ADD, whatever cancels (JMP algorithm 6, AccurateDWPlusDW)."""
    return add_bounded(a, b)[0]


def add_bounded(a: Pair, b: Pair) -> tuple[Pair, Array]:
    """Return a + b as `add` does, and how far off it is at most, in absolute terms: 0 where the sum is exact."""
    s, s_low = two_sum(a[0], b[0])
    t, t_low = two_sum(a[1], b[1])
    c, c_lost = two_sum(s_low, t)
    v, v_low = fast_two_sum(s, c)
    w, w_lost = two_sum(t_low, v_low)
    return fast_two_sum(v, w), (np.abs(c_lost) + np.abs(w_lost)) * UPWARDS


def add_same_sign(a: Pair, b: Pair) -> Pair:
    """Return a + b within ADD for operands of one sign (JMP theorem 3.2, SloppyDWPlusDW: 3 u**2)."""
    s, low = two_sum(a[0], b[0])
    low += a[1] + b[1]
    return fast_two_sum(s, low)


def multiply(a: Pair, b: Pair, b_split: Pair | None = None) -> Pair:
    """Return a * b within MULTIPLY (JMP algorithm 10, DWTimesDW1); b_split, where known, is split(b[0])."""
    product = a[0] * b[0]
    low = _tail(product, split(a[0]), split(b[0]) if b_split is None else b_split)
    cross = a[0] * b[1]
    cross += a[1] * b[0]
    low += cross
    return fast_two_sum(product, low)


def times(a: Pair, b: Array) -> Pair:
    """Return a * b for a float64 b within TIMES; exact where a[1] is 0 or b a power of two (JMP algorithm 7)."""
    product, low = two_prod(a[0], b)
    high, rest = fast_two_sum(product, a[1] * b)
    rest += low
    return fast_two_sum(high, rest)


def divide(a: Pair, b: Pair) -> Pair:
    """Return a / b within DIVIDE (JMP algorithm 17, DWDivDW2)."""
    quotient = a[0] / b[0]
    back = times(b, quotient)
    rest = (a[0] - back[0]) + (a[1] - back[1])
    return fast_two_sum(quotient, rest / b[0])


def scale(a: Pair, exponent: Array) -> Pair:
    """Return a * 2**exponent; what underflows goes to 0."""
    exponent = np.clip(exponent, -3000, 3000).astype(np.int32)
    return np.ldexp(a[0], exponent), np.ldexp(a[1], exponent)


def power_of_two(a: Array) -> Array:
    """Tell which float64 numbers are normal powers of two, of either sign, or 0."""
    bits = np.ascontiguousarray(a).view(np.int64)
    return (bits & 0x000FFFFFFFFFFFFF) == 0


def total(a: Pair, axis: int) -> tuple[Pair, Array]:
    """Return the sum along an axis (kept, of size 1) and an absolute error bound; 0 where the sum is exact.

    As in AccSum (Rump, Ogita & Oishi, SIAM J. Sci. Comput. 31(1), 2008): two extractions take the leading bits of every
    hi on a common grid, coarse enough for n of them to add up exactly in any order. What is left, r + lo, is added in
    float64: with any order of n numbers each rounded once, the error is below (n + 3) u sum |r + lo| (Higham,
    Accuracy and Stability of Numerical Algorithms, 2nd ed., 4.2).
    """
    (first, second), rest = _extract(a[0], axis)
    rest += a[1]
    third = rest.sum(axis=axis, keepdims=True)
    bound = (a[0].shape[axis] + 3) * U * np.abs(rest, out=rest).sum(axis=axis, keepdims=True)
    high, low = two_sum(first, second)
    end = low + third
    return two_sum(high, end), bound + np.where(third == 0, 0.0, U * np.abs(end))


def total_positive(a: Pair, axis: int) -> Pair:
    """Return the sum of positive pairs along an axis within `total_positive_bound`, faster than `total`."""
    (first, second), rest = _extract(a[0], axis)
    rest += a[1]
    high, low = two_sum(first, second)
    low += rest.sum(axis=axis, keepdims=True)
    return two_sum(high, low)


def total_positive_bound(count: int) -> float:
    """Return the relative error of `total_positive`.

    The rests are at most half the second grid, 2**(2 g - 106) max hi with g the guard bits, and |lo| <= u hi; so
    sum |r + lo| <= (n 2**(2 g - 106) + u) sum hi, of which (n + 3) u is lost, and the last addition loses 3 u**2.
    """
    guard = _guard(count)
    return (count + 3) * U * (count * 2.0 ** (2 * guard - 106) + U) + 3 * SQUARE


def _guard(count: int) -> int:
    return count.bit_length() + 1


def _extract(a: Array, axis: int) -> tuple[Pair, Array]:
    """Return two exact sums along an axis and what of every element they left out.

    With |a| < 2**p the first grid is 2**(p + g - 53): n numbers of at most 2**p + one grid step add up to less than
    2**53 steps, as g = bit_length(n) + 1. Its rests are at most half a step, so the second grid starts there.
    """
    guard = _guard(a.shape[axis])
    top = np.frexp(np.maximum(a.max(axis=axis, keepdims=True), -a.min(axis=axis, keepdims=True)))[1]
    sums = []
    rest = a
    for exponent in (top + guard, top + 2 * guard - 53):
        magic = np.ldexp(1.5, np.maximum(exponent - 1, -1000))  # its ulp is the grid, 2**(exponent - 53)
        grid = rest + magic
        grid -= magic
        sums.append(grid.sum(axis=axis, keepdims=True))
        rest = np.subtract(rest, grid, out=grid)
    return (sums[0], sums[1]), rest


STEPS_BITS = 14
STEPS = 1 << STEPS_BITS  # table entries; e**-d = 2**-(step / STEPS) e**-r with |r| <= log(2) / STEPS / 2 = 2**-15.53
DEEPEST = 7e8  # the largest d whose e**-d is computed, 2**-1.01e9
REDUCED = 1400.0  # up to here step < 2**25 and one reduction does


def _constants(bits: tuple[int, ...], scale_bits: int) -> list[float]:
    """Return log(2) / 2**scale_bits in pieces on grids of 2**-bits, the last one a whole float64."""
    rest = int(libmp.to_int(libmp.mpf_shift(libmp.mpf_ln2(600), 500 - scale_bits)))
    pieces = []
    for count in bits:
        piece = rest >> (500 - count)
        pieces.append(piece / 2**count)
        rest -= piece << (500 - count)
    return [*pieces, rest / 2**500]


# step * C1 < 2**53 * 2**-42 and step * C2 are exact for step < 2**25.
C1, C2, C3 = _constants((42, 70), STEPS_BITS)
A1, A2, A3, A4 = _constants((22, 44, 66), 0)  # n * A1, A2, A3 are exact for n < 2**31
PER_STEP = STEPS / float(np.log(2))


def exp_radius(d: Array | float) -> Array:
    """Return the relative error bound of `exp_minus` at arguments of at most d.

    With |r| <= 2**-15.5, |d_lo| <= u d, d <= 1400; absolute errors in units where e**-r is about 1:
      reduction   step C3 and the sums with d_lo: 2**-104.5 d
      cubic       six roundings of r**3 / 6 <= 2**-49.1: 2**-99.3; r**6 / 720: 2**-102.6
      tail        three roundings of at most |d_lo| + 2**-49: 2**-100.4 + 2**-104.7 d
      table       its 2**-106, and 4 roundings of at most |tail| + 2**-54, twice because it may be 1/2:
                  2**-98.9 + 2**-102.8 d
    together 2**-97.8 + 2**-102 d, charged as 2**-97 (1 + d / 16). Beyond 1400, n A4 is rounded: 2**-118 d, charged
    2**-116 d, and the rest of d is below 1.
    """
    return 2.0**-97 * (1 + np.minimum(d, REDUCED) / 16) + 2.0**-116 * np.asarray(d)


def expm1_radius(d: Array) -> Array:
    """Return the relative error bound of 1 - e**-d below 2**-15.5, where d is a float64 and no table is needed.

    The cubic's four roundings 2**-53.6 d**2 and r**5 / 720, two of the tail (u d**2 / 6 each), and 3 u 2**-42 for the
    square's second half: together 2**-52.7 d**2 + 2**-93.4.
    """
    return 2.0**-52 * d**2 + 2.0**-92


@cache
def _table() -> Pair:
    """Return 2**-(i / STEPS) as pairs, good to 2**-107."""
    bits = 256
    step = libmp.mpf_neg(libmp.mpf_shift(libmp.mpf_ln2(bits + 64), -STEPS_BITS))
    factor = int(libmp.to_int(libmp.mpf_shift(libmp.mpf_exp(step, bits + 64), bits)))
    root = 1 << bits
    hi, lo = np.empty(STEPS), np.empty(STEPS)
    for i in range(STEPS):
        hi[i] = root / (1 << bits)  # Python divides integers with correct rounding
        lo[i] = (root - (int(hi[i] * 2.0**53) << (bits - 53))) / (1 << bits)
        root = root * factor >> bits
    return hi, lo


def _bring_down(d: Pair) -> tuple[Pair, Array]:
    """Return d - n log 2 with 0 <= it < 1 and n where d is beyond REDUCED; d and 0 elsewhere."""
    n = np.where(d[0] > REDUCED, np.floor(d[0] * (1 / np.log(2))), 0.0)
    zero = np.zeros_like(n)
    rest = two_sum(d[0], -n * A1)
    for part in (-n * A2, -n * A3, d[1], -n * A4):
        rest = add(rest, (part, zero))
    return rest, n.astype(np.int64)


def _reduced(d: Pair) -> tuple[Array, Pair]:
    """Return the table step and e**-r - 1 as a sum of two, |second| <= 2**-42."""
    step = d[0] * PER_STEP
    np.rint(step, out=step)
    r = d[0] - step * C1  # exact (Sterbenz)
    r, r_low = two_sum(r, step * -C2)
    step_c3 = step * C3
    np.subtract(d[1], step_c3, out=step_c3)
    r_low += step_c3
    # r**2 / 2 = s**2 / 2 + e (s + e / 2), with s the leading 26 bits of r, whose square is exact.
    s = r + 3072.0  # its ulp is 2**-41
    s -= 3072.0
    e = r - s
    e += r_low
    half = e * 0.5
    half += s
    e *= half
    np.multiply(s, s, out=half)
    half *= 0.5
    whole = np.add(r, r_low, out=s)
    tail = whole * (-1 / 120)
    tail += 1 / 24
    tail *= whole
    tail -= 1 / 6
    tail *= whole
    np.multiply(whole, whole, out=whole)
    tail *= whole
    tail += e
    tail -= r_low
    np.negative(r, out=r)
    high, low = fast_two_sum(r, half)  # |r| >= s**2 / 2
    low += tail
    return step, (high, low)


def exp_minus(d: Pair) -> tuple[Pair, Array]:
    """Return e**-d as a pair p and integers q, e**-d = p 2**-q, with 0.499 < p <= 1, within `exp_radius`.

    d: 0 <= d <= DEEPEST. Exactly 1 at 0.
    """
    brought = None
    if d[0].size and d[0].max() > REDUCED:
        d, brought = _bring_down(d)
    step, rest = _reduced(d)
    return _from_table(step, rest, brought)


def _from_table(step: Array, rest: Pair, brought: Array | None = None) -> tuple[Pair, Array]:
    table_hi, table_lo = _table()
    whole = step.astype(np.int64)
    index = whole & (STEPS - 1)
    whole >>= STEPS_BITS
    if brought is not None:
        whole += brought
    t, t_low = table_hi.take(index), table_lo.take(index)
    # t (1 + rest), t's leading bits cut on a fixed grid, as 1/2 < t <= 1.
    t_high = t + 100663296.0  # 1.5 * 2**26
    t_high -= 100663296.0
    product = t * rest[0]
    tail = _tail(product, (t_high, t - t_high), split(rest[0]))
    tail += t_low * rest[0]
    t_low += t * rest[1]
    tail += t_low
    high, low = fast_two_sum(t, product)
    low += tail
    return fast_two_sum(high, low), whole


def log1p(a: Pair) -> tuple[Pair, Array]:
    """Return log(1 + a) for a = 0 or 2**-480 <= a <= 2**480, and its relative error bound (inf where it failed).

    One Newton step from the C library's y = log1p(a), which is not trusted: with X = e**-y, rho = a X + (X - 1) is
    (1 + a) / e**y - 1, and log(1 + a) = y + rho - rho**2 / 2 + rho**3 / 3 - ...
    The error of X is that of `exp_minus`, which counts once in rho, relative to y; below the table's first step X - 1
    comes without the 1 and is good to `expm1_radius`. To it, 8 u**2 from a X <= log(1 + a), and 8 u**2 for the rest.
    """
    zero = np.zeros_like(a[0])
    y = np.log1p(a[0])
    step, rest = _reduced((y, zero))
    x, q = _from_table(step, rest)
    x = scale(x, -q)
    less = add(x, (zero - 1, zero))
    near = step == 0
    less = fast_two_sum(np.where(near, rest[0], less[0]), np.where(near, rest[1], less[1]))
    rho, rho_low = add(multiply(a, x), less)
    rho_low -= 0.5 * rho * rho
    high, low = fast_two_sum(y, rho)
    low += rho_low
    radius = np.where(near, expm1_radius(y), exp_radius(y) / np.where(near, 1.0, y)) + 16 * SQUARE
    failed = (np.abs(rho) > 2.0**-40) | (np.abs(rho) > 2.0**-45 * y)
    return fast_two_sum(high, low), np.where(failed, np.inf, radius)
