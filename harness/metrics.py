"""What a Score is made of: distances in ulps, error over bound, and verdicts on answers that are no plain distance.

A verdict is one decorated function; its docstring is printed in reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from harness import ulp
from harness.model import Array, BudgetClass, Format, Golden

CLASSES: tuple[BudgetClass, ...] = ("S", "N", "U")  # tightest first


@dataclass(frozen=True, eq=False)
class Answers:
    """An answer beside the truth, element by element, in float64."""

    got: Array
    golden: Golden
    form: Format
    ulps: Array  # signed; nan where got is
    flushable: Array  # a zero is explained by flush-to-zero up to this |exact value|
    size: Array  # |exact value|


@dataclass(frozen=True, eq=False)
class Distance:
    """The measured part of a Score, with the element that is furthest off."""

    max_ulp: float
    mean_ulp: float
    bias_ulp: float
    over_bound: Mapping[BudgetClass, float]
    budget_class: BudgetClass | None
    verdicts: Mapping[str, int]
    worst: tuple[int, ...]
    worst_ulp: float


Verdict = Callable[[Answers], Array]
VERDICTS: dict[str, Verdict] = {}


def verdict(function: Verdict) -> Verdict:
    """Register a verdict under its name."""
    VERDICTS[function.__name__] = function
    return function


@verdict
def nan(answers: Answers) -> Array:
    """Not a number, where the exact value is a finite number."""
    return np.isnan(answers.got)


@verdict
def overflow(answers: Answers) -> Array:
    """Infinite, where the exact value rounds to a finite number."""
    return np.isinf(answers.got) & ~ulp.overflows(answers.golden, answers.form)


@verdict
def wrong_sign(answers: Answers) -> Array:
    """A number of the other sign than the exact value."""
    return answers.got * np.sign(answers.golden.hi) < 0


@verdict
def nonzero_for_zero(answers: Answers) -> Array:
    """Something, where the exact value is zero."""
    return (answers.golden.hi == 0) & (np.abs(answers.got) > 0)


@verdict
def zero_for_nonzero(answers: Answers) -> Array:
    """Zero, where the exact value rounds to a normal number: everything is lost."""
    return (answers.got == 0) & (np.abs(answers.ulps) > 0.5) & (answers.size >= 2.0**answers.form.emin)


@verdict
def flushed(answers: Answers) -> Array:
    """Zero, where the exact value rounds to a subnormal number, or where an intermediate result was one."""
    return (answers.got == 0) & (np.abs(answers.ulps) > 0.5) & (answers.size < answers.flushable)


def measure(
    got: Array, golden: Golden, form: Format, bounds: Mapping[BudgetClass, Array], flushable: Array
) -> Distance:
    """Measure an answer, shaped like its golden. Flushed elements count in ulps, but against no bound."""
    wide = np.asarray(got).astype(np.float64)
    exponent = 0 if golden.exponent is None else golden.exponent
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        ulps = ulp.error(wide, golden, form)
        answers = Answers(wide, golden, form, ulps, flushable, np.abs(ulp.scale(golden.hi, exponent)))
        masks = {name: decide(answers) for name, decide in VERDICTS.items()}
        size = np.where(np.isnan(ulps), np.inf, np.abs(ulps))
        lost = masks["nan"] | masks["overflow"]
        over = {}
        for kind, bound in bounds.items():
            ratio = size / ulp.scale(bound, -ulp.ulp_exponent(golden, form))
            # More ulps than float64 counts: the exact value is nothing beside the answer.
            ratio = np.where(np.isinf(size), np.abs(wide) / bound, ratio)
            ratio = np.where(size == 0, 0.0, np.where(lost, np.inf, ratio))
            over[kind] = float(
                np.where(masks["flushed"], 0.0, np.nan_to_num(ratio, nan=0.0, posinf=np.inf)).max(initial=0.0)
            )
    met = (kind for kind in CLASSES if kind in over and over[kind] <= 1)
    worst = np.unravel_index(int(size.argmax()), size.shape)
    return Distance(
        max_ulp=float(size.max()),
        mean_ulp=float(size.mean()),
        bias_ulp=float(np.where(np.isnan(ulps), np.inf, ulps).mean()) if np.isfinite(size).all() else float("nan"),
        over_bound=over,
        budget_class=next(met, None),
        verdicts={name: count for name, mask in masks.items() if (count := int(mask.sum()))},
        worst=tuple(int(i) for i in worst),
        worst_ulp=float(ulps[worst]),
    )
