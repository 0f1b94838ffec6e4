"""How many roundings a term of a row's sum goes through: none in exact rows, and three heights elsewhere.

Exact sums
----------
A sum whose terms are multiples of one quantum, and whose sizes add up to at most 2**p quanta, is exact in p bits in any
order, blocking or tree, because every partial sum is such a multiple of no more than that size. A row is *exact* where
its largest logit is 0 and every other is 0 too, or lies beyond the `cut`: k terms e**0 = 1, all others 0. Then S = k
with H = 0, however many classes there are, as long as k <= 2**p: 2**24 in float32, 2048 in float16, 256 in bfloat16.
The maximum has to be 0, so that it does not matter what a sound algorithm shifts by: the maximum, the next whole
number above it, or nothing. e**0 is 1 by IEEE 754-2019 (9.2.1) and C's annex F; in the format that is computed in it is
allowed KE u all the same, and rounded to 16 bits it is 1. Where k is a power of two, quotients by it and products with
1 / k are not rounded either; where k = 1, log k is 0.

The cut. With p bits and the smallest normal number 2**emin, e**-d is rounded to 0 from 2**(emin - p) down, half the
smallest subnormal. A sound exp is good to KE u, or, by powers of two, to 1.224 u d more; at d = 750 both are below
2**-13 in float32 and less in float64, so a quarter of that half leaves room for any: d >= (p + 2 - emin) log 2, which
is 105.4 in float32 and 746.5 in float64. Hardware that flushes subnormals has its 0 earlier. 16-bit formats are
computed in float32, so theirs is float32's cut; the native one lies nearer (18.7 in float16, 94.3 in bfloat16).

Heights
-------
    worst     n - 1: each of n - 1 additions errs by u, all in one direction
    chance    LAMBDA sqrt((n - 1) / 3): the errors behave like chance
    pairwise  8 + log2 n: sums in pairs, over runs or lanes of a few terms

Chance, after Higham & Mary, "A new approach to probabilistic rounding error analysis", SIAM J. Sci. Comput. 41(5),
2019, with their model (errors of mean 0, independent) and Wilkinson's (uniform between the two nearest numbers): the
error of a sum is a sum of at most n - 1 errors of at most u S each. A uniform variable on +-a is sub-Gaussian with
variance a**2 / 3, so by Hoeffding's inequality it exceeds LAMBDA u S sqrt((n - 1) / 3) with a probability of at most
2 exp(-LAMBDA**2 / 2): 7.5e-6 a row at LAMBDA = 5. On rows drawn by chance a running sum in float32 reaches 0.8 sqrt(n),
a quarter of that. A sum that loses its tail errs in one direction, and does not behave like chance.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from harness.model import Array, Format

Size = TypeVar("Size", "float", "Array", "float | Array")  # of one row, or of rows of several widths

LONG = 2_048  # classes from which a row counts as long, and from which its heights are told apart
LAMBDA = 5.0
FALSE_ALARM = 2 * math.exp(-(LAMBDA**2) / 2)  # of a row, for a sum whose errors are chance
LEAVES = 8.0  # terms that a sum in pairs adds up one by one


def cut(inner: Format) -> float:
    """Return the gap to the maximum from which e**-d is 0 in whatever a format is computed in."""
    return (inner.precision + 2 - inner.emin) * math.log(2)


def exact(x: Array, inner: Format) -> Array:
    """Tell which rows are exact, (rows, 1): every logit 0, or beyond the cut below a maximum of 0."""
    return np.asarray((x.max(axis=1, keepdims=True) == 0) & ((x == 0) | (x <= -cut(inner))).all(axis=1, keepdims=True))


def worst(classes: Size) -> Size:
    """Return the height of a running sum."""
    return classes - 1.0


def chance(classes: Size) -> Size:
    """Return the height that errors of mean 0 exceed with the probability FALSE_ALARM at most."""
    return LAMBDA * np.sqrt((classes - 1.0) / 3)


def pairwise(classes: Size) -> Size:
    """Return the height of a sum in pairs, or of one whose lanes are added up often enough."""
    return LEAVES + np.log2(classes)


def native(classes: Size, form: Format, inner: Format) -> Size:
    """Return the height of a reasonable sum in 16 bits, in their u: in pairs, or a running one in float32."""
    return pairwise(classes) + classes * inner.unit / form.unit
