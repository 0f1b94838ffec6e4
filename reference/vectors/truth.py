"""Compute a test vector's numbers by the arbiter, and compare recorded ones with them.

hi is the exact value rounded to float64 as if that had no exponent limits, lo the rest, rounded likewise; both to
nearest, ties to even. So they are a function of the question alone: another version of mpmath gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

import numpy as np
from mpmath import libmp

from harness.model import FORMATS, Golden, Inputs
from harness.ops import OPS
from reference import rounding
from reference.arbiter import ball, linear
from reference.arbiter.ball import EXACT, Ball, magnitude
from reference.arbiter.settle import answer, rounds_alike
from reference.question import Question
from reference.vectors import SHORT_NAMES, WIDTHS, Value

START_BITS = 144  # hi and lo take 107, and 1 value in 2**30 needs more
MOST_BITS = 1 << 14
WHOLE_BITS = 1 << 12  # beyond what tells apart any two numbers that float64 rows put side by side
SAFE = 500  # |exponent| up to which a value is written with e2 = 0: hi, lo and their rounding errors are normal there
SMALLEST_TAIL = -400  # log2 of a tail beside 1 <= hi < 2; of a smaller one only the sign is kept
DEEPEST = -(2**30)  # e2 of what is nonzero and smaller than 2**DEEPEST: below every format's reach by far
REACH = 4000  # bits below a midpoint at which an error bound is widened to; more would make integers of any length


def settle(answer: Ball) -> Value | None:
    """Write a ball's value as hi + lo, without patterns; None where the ball is too wide to tell."""
    if not answer.mid[1]:
        return Value(0.0, 0.0, 0, None) if answer.error == EXACT else None
    if answer.error > magnitude(answer.mid) - 64:
        return None
    top = magnitude(answer.mid)
    if top <= DEEPEST:
        return Value(-1.0 if answer.mid[0] else 1.0, 0.0, DEEPEST, 0)
    bottom, ends = _ends(answer)
    split = [_split(end, bottom) for end in ends]
    if split[0] != split[1]:
        return None
    hi, lo, exponent, whole = split[0]
    rad: int | None = None
    if abs(lo) == 2.0**SMALLEST_TAIL:
        rad = SMALLEST_TAIL
    elif not (whole and answer.error == EXACT):
        rad = math.frexp(lo)[1] - 54 if lo else SMALLEST_TAIL  # half an ulp of lo
    if abs(exponent) < SAFE:
        return Value(math.ldexp(hi, exponent), math.ldexp(lo, exponent), 0, rad)
    return Value(hi, lo, exponent, rad)


def settle_whole(answer: Ball) -> Value | None:
    """Write a value that no precision tells from a float64 number as that number; None where it is not so near.

    g p of equal logits, say: 5/32 of 1/10 is 1/64, but 1/10 is no finite sum of powers of two on the way.
    """
    if not answer.mid[1] or answer.error > magnitude(answer.mid) + SMALLEST_TAIL - 4:
        return None
    if not all(rounds_alike(answer, form) for form in rounding.EVERY_FORMAT):
        return None  # a midpoint of a format, missed by nothing or by next to nothing
    number = libmp.mpf_pos(answer.mid, 53, "n")
    found = settle(Ball(number))
    off = magnitude(libmp.mpf_sub(answer.mid, number))
    near = max(off, answer.error) < magnitude(number) + SMALLEST_TAIL - 2
    return replace(found, rad=SMALLEST_TAIL) if found and near else None


def _ends(answer: Ball) -> tuple[int, tuple[int, int]]:
    """Return an exponent and both ends of a ball as integers times two to it; a known side leaves the middle out."""
    sign, digits, exponent, _ = answer.mid
    if answer.error == EXACT:
        return exponent, (-digits if sign else digits,) * 2
    error = max(answer.error, magnitude(answer.mid) - REACH)
    bottom = min(exponent, error) - 1
    mid, reach = int(-digits if sign else digits) << (exponent - bottom), 1 << (error - bottom)
    return bottom, {0: (mid - reach, mid + reach), 1: (mid + 1, mid + reach), -1: (mid - reach, mid - 1)}[answer.side]


def _split(number: int, bottom: int) -> tuple[float, float, int, bool]:
    """Return hi, lo, exponent with 1 <= |hi| < 2, and whether hi + lo is all of number * 2**bottom."""
    hi = libmp.from_man_exp(number, bottom, 53, "n")
    tail = libmp.mpf_sub(libmp.from_man_exp(number, bottom), hi)
    lo = libmp.mpf_pos(tail, 53, "n")
    exponent = magnitude(hi) - 1
    whole = lo == tail
    if lo[1] and magnitude(lo) <= exponent + SMALLEST_TAIL:
        lo, whole = libmp.from_man_exp(-1 if lo[0] else 1, exponent + SMALLEST_TAIL), False
    parts = (libmp.to_float(libmp.mpf_shift(part, -exponent)) for part in (hi, lo))
    return *parts, exponent, whole


