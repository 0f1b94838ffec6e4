"""e**-d of fixed-point numbers by table and series, proved for all arguments at once: half the price of mpmath's exp.

Numbers are integers in units of u = 2**-BITS. For integers D >= 0, d = D u, `decays` returns n and v with

    e**-d = v 2**-n u (1 + eta),   |eta| <= (n + LOSS) u,   2**(BITS - 1) - 8 <= v <= 2**BITS,

and v = 2**BITS exactly where D = 0. How: D = n LN2 + r, r = a 2**-STEP + b 2**-(2 STEP) + tau (in units of 1),
e**-r = e**-a.. e**-b.. e**-tau, the first two from tables, the last from its series to tau**7. In units of u:

    n          LN2 is off ln 2 by at most 0.51, so n LN2 is off by 0.51 n.
    tables     Every entry is off by at most 0.51. A first one is at least 1/2, since a 2**-STEP <= r < ln 2: 1.02
               relative; a second one is at least 1 - 2**-12: 0.52 relative.
    series     tau < 2**-24. s_k = c_k - floor(tau s_(k+1)) and |c_k - 1/k!| <= 1/2, so its error is E_k <= 1.5 +
               2**-24 E_(k+1), E_7 <= 1/2, and E_0 <= 1 + 2**-23, c_0 being exact. What is left out is below tau**8 / 8!
               < 2**-192 2**-15 = 2**-15 u. e**-tau > 1 - 2**-24, so 1.01 relative.
    products   Two floors of a number above 1/2 (1 - 2**-11): 2.01 relative each.

Together 0.51 n + 6.57; LOSS = 8 also takes in the products of errors, (n + 8)**2 u. Every factor is at most 1, and
r = 0 gives 1 at each step. Tables are mpmath's at GUARD bits more, trusted to 4 ulps as in `reference.arbiter.ball`;
so rounding them leaves 0.5 + 2**-17.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import factorial

from mpmath import libmp

BITS = 192
LOSS = 8
STEP = 12
TERMS = 7  # fits BITS and STEP: 2 STEP (TERMS + 1) >= BITS
GUARD = 20

Tables = tuple[int, list[int], list[int], list[int]]


@cache
def tables() -> Tables:
    """Return ln 2, e**-(a 2**-STEP) up to ln 2, e**-(b 2**-(2 STEP)) up to 2**-STEP, and 1/k!, all in units of u."""
    ln2 = _nearest(libmp.mpf_ln2(BITS + GUARD))
    coarse = [_table_entry(a, STEP) for a in range((ln2 >> (BITS - STEP)) + 1)]
    fine = [_table_entry(b, 2 * STEP) for b in range(1 << STEP)]
    return ln2, coarse, fine, [((1 << BITS) + factorial(k) // 2) // factorial(k) for k in range(TERMS + 1)]


def _table_entry(numerator: int, step: int) -> int:
    return _nearest(libmp.mpf_exp(libmp.from_man_exp(-numerator, -step), BITS + GUARD))


def _nearest(number: tuple[int, int, int, int]) -> int:
    return int(libmp.to_int(libmp.mpf_shift(number, BITS), "n"))  # int: as fast as gmpy2's at this length, and float()


def decays(drops: Iterable[int]) -> tuple[list[int], list[int]]:
    """Return every n, and every v; see the module."""
    ln2, coarse, fine, (c0, c1, c2, c3, c4, c5, c6, c7) = tables()
    bits, high, low = BITS, BITS - STEP, BITS - 2 * STEP
    below_high, below_low = (1 << high) - 1, (1 << low) - 1
    halvings, values = [], []
    for drop in drops:
        n, r = divmod(drop, ln2)
        t = r & below_low
        s = c5 - (t * (c6 - (t * c7 >> bits)) >> bits)
        s = c2 - (t * (c3 - (t * (c4 - (t * s >> bits)) >> bits)) >> bits)
        s = c0 - (t * (c1 - (t * s >> bits)) >> bits)
        halvings.append(n)
        values.append((coarse[r >> high] * fine[(r & below_high) >> low] >> bits) * s >> bits)
    return halvings, values
