"""Recorded answers against the second witness; needs python-flint."""

from __future__ import annotations

from dataclasses import replace

from mpmath import libmp

from harness.ops import OPS
from reference import witness, witness_linear
from reference.arbiter.ball import EXACT, Ball, magnitude
from reference.question import Question
from reference.vectors import Value
from reference.vectors.truth import DEEPEST, Mismatch, differences, settle, text, with_patterns

ENOUGH = -300  # log2 of the width, relative, at which Arb stops at a value recorded as exact; of 0, absolute


def by_arb(asked: Question, recorded: tuple[Value, ...]) -> tuple[list[Mismatch], int]:
    """Compare recorded answers with Arb's enclosures; return what differs, and how many Arb could only enclose.

    Where Arb decides hi and lo they must be equal. Zero it cannot prove, nor the sign of a tail below its last
    precision: such a value must lie in the enclosure, and its patterns must follow from hi and lo.
    """
    places = dict(zip(asked.at or range(len(recorded)), recorded, strict=True))

    def enough(index: int, enclosure: Ball) -> bool:
        return settle(enclosure) is not None or _agrees_with_exact(enclosure, places[index])

    if OPS[asked.op.name].linear:
        balls = witness.climb(lambda: witness_linear.answers(asked), list(places), enough)
    else:
        balls = witness.enclose(asked.op, asked.quantity, asked.by_row(), asked.at, enough)
    wrong: list[Mismatch] = []
    expected = []
    for k, (value, enclosure) in enumerate(zip(recorded, balls, strict=True)):
        decided = settle(enclosure)
        if decided is None and not encloses(enclosure, value):
            wrong.append((f"output {k}", f"{text(value.hi)} + {text(value.lo)}, e2 {value.e2}", _text(enclosure)))
        if decided and value.rad is None:  # the arbiter's word, that a sum is exact: Arb's balls are seldom of no width
            decided = replace(decided, rad=None)
        expected.append(decided)
    patterned = with_patterns([right or value for right, value in zip(expected, recorded, strict=True)], asked.dtype)
    for k, (value, right) in enumerate(zip(recorded, patterned, strict=True)):
        wrong += differences(value, right, k)
    return wrong, expected.count(None)


def _agrees_with_exact(enclosure: Ball, value: Value) -> bool:
    """Tell whether a ball that is narrow already lies about a value recorded as exact: no precision would prove it."""
    size = magnitude(libmp.from_float(value.hi)) + value.e2 if value.hi else 0
    return value.rad is None and enclosure.error < size + ENOUGH and encloses(enclosure, value)


def encloses(enclosure: Ball, value: Value) -> bool:
    """Tell whether a recorded value lies in a ball, give or take its own radius."""
    if value.hi and value.e2 == DEEPEST:
        return max(magnitude(enclosure.mid), enclosure.error) <= DEEPEST
    parts = (libmp.mpf_shift(libmp.from_float(part), value.e2) for part in (value.hi, value.lo))
    recorded = libmp.mpf_add(*parts)
    off = libmp.mpf_abs(libmp.mpf_sub(enclosure.mid, recorded, 64, "n"))
    own = EXACT if value.rad is None else value.rad + magnitude(recorded)
    return magnitude(off) <= max(enclosure.error, own) + 2


def _text(enclosure: Ball) -> str:
    return f"{libmp.to_str(enclosure.mid, 30)} within 2**{enclosure.error}"