def _answers(asked: Question, bits: int) -> list[Ball]:
    """Ask the arbiter once, all answers in one flat list."""
    if OPS[asked.op.name].linear:
        return _of_linear(asked, bits)
    rows = [answer(asked.op, asked.quantity, row, bits) for row in asked.by_row()]
    flat = [one for row in rows for one in row]
    if not asked.mean:
        return flat
    if asked.quantity == "value":
        flat = [reduce(lambda a, b: ball.add(a, b, bits), flat)]
    return [ball.divide(one, ball.integer(asked.rows), bits) for one in flat]


def _of_linear(asked: Question, bits: int) -> list[Ball]:
    """Ask the arbiter of linear ops; an ignored row has the factor 0."""
    live = np.array(asked.live, np.float64)
    factor = live * np.array(asked.upstream) if asked.upstream else live
    soft = OPS[asked.op.name].labels == "row"
    inputs = Inputs(
        np.array(asked.logits).reshape(asked.rows, -1),
        np.array(asked.labels).reshape(asked.rows, -1) if soft else np.where(live, asked.labels, 0).astype(np.int64),
        np.ones(asked.rows),
        weight=np.array(asked.weight).reshape(asked.classes, -1),
        bias=np.array(asked.bias) if asked.bias else None,
    )
    of_classes = asked.quantity in {"grad_weight", "grad_bias"}
    places = range(asked.classes if of_classes else asked.rows)
    asks = linear.asks(asked.quantity, linear.Shaped(inputs, factor), places)
    return [one for ask in asks for one in ask(bits)]


def values(asked: Question) -> list[Value]:
    """Compute a question's answers with the arbiter, with as many bits as it takes. All logits must be finite."""
    settled: list[Value | None] = [None]
    bits = START_BITS
    while bits <= MOST_BITS and None in settled:
        try:
            balls = _answers(asked, bits)
        except ball.Undecided:
            balls = []
        taken = [balls[j] for j in asked.at or range(len(balls))] if balls else []
        settled = [settle(one) or (settle_whole(one) if bits > WHOLE_BITS else None) for one in taken] or [None]
        bits *= 2
    known = [value for value in settled if value is not None]
    if len(known) < len(settled):
        raise ArithmeticError(f"an answer is undecided at {MOST_BITS} bits, expected a certified value; it is {asked}")
    return with_patterns(known, asked.dtype)


def with_patterns(found: list[Value], dtype: str) -> list[Value]:
    """Add the correctly rounded bit patterns, of the question's own format and of float64; infinities and nan too."""
    hi, lo = (np.array([getattr(value, name) for value in found]) for name in ("hi", "lo"))
    finite = np.isfinite(hi)
    golden = Golden(np.where(finite, hi, 1.0), lo, np.array([value.e2 for value in found], np.int64), 0.0)
    patterns = {}
    for name in dict.fromkeys(("float64", dtype)):
        form = FORMATS[name]
        bits = rounding.bits(np.where(finite, rounding.nearest(golden, form), hi), form)
        patterns[SHORT_NAMES[name]] = [f"{int(b):0{WIDTHS[SHORT_NAMES[name]]}x}" for b in bits]
    return [replace(value, cr={name: listed[k] for name, listed in patterns.items()}) for k, value in enumerate(found)]


Mismatch = tuple[str, str, str]  # what, found, expected
Witness = Callable[[Question, tuple[Value, ...]], tuple[list[Mismatch], int]]


def by_arbiter(asked: Question, recorded: tuple[Value, ...]) -> tuple[list[Mismatch], int]:
    """Compare recorded answers with the arbiter's; return what differs, and 0 that it could not tell."""
    expected = values(asked)
    return [wrong for k, value in enumerate(recorded) for wrong in differences(value, expected[k], k)], 0


def differences(recorded: Value, expected: Value, index: int) -> list[Mismatch]:
    """Return each field of an answer that is not as expected."""
    wrong = []
    for name in ("hi", "lo", "e2", "rad", "cr"):
        there, right = getattr(recorded, name), getattr(expected, name)
        same = there == right or (name == "hi" and there != there and right != right)  # noqa: PLR0124 - nan
        if not same:
            wrong.append((f"{name} of output {index}", text(there), text(right)))
    return wrong


def text(value: float | Mapping[str, str] | None) -> str:
    """Write a field of an answer for people: floats in hex."""
    return value.hex() if isinstance(value, float) else str(value)
