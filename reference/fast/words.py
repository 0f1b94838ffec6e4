"""Double-word arithmetic: unevaluated sums hi + lo of two float64, about 106 bits, each bound stated.

The formulas are written once and work on numbers and on arrays alike: numpy applies them to arrays, and where numba is
installed it compiles them as they stand (`reference.fast.compiled.arithmetic`). So they are plain expressions without
branches, and `+=` changes an array of a formula's own in place, which is half of numpy's time.

A pair is (hi, lo) with |lo| <= ulp(hi) / 2. u = 2**-53. Bounds are relative unless said otherwise and come from Joldes,
Muller & Popescu, "Tight and rigorous error bounds for basic building blocks of double-word arithmetic", ACM TOMS 44(2),
2017, cited below as JMP; what is charged here is rounded up. They hold where nothing over- or underflows, which is the
caller's business: keep factors within 2**-480 and 2**480 (Dekker's product also splits into 2**27 times its operand).

The error-free transforms hold where each operation is rounded by itself and in the order written. numpy does so. numba
does so without `fastmath`: LLVM fuses a product and a sum only where it is allowed to, and a test reads the machine
code.
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
UNKNOWN = 2.0**-60  # a wider radius is none
LEADING = -(1 << 26)  # the bits of float64 but for the last 26


def two_sum(a: Array, b: Array | float) -> Pair:
    """Return a + b exactly (Knuth); in any order of size, subnormal numbers included."""
    s = a + b
    c = s - a
    e = c - s
    e += a
    c -= b
    e -= c
    return s, e


def fast_two_sum(a: Array, b: Array) -> Pair:
    """Return a + b exactly for |a| >= |b| (Dekker)."""
    s = a + b
    e = a - s
    e += b
    return s, e


def difference(a: Array, b: Array) -> Pair:
    """Return a - b exactly, as `two_sum` of a and -b does."""
    s = a - b
    c = s - a
    e = c - s
    e += a
    c += b
    e -= c
    return s, e


def cut(a: Pair, first: Array, second: Array) -> tuple[Array, Array, Array]:
    """Return a's hi on the grid of first's ulps, what is left of it on that of second's, both exactly, and the rest."""
    coarse = a[0] + first
    coarse -= first
    rest = a[0] - coarse
    fine = rest + second
    fine -= second
    rest -= fine
    rest += a[1]
    return coarse, fine, rest


def split(a: Array) -> Pair:
    """Return a as a sum of two numbers of 26 bits (Veltkamp)."""
    c = a * 134217729.0  # 2**27 + 1
    high = a - c
    high += c
    return high, a - high


def halved(a: Array) -> Pair:
    """Return a as a sum of its first 27 bits and the other 26, of one sign: half of the work of `split`."""
    high = float_of(bits(a) & LEADING)
    return high, a - high


def tail(product: Array, a: Pair, b: Pair) -> Array:
    """Return what a product of two split numbers lost to rounding, exactly (Dekker); one of them may be halved.

    With A and B the numbers' 53 bits as integers, A0 and B0 their first parts and A1 and B1 the second: every product
    of parts has at most 53 bits, and what is left of A B after each step is an exact float64, being 2**80 at most and a
    multiple of 2**52 (as their rounded product is), then A1 B and half an ulp, below 2**79 + 2**52 and a multiple of
    2**26, or of 2**27 where B is halved; then A1 B1 and half an ulp, whole numbers of 2**52 at most each.
    """
    e = a[0] * b[0]
    e -= product
    e += a[0] * b[1]
    e += a[1] * b[0]
    e += a[1] * b[1]
    return e


def two_prod(a: Array, b: Array) -> Pair:
    """Return a * b exactly."""
    product = a * b
    return product, tail(product, halved(a), split(b))


def negative(a: Pair) -> Pair:
    """Return -a."""
    return -a[0], -a[1]


