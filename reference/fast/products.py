"""Products of matrices in double-double, every element with an absolute error bound.

As in Ozaki, Ogita, Oishi & Rump, "Error-free transformations of matrix multiplication by using fast routines of matrix
multiplication and its applications", Numer. Algorithms 59, 2012: both matrices are cut into slices of so few bits,
each row on a grid of its own, that float64 multiplies two slices exactly. With k terms a sum, slices of `bits` bits
have whole numbers of at most 2**bits grid steps, so every partial sum is a whole number of at most
k 2**(2 bits) <= 2**53 steps: exact in any order, in any blocking, fused or not. What no slice holds is bounded.
"""

from __future__ import annotations

import numpy as np

from harness.model import Array
from reference.fast import doubledouble as dd
from reference.fast.values import untailed
from reference.fast.words import UPWARDS, Pair, U

ENOUGH = 112  # bits below the largest of a row from which on nothing is cut: beyond double-double's own
WIDEST = 400  # |exponent| of a row's largest up to which neither grids nor products leave float64's range
PRECISION = 53  # float64's
LEVELS = 8  # sums of products of slices that have a grid in common


def product(a: Pair, b: Pair) -> tuple[Pair, Array]:
    """Return a @ b.T of pairs (m, k) and (n, k), and an absolute error bound of each of its (m, n) elements.

    Products of slices i and j lie on one grid for every i + j, so these are added exactly too: LEVELS leaves room for
    so many. The bound is infinite for a row of either whose largest number is out of range.
    """
    count = max(a[0].shape[1], 1)
    bits = (PRECISION - (LEVELS * count - 1).bit_length()) // 2
    most = min(-(-ENOUGH // bits), LEVELS)
    (rows, row_rest), (columns, column_rest) = (sliced(part, bits, most) for part in (a, b))
    row_size, column_size = (np.ldexp(1.0, _top(part)) for part in (a, b))
    sums = []
    for level in range(min(len(rows) + len(columns) - 1, most)):
        pairs = [(i, level - i) for i in range(len(rows)) if 0 <= level - i < len(columns)]
        left = np.concatenate([rows[i] for i, _ in pairs], axis=1)
        sums.append(left @ np.concatenate([columns[j] for _, j in pairs], axis=1).T)
    total, bound = _added(sums)
    if len(rows) + len(columns) - 1 > most:  # products of slices that were left out, each below so many bits, k times
        bound += len(rows) * len(columns) * count * 2.0 ** (2 - most * bits) * row_size * column_size.T
    if row_rest.any() or column_rest.any():
        bound += count * (row_rest * column_size.T + row_size * column_rest.T + row_rest * column_rest.T)
    bad = (np.abs(_top(a)) > WIDEST) | (np.abs(_top(b)) > WIDEST).T
    bound *= UPWARDS
    if bad.any():
        bound[bad] = np.inf
    return total, bound


def _added(sums: list[Array]) -> tuple[Pair, Array]:
    """Return the sum of matrices, the largest first, and an error bound.

    The first three are added without an error, but for a tail of their lost parts and of all others: with n terms each
    rounded once it is off by n u times their sizes (Higham, Accuracy and Stability of Numerical Algorithms, 4.2).
    """
    high, tails = sums[0], list(sums[3:])
    for other in sums[1:3]:
        high, low = dd.two_sum(high, other)
        tails.append(low)
    if not tails:
        return untailed(high), np.zeros_like(high)
    tail, size = tails[0].copy(), np.abs(tails[0])
    for other in tails[1:]:
        tail += other
        size += np.abs(other)
    size *= len(tails) * U
    return dd.two_sum(high, tail), size


def sliced(a: Pair, bits: int, most: int) -> tuple[list[Array], Array]:
    """Cut a pair into at most `most` matrices of so many bits; return these and a bound, (rows, 1), of what is left.

    Adding 1.5 * 2**(grid + 52) rounds to the grid, and what is left of hi is exact (Rump, Ogita & Oishi, SIAM J. Sci.
    Comput. 31(1), 2008); it is half a grid step at most, so the next grid lies `bits` lower.
    """
    high, low = a
    grid = _top(a) - bits
    slices: list[Array] = []
    for _ in range(most):
        if not high.any() and not low.any():
            return slices or [np.zeros_like(high)], np.zeros(grid.shape)
        ruler = np.ldexp(1.5, grid + PRECISION - 1)
        piece = (high + ruler) - ruler
        slices.append(piece)
        high, low = dd.two_sum(high - piece, low)
        grid = grid - bits
    return slices, (np.abs(high) + np.abs(low)).max(axis=1, keepdims=True, initial=0.0)


def _top(a: Pair) -> Array:
    """Return e with every |hi + lo| of a row at most 2**e, (rows, 1); 0 for a row of zeros."""
    largest = np.abs(a[0]).max(axis=1, keepdims=True, initial=0.0)
    exponent: Array = np.frexp(largest)[1]
    # |lo| may reach half an ulp of a power of two beyond it
    return np.where(largest == 0, 0, exponent + 1)


def against(errors: Array, b: Array) -> Array:
    """Return errors @ |b|.T: what a product with b makes of absolute errors of its first factor."""
    result: Array = (errors @ np.abs(b).T) * (1 + 2.0**-30)
    return result
