"""Functions of one number in float64, each value within a proven relative radius: what sweeps measure against.

Enough for formats of at most 24 bits, whose ulp is 2**29 of float64's; what a radius leaves open goes to the tiers of
double-double and of the arbiter. The formulas are written once, for numbers and for arrays, as those of
`reference.fast.words`: numpy applies them, and numba compiles them as they stand.

With u = 2**-53, d = |x|, e = e**-d and L = log(1 + e); errors relative unless said otherwise:

  e      d - step C1 and step C2 are exact (`words`), their difference and that to step C3 are rounded at 2**-15.5, so
         that r is within 2**-67; four roundings of |q| <= 2**-15.5 and r**5 / 120 <= 2**-84; the table's
         entry is a pair, and one rounding of a number of its size: 1.01 u. From FAR on d is FAR.
  L      table of log(1 + c), c = i / 128: e - c is exact (Sterbenz; c = 0 is), times a rounded 1 / (1 + c) 2 u;
         of a series of |t| <= 2**-8 the sum, 1 u, and t**8 / 8; together 3.1 u 2**-8 beside a log of 2**-8 at least,
         or 1.1 u where c = 0; the sum u and u 2**-8: 5.2 u. e's error counts at most once: 6.3 u.
  line   a d + b L, both of one sign, is kept as a base, exact because both factors have at most 24 bits, and a part,
         a product more: 7.3 u, charged 12 u. Beside a base the part may be less than 2**-1009, as d is FAR at most
  ratio  (large + small e) / (1 + e): below 1.01 u e + u; above 2.01 u |small e| and a sum; a division:
         4 u + 2.1 u |small e| / |large + small e|, charged twice that
         d < NEAR: (large + small) / 2 + (large - small) d / 4 (1 - d**2 / 12 + d**4 / 120): four roundings of what
         is added to the first, 17 d**6 / 20160 < 2**-82: 8 u; it stays on its side of the first
         e < 2**-30, large not 0: large + (small - large) e (1 - e): the same, e**2 beside 1 is 2**-60
  bell   e / (1 + e)**2: 1.01 u, twice 1.51 u + u, a product and a division: 7.1 u, charged 12 u
         d < NEAR: 1/4 - d**2 / 16 + d**4 / 96: 17 d**6 / 11520 < 2**-81: 4 u
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from mpmath import libmp

from harness.jit import Loops
from harness.model import Array, Op, Quantity
from harness.scoring.ulp import Truth
from reference.fast import words
from reference.fast.words import C1, C2, C3, PER_STEP, ROUNDER, ROUNDER_BITS, STEPS, STEPS_BITS, U, bits, power, where

LOOPS = Loops(
    "reference.fast.float64.single_loops",
    (
        *("harness.jit", "reference.fast.words", "reference.fast.compiled.arithmetic"),
        *("reference.fast.float64.single", "reference.fast.float64.single_loops"),
    ),
)
FAR = 700.0  # e**-FAR is 2**-1010: beside nothing in a format of 24 bits, and normal in float64
NEAR = 2.0**-12
SMALL = 2.0**-30
LOGS = 128
STRIP = 1 << 14  # elements that numpy works on at a time
EDGE = 16  # float64's ulps beside a power of two, within which an exact value may be on the other side of it


class Weights(NamedTuple):
    """What a formula is of on one side of 0: a d + b L, or (a + b e) / (1 + e)."""

    a: float
    b: float


@dataclass(frozen=True)
class Plan:
    """A formula, its weights for logits from 0 on and below, and the sign of the whole."""

    kind: str  # line, ratio or bell
    right: Weights
    left: Weights
    sign: float = 1.0


@cache
def logarithms() -> Array:
    """Return 1 / (1 + c) and log(1 + c) as hi and lo, for c = i / LOGS, in three rows."""
    rows = np.empty((3, LOGS + 1))
    for i in range(LOGS + 1):
        whole = libmp.mpf_log(libmp.from_rational(LOGS + i, LOGS, 200), 200)
        hi = libmp.to_float(whole, rnd="n")
        rows[:, i] = LOGS / (LOGS + i), hi, libmp.to_float(libmp.mpf_sub(whole, libmp.from_float(hi), 200), rnd="n")
    return rows


def reduced(d: Array) -> tuple[Array, Array]:
    """Return the table step, int64, and e**-r - 1."""
    rounded = d * PER_STEP + ROUNDER
    step = rounded - ROUNDER
    r = ((d - step * C1) - step * C2) - step * C3
    q = (r * (1 / 24) - 1 / 6) * r + 0.5
    return bits(rounded) - ROUNDER_BITS, (r * r) * q - r


def from_table(hi: Array, lo: Array, q: Array, step: Array) -> Array:
    """Return the table's entry times 1 + q, and the power of two of the step."""
    return (hi + (hi * q + lo)) * power(-(step >> STEPS_BITS))