def add_bounded(a: Pair, b: Pair | tuple[float, float]) -> tuple[Pair, Array]:
    """Return a + b as `add` does, and how far off it is at most, in absolute terms: 0 where the sum is exact."""
    s, s_low = two_sum(a[0], b[0])
    t, t_low = two_sum(a[1], b[1])
    c, c_lost = two_sum(s_low, t)
    v, v_low = fast_two_sum(s, c)
    w, w_lost = two_sum(t_low, v_low)
    bound = np.abs(c_lost)
    bound += np.abs(w_lost)
    bound *= UPWARDS
    return fast_two_sum(v, w), bound


def add(a: Pair, b: Pair | tuple[float, float]) -> Pair:
    """Return a + b within ADD, whatever cancels (JMP algorithm 6, AccurateDWPlusDW)."""
    s, s_low = two_sum(a[0], b[0])
    t, t_low = two_sum(a[1], b[1])
    s_low += t
    v, v_low = fast_two_sum(s, s_low)
    v_low += t_low
    return fast_two_sum(v, v_low)


def add_same_sign(a: Pair, b: Pair) -> Pair:
    """Return a + b within ADD for operands of one sign (JMP theorem 3.2, SloppyDWPlusDW: 3 u**2)."""
    s, low = two_sum(a[0], b[0])
    low += a[1] + b[1]
    return fast_two_sum(s, low)


def multiply(a: Pair, b: Pair) -> Pair:
    """Return a * b within MULTIPLY (JMP algorithm 10, DWTimesDW1)."""
    product, low = two_prod(a[0], b[0])
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


STEPS_BITS = 14
STEPS = 1 << STEPS_BITS  # table entries; e**-d = 2**-(step / STEPS) e**-r with |r| <= log(2) / STEPS / 2 = 2**-15.53
DEEPEST = 7e8  # the largest d whose e**-d is computed, 2**-1.01e9
REDUCED = 1400.0  # up to here step < 2**25 and one reduction does
ROUNDER = 6755399441055744.0  # 1.5 * 2**52: added, it rounds to an integer, which is then in the lowest bits
ROUNDER_BITS = 4843621399236968448


def pieces_of_log_2(bits: tuple[int, ...], scale_bits: int) -> list[float]:
    """Return log(2) / 2**scale_bits in pieces on grids of 2**-bits, the last one a whole float64."""
    rest = int(libmp.to_int(libmp.mpf_shift(libmp.mpf_ln2(600), 500 - scale_bits)))
    pieces = []
    for count in bits:
        piece = rest >> (500 - count)
        pieces.append(piece / 2**count)
        rest -= piece << (500 - count)
    return [*pieces, rest / 2**500]


# step * C1 < 2**53 * 2**-42 and step * C2 are exact for step < 2**25.
C1, C2, C3 = pieces_of_log_2((42, 70), STEPS_BITS)
PER_STEP = STEPS / float(np.log(2))


def exp_radius(d: Array) -> Array:
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
    return 2.0**-97 * (1 + where(d > REDUCED, REDUCED, d) / 16) + 2.0**-116 * d


def expm1_radius(d: Array) -> Array:
    """Return the relative error bound of 1 - e**-d below 2**-15.5, where d is a float64 and no table is needed.

    The cubic's four roundings 2**-53.6 d**2 and r**5 / 720, two of the tail (u d**2 / 6 each), and 3 u 2**-42 for the
    square's second half: together 2**-52.7 d**2 + 2**-93.4.
    """
    return 2.0**-52 * (d * d) + 2.0**-92


@cache
def table() -> Array:
    """Return 2**-(i / STEPS) as two rows, hi and lo, good to 2**-107."""
    fine = 256
    step = libmp.mpf_neg(libmp.mpf_shift(libmp.mpf_ln2(fine + 64), -STEPS_BITS))
    factor = int(libmp.to_int(libmp.mpf_shift(libmp.mpf_exp(step, fine + 64), fine)))
    root = 1 << fine
    entries = np.empty((2, STEPS))
    for i in range(STEPS):
        hi = root / (1 << fine)  # Python divides integers with correct rounding
        entries[:, i] = hi, (root - (int(hi * 2.0**53) << (fine - 53))) / (1 << fine)
        root = root * factor >> fine
    return entries


