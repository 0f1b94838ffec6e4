"""Double-double numbers in arrays: the formulas of `reference.fast.words` applied, and what needs whole arrays.

A pair is (hi, lo), two arrays; see there for what the bounds mean.
"""

from __future__ import annotations

import numpy as np

from harness.model import Array
from reference.fast import words
from reference.fast.passes import applied
from reference.fast.words import (
    REDUCED,
    SQUARE,
    STEPS,
    STEPS_BITS,
    Pair,
    U,
)

two_sum = applied(words.two_sum)
difference = applied(words.difference)
cut = applied(words.cut)
power_of_two = applied(words.power_of_two)
add = applied(words.add)
add_bounded = applied(words.add_bounded)
add_same_sign = applied(words.add_same_sign)
multiply = applied(words.multiply)
times = applied(words.times)
divide = applied(words.divide)


def scale(a: Pair, exponent: Array) -> Pair:
    """Return a * 2**exponent; what underflows goes to 0."""
    exponent = np.clip(exponent, -3000, 3000).astype(np.int32)
    return np.ldexp(a[0], exponent), np.ldexp(a[1], exponent)


def total(a: Pair, axis: int) -> tuple[Pair, Array]:
    """Return the sum along an axis (kept, of size 1) and an absolute error bound; 0 where the sum is exact.

    As in AccSum (Rump, Ogita & Oishi, SIAM J. Sci. Comput. 31(1), 2008): two extractions take the leading bits of every
    hi on a common grid, coarse enough for n of them to add up exactly in any order. What is left, r + lo, is added in
    float64: with any order of n numbers each rounded once, the error is below (n + 3) u sum |r + lo| (Higham,
    Accuracy and Stability of Numerical Algorithms, 2nd ed., 4.2).
    """
    largest = np.maximum(a[0].max(axis=axis, keepdims=True), -a[0].min(axis=axis, keepdims=True))
    (first, second), rest = _extract(a, axis, largest)
    third = rest.sum(axis=axis, keepdims=True)
    bound = (a[0].shape[axis] + 3) * U * np.abs(rest, out=rest).sum(axis=axis, keepdims=True)
    high, low = two_sum(first, second)
    end = low + third
    return two_sum(high, end), bound + np.where(third == 0, 0.0, U * np.abs(end))


def total_positive(a: Pair, axis: int) -> Pair:
    """Return the sum of positive pairs along an axis within `total_positive_bound`, faster than `total`."""
    (first, second), rest = _extract(a, axis, a[0].max(axis=axis, keepdims=True))
    high, low = two_sum(first, second)
    low += rest.sum(axis=axis, keepdims=True)
    return two_sum(high, low)


def total_positive_bound(count: int) -> float:
    """Return the relative error of `total_positive`.

    The rests are at most half the second grid, 2**(2 g - 106) max hi with g the guard bits, and |lo| <= u hi; so
    sum |r + lo| <= (n 2**(2 g - 106) + u) sum hi, of which (n + 3) u is lost, and the last addition loses 3 u**2.
    """
    guard = guard_bits(count)
    return (count + 3) * U * (count * 2.0 ** (2 * guard - 106) + U) + 3 * SQUARE


def guard_bits(count: int) -> int:
    """Return how many bits above the largest of so many numbers their exact sum may need."""
    return count.bit_length() + 1


def _extract(a: Pair, axis: int, largest: Array) -> tuple[Pair, Array]:
    """Return two exact sums of hi along an axis, and what they left out of every element; largest: max |hi|.

    With |hi| < 2**p the first grid is 2**(p + g - 53): n numbers of at most 2**p + one grid step add up to less than
    2**53 steps, as g = bit_length(n) + 1. Its rests are at most half a step, so the second grid starts there.
    """
    guard = guard_bits(a[0].shape[axis])
    top = np.frexp(largest)[1]
    # The ulp of 1.5 * 2**(exponent - 1) is the grid, 2**(exponent - 53).
    first, second = (np.ldexp(1.5, np.maximum(e - 1, -1000)) for e in (top + guard, top + 2 * guard - 53))
    coarse, fine, rest = cut(a, first, second)
    return (coarse.sum(axis=axis, keepdims=True), fine.sum(axis=axis, keepdims=True)), rest


A1, A2, A3, A4 = words.pieces_of_log_2((22, 44, 66), 0)  # n * A1, A2, A3 are exact for n < 2**31


def _bring_down(d: Pair) -> tuple[Pair, Array]:
    """Return d - n log 2 with 0 <= it < 1 and n where d is beyond REDUCED; d and 0 elsewhere."""
    n = np.where(d[0] > REDUCED, np.floor(d[0] * (1 / np.log(2))), 0.0)
    zero = np.zeros_like(n)
    rest = two_sum(d[0], -n * A1)
    for part in (-n * A2, -n * A3, d[1], -n * A4):
        rest = add(rest, (part, zero))
    return rest, n.astype(np.int64)


def _exp(d: Pair) -> tuple[Array, Pair, Pair]:
    """Return the table step, e**-r - 1, and the table's entry times e**-r."""
    step, rest = words.reduced(d)
    at = step & (STEPS - 1)
    high, low = words.table()
    return step, rest, words.from_table((high.take(at), low.take(at)), rest)


@applied
def exp_steps(d: Pair) -> tuple[Pair, Array]:
    """Return e**-d as a pair p and integers s, e**-d = p 2**-(s // STEPS), for 0 <= d <= REDUCED."""
    step, _, pair = _exp(d)
    return pair, step


@applied
def exp_near(d: Pair) -> Pair:
    """Return e**-d, for 0 <= d <= 480 log 2, within `exp_radius`."""
    step, _, pair = _exp(d)
    return words.shifted(pair, step)


def exp_minus(d: Pair) -> tuple[Pair, Array]:
    """Return e**-d as a pair p and integers q, e**-d = p 2**-q, with 0.499 < p <= 1, within `exp_radius`.

    d: 0 <= d <= DEEPEST. Exactly 1 at 0.
    """
    brought: Array | int = 0
    if d[0].size and d[0].max() > REDUCED:
        d, brought = _bring_down(d)
    pair, step = exp_steps(d)
    return pair, (step >> STEPS_BITS) + brought


@applied
def log1p_near(a: Pair, y: Array) -> tuple[Pair, Array]:
    """Return log(1 + a) from a y near it, and its relative error bound; see `log1p`."""
    step, rest, x = _exp((y, np.zeros_like(y)))
    return words.log1p_step(a, y, words.shifted(x, step), step, rest)


def log1p(a: Pair) -> tuple[Pair, Array]:
    """Return log(1 + a) for a = 0 or 2**-480 <= a <= 2**480, and its relative error bound (inf where it failed).

    One Newton step from numpy's y = log1p(a), which is not trusted: with X = e**-y, rho = a X + (X - 1) is
    (1 + a) / e**y - 1, and log(1 + a) = y + rho - rho**2 / 2 + rho**3 / 3 - ...
    The error of X is that of `exp_minus`, which counts once in rho, relative to y; below the table's first step X - 1
    comes without the 1 and is good to `expm1_radius`. To it, 8 u**2 from a X <= log(1 + a), and 8 u**2 for the rest.
    """
    return log1p_near(a, np.log1p(a[0]))