def log_place(e: Array) -> tuple[Array, Array]:
    """Return the place of e in the table of logarithms, int64, and what is left of it."""
    rounded = e * LOGS + ROUNDER
    place = rounded - ROUNDER
    return bits(rounded) - ROUNDER_BITS, e - place * (1 / LOGS)


def log_of(rest: Array, inverse: Array, hi: Array, lo: Array) -> Array:
    """Return log(1 + c) + log(1 + rest / (1 + c))."""
    t = rest * inverse
    s = ((((t * (1 / 7) - 1 / 6) * t + 0.2) * t - 0.25) * t + 1 / 3) * t - 0.5
    return hi + ((t + (t * t) * s) + lo)


def edged(value: Array, radius: Array | float) -> Array:
    """Return the radius, without bound for a value that lies at a power of two: its binade is not certain."""
    fraction = bits(value) & 0x000FFFFFFFFFFFFF
    return where((fraction < EDGE) | (fraction > 0x000FFFFFFFFFFFFF - EDGE), np.inf, radius)


def line(d: Array, log: Array, a: Array, b: Array, sign: float) -> tuple[Array, Array, Array]:
    """a d, b L and the radius of this one."""
    base, part = sign * a * d, sign * b * log
    return base, part, edged(base + part, 12 * U)


def ratio(d: Array, e: Array, a: Array, b: Array, sign: float) -> tuple[Array, Array, Array]:
    """(a + b e) / (1 + e)."""
    product = b * e
    top = a + product
    usual = top / (1.0 + e)
    spoiled = np.abs(product) / where(top == 0, 1.0, np.abs(top))
    off = where(top == 0, np.inf, 8 * U + 5 * U * spoiled)
    middle, slope = 0.5 * (a + b), 0.25 * (a - b)
    square = d * d
    near = d < NEAR
    flat = middle + slope * d * (1.0 - square * (1 / 12) * (1.0 - square * 0.1))
    high = (e < SMALL) & (a != 0)
    far = a + (b - a) * e * (1.0 - e)
    value = where(near, flat, where(high, far, usual))
    below = where(near, middle * slope < 0, high & (a * (b - a) < 0))
    exact = (d == 0) | (near & (slope == 0))
    radius = where(exact, 0.0, where(near | high, 8 * U, edged(usual, off)))
    return sign * value, radius, below & (d > 0)


def bell(d: Array, e: Array) -> tuple[Array, Array, Array]:
    """e / (1 + e)**2."""
    below = 1.0 + e
    usual = e / (below * below)
    square = d * d
    near = d < NEAR
    value = where(near, 0.25 - square * (1 / 16) * (1.0 - square * (1 / 6)), usual)
    return value, where(near, 8 * U, edged(usual, 12 * U)), near & (d > 0)