def bits(a: Array) -> Array:
    """Return the bits of float64 numbers, as an int64 array in the same memory."""
    return a.view(np.int64)


def float_of(a: Array) -> Array:
    """Return the float64 numbers of such bits."""
    return a.view(np.float64)


def power_of_two(a: Array) -> Array:
    """Tell which float64 numbers are normal powers of two, of either sign, or 0."""
    return (bits(a) & 0x000FFFFFFFFFFFFF) == 0


def where(mask: Array, a: Array | float, b: Array | float) -> Array:
    """Return a where the mask holds, else b."""
    return np.where(mask, a, b)


def power(exponent: Array) -> Array:
    """Return 2**exponent for int64 exponents of normal float64 numbers."""
    return float_of((exponent + 1023) << 52)


def reduced(d: Pair) -> tuple[Array, Pair]:
    """Return the table step, int64, and e**-r - 1 as a sum of two, |second| <= 2**-42."""
    rounded = d[0] * PER_STEP
    rounded += ROUNDER
    step = rounded - ROUNDER
    # The difference is exact (Sterbenz), and a multiple of the second's ulp, which is all that Dekker's sum needs.
    r, r_low = fast_two_sum(d[0] - step * C1, step * -C2)
    step *= -C3
    step += d[1]
    r_low += step
    # r**2 / 2 = s**2 / 2 + e (s + e / 2), with s the leading 26 bits of r, whose square is exact.
    s = r + 3072.0  # its ulp is 2**-41
    s -= 3072.0
    e = r - s
    e += r_low
    half = e * 0.5
    half += s
    e *= half
    whole = r + r_low
    rest = whole * (-1 / 120)
    rest += 1 / 24
    rest *= whole
    rest -= 1 / 6
    rest *= whole
    whole *= whole
    rest *= whole
    rest += e
    rest -= r_low
    s *= s
    s *= 0.5
    high = s - r  # and what it lost, as `fast_two_sum` of -r has it: |r| >= s**2 / 2
    low = s - (high + r)
    low += rest
    return bits(rounded) - ROUNDER_BITS, (high, low)


def from_table(t: Pair, rest: Pair) -> Pair:
    """Return t (1 + rest) for an entry t of the table."""
    t_high = t[0] + 100663296.0  # 1.5 * 2**26: leading bits cut on a fixed grid, as 1/2 < t <= 1
    t_high -= 100663296.0
    product = t[0] * rest[0]
    low = tail(product, (t_high, t[0] - t_high), halved(rest[0]))
    low += t[1] * rest[0]
    cross = t[0] * rest[1]
    cross += t[1]
    low += cross
    high, lost = fast_two_sum(t[0], product)
    lost += low
    return fast_two_sum(high, lost)


def shifted(a: Pair, step: Array) -> Pair:
    """Return a * 2**-(step // STEPS), within the normal range."""
    size = float_of((1023 - (step >> STEPS_BITS)) << 52)
    return a[0] * size, a[1] * size


def log1p_step(a: Pair, y: Array, x: Pair, step: Array, rest: Pair) -> tuple[Pair, Array]:
    """Return log(1 + a) from y near it, x = e**-y, and what `reduced` said of y; see `log1p`."""
    near = step == 0
    less = add(x, (-1.0, 0.0))
    less = fast_two_sum(where(near, rest[0], less[0]), where(near, rest[1], less[1]))
    rho, rho_low = add(multiply(a, x), less)
    high, low = fast_two_sum(y, rho)
    low = low + (rho_low - 0.5 * rho * rho)
    radius = where(near, expm1_radius(y), exp_radius(y) / where(near, 1.0, y)) + 16 * SQUARE
    failed = (np.abs(rho) > 2.0**-40) | (np.abs(rho) > 2.0**-45 * y)
    return fast_two_sum(high, low), where(failed, np.inf, radius)
