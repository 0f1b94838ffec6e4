"""What answers one row of an op that is asked apart, and what formulas of logits share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from harness.model import Param, Quantity
from reference.arbiter import ball
from reference.arbiter.ball import ONE, Ball, add, divide, negative, subtract, total
from reference.question import Numbers

Key = tuple[str, Quantity]
Options = Mapping[str, Param]
Plain = Callable[[Numbers, Numbers, Numbers, int], Sequence[Ball]]  # what is given, labels, upstream, bits
Formula = Callable[[Options, Numbers, Numbers, Numbers, int], Sequence[Ball]]


def plainly(formulas: Mapping[Key, Plain]) -> Mapping[Key, Formula]:
    """Return formulas of ops that have no options."""
    return {key: _without_options(formula) for key, formula in formulas.items()}


def _without_options(formula: Plain) -> Formula:
    return lambda _options, given, labels, upstream, bits: formula(given, labels, upstream, bits)


def surprise(p: Ball, bits: int) -> Ball:
    """s(p) = -log p of an exact 0 < p <= 1."""
    return ball.log1p(divide(subtract(ONE, p, bits), p, bits), bits)


@dataclass(frozen=True)
class Decays:
    """A row of logits seen from the largest, m: d = m - x, e**-d, their sum S and log S."""

    drops: list[Ball]
    terms: list[Ball]
    whole: Ball
    log: Ball

    @classmethod
    def of(cls, given: Numbers, bits: int) -> Self:
        """Compute them; S is the number of largest logits and a rest, so that log S near 0 is none of a rounded 1."""
        peak = ball.exact(max(given))
        drops = [subtract(peak, ball.exact(x), bits) for x in given]
        terms = [ball.exp(negative(drop), bits) for drop in drops]
        rest = total([term for term, drop in zip(terms, drops, strict=True) if drop.mid[1]], bits)
        ties = sum(not drop.mid[1] for drop in drops)
        whole = add(ball.integer(ties), rest, bits)
        return cls(drops, terms, whole, ball.log1p(rest, bits) if ties == 1 else ball.log(whole, bits))