def plan(op: Op, quantity: Quantity, label: float = 0.0) -> Plan:
    """Return the formula of an op of one number; label: of a loss. An incoming gradient is 1.

    Raises ValueError for an op of more, and for a label or weight that is no number of 24 bits.
    """
    q = float(op.options.get("pos_weight", 1.0))
    yes, no = q * label, 1 - label
    plans: Mapping[tuple[str, str], Callable[[], Plan]] = {
        ("sigmoid", "value"): lambda: Plan("ratio", Weights(1.0, 0.0), Weights(0.0, 1.0)),
        ("sigmoid", "grad_logits"): lambda: Plan("bell", Weights(0.0, 0.0), Weights(0.0, 0.0)),
        ("log_sigmoid", "value"): lambda: Plan("line", Weights(0.0, 1.0), Weights(1.0, 1.0), -1.0),
        ("log_sigmoid", "grad_logits"): lambda: Plan("ratio", Weights(0.0, 1.0), Weights(1.0, 0.0)),
        ("sigmoid_xent", "value"): lambda: Plan("line", Weights(no, yes + no), Weights(yes, yes + no)),
        ("sigmoid_xent", "grad_logits"): lambda: Plan("ratio", Weights(no, -yes), Weights(-yes, no)),
    }
    found = plans.get((op.name, quantity))
    if found is None or set(op.options) - {"pos_weight"}:
        known = ", ".join(sorted({name for name, _ in plans}))
        raise ValueError(f"op is {op}, {quantity}, expected one of a single number, by value or grad_logits: {known}")
    if np.float32(yes) != yes or np.float32(no) != no:
        raise ValueError(f"label is {label} and pos_weight {q}, expected numbers of float32, as their product")
    return found()


class Basis(NamedTuple):
    """What all formulas of the same logits share."""

    d: Array  # |x|, at most FAR
    whole: Array  # |x|
    right: Array  # x from 0 on
    e: Array
    log: Array


def basis(x: Array) -> Basis:
    """Compute what the formulas share. x: float64, finite, flat."""
    whole = np.abs(x)
    d = np.minimum(whole, FAR)
    loops: Any = LOOPS.get(x.size)
    if loops is None:
        e, log = exp_and_log(d)
    else:
        e, log = LOOPS.proved("exp_and_log", lambda: loops.exp_and_log(d), lambda: exp_and_log(d))
    return Basis(d, whole, x >= 0, e, log)


def exp_and_log(d: Array) -> tuple[Array, Array]:
    """Return e**-d and log(1 + e**-d) by numpy. d: float64 from 0 to FAR, flat."""
    e, log = np.empty_like(d), np.empty_like(d)
    high, low = words.table()
    inverse, log_high, log_low = logarithms()
    for start in range(0, d.size, STRIP):
        at = slice(start, start + STRIP)
        step, q = reduced(d[at])
        place = step & (STEPS - 1)
        e[at] = from_table(high.take(place), low.take(place), q, step)
        there, rest = log_place(e[at])
        log[at] = log_of(rest, inverse.take(there), log_high.take(there), log_low.take(there))
    return e, log


def truth(asked: Plan, of: Basis) -> Truth:
    """Answer all logits, of at most 24 bits each, by a plan."""
    loops: Any = LOOPS.get(of.d.size)
    if loops is None:
        return Truth(*_by_numpy(asked, of))
    return Truth(*LOOPS.proved(asked.kind, lambda: _by_loop(loops, asked, of), lambda: _by_numpy(asked, of)))


@lru_cache(maxsize=2)
def _nothing(size: int, dtype: type) -> Array:
    """Return so many zeros, or as many False, which are not to be changed."""
    found: Array = np.zeros(size, dtype)
    found.setflags(write=False)
    return found


def _by_loop(loops: Any, asked: Plan, of: Basis) -> tuple[Array, ...]:
    weights = (tuple(asked.right), tuple(asked.left))
    match asked.kind:
        case "line":
            return *loops.line(of.whole, of.log, of.right, weights, asked.sign), _nothing(of.d.size, bool)
        case "ratio":
            return _nothing(of.d.size, float), *loops.ratio(of.d, of.e, of.right, weights, asked.sign)
        case _:
            return _nothing(of.d.size, float), *loops.bell(of.d, of.e)


def _by_numpy(asked: Plan, of: Basis) -> tuple[Array, ...]:
    pieces: list[tuple[Array, ...]] = []
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        for start in range(0, of.d.size, STRIP):
            d, whole, right, e, log = (part[start : start + STRIP] for part in of)
            a, b = (np.where(right, *pair) for pair in zip(asked.right, asked.left, strict=True))
            match asked.kind:
                case "line":
                    pieces.append((*line(whole, log, a, b, asked.sign), _nothing(d.size, bool)))
                case "ratio":
                    pieces.append((_nothing(d.size, float), *ratio(d, e, a, b, asked.sign)))
                case _:
                    pieces.append((_nothing(d.size, float), *bell(d, e)))
    return tuple(np.concatenate(part) for part in zip(*pieces, strict=True))
