"""Measure an answer: distances in ulps, error over bound, and verdicts on what is no plain distance.

A verdict is one decorated function; its docstring is printed in reports. Verdicts and the definition of a ratio are
asked about what is not regular (see `harness.scoring.ruler`); all else is streamed past the ruler, chunk by chunk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from harness.jit import Loops
from harness.model import BUDGET_CLASSES, Array, BudgetClass, Format, Golden
from harness.scoring import ruler, ulp
from harness.scoring.ruler import Ruler


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


FEW = 2048  # elements that are divided sooner than looked at
Rule = Callable[[Answers], Array]
VERDICTS: dict[str, Rule] = {}
LOOPS = Loops("harness.scoring.loops", ("harness.jit", "harness.scoring.ruler", "harness.scoring.loops"))


def verdict(function: Rule) -> Rule:
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


@dataclass(eq=False)
class Tally:
    """A Distance in the making."""

    over: Array  # class by class
    verdicts: dict[str, int]
    size_sum: float = 0.0
    ulp_sum: float = 0.0
    worst: int = 0
    worst_size: float = -1.0
    worst_ulp: float = 0.0


def measure(
    got: Array, golden: Golden, form: Format, bounds: Mapping[BudgetClass, Array], flushable: Array
) -> Distance:
    """Measure the one answer to a golden; for many answers make the ruler once, and measure them `against` it."""
    return against(ruler.make(golden, form, bounds, flushable), got)


def against(truth: Ruler, got: Array) -> Distance:
    """Measure an answer, shaped like its golden. Flushed elements count in ulps, but against no bound.

    An answer of another dtype than the format's may hold numbers that the format lacks: nothing of it is regular.
    """
    if got.shape != truth.shape:
        raise ValueError(f"the answer's shape is {got.shape}, expected {truth.shape}; measure against its own golden")
    flat = got.reshape(-1)
    own = _name(got.dtype) == truth.form.name
    loops = LOOPS.get(flat.size) if own and truth.bounds else None
    if loops is None:
        tally = _measured(truth, flat)
    else:
        tally = LOOPS.proved("stream", lambda: _measured(truth, flat, loops), lambda: _measured(truth, flat))
    over = dict(zip(truth.bounds, tally.over.tolist(), strict=True))
    return Distance(
        max_ulp=tally.worst_size,
        mean_ulp=tally.size_sum / flat.size,
        bias_ulp=tally.ulp_sum / flat.size if math.isfinite(tally.worst_size) else math.nan,
        over_bound=over,
        budget_class=next((kind for kind in BUDGET_CLASSES if over.get(kind, np.inf) <= 1), None),
        verdicts={name: count for name, count in tally.verdicts.items() if count},
        worst=tuple(int(i) for i in np.unravel_index(tally.worst, truth.shape)),
        worst_ulp=tally.worst_ulp,
    )


@lru_cache
def _name(dtype: Any) -> str:
    """Return a dtype's name, which numpy takes 2 us to put together."""
    return str(dtype.name)


def _measured(truth: Ruler, got: Array, loops: Any = None) -> Tally:
    """Measure chunk by chunk; loops, where there are any, take all that is regular or flushed."""
    tally = Tally(np.zeros(len(truth.bounds)), dict.fromkeys(VERDICTS, 0))
    parts, done = list(ruler.parts(got.size)), 0
    while done < len(parts):
        if loops is not None:
            done = _streamed(tally, truth, got, loops, done)
        if done < len(parts):
            _add(tally, truth, got[parts[done]], parts[done])
            done += 1
    return tally


def _streamed(tally: Tally, truth: Ruler, got: Array, loops: Any, first: int) -> int:
    """Measure chunks from one on by the compiled stream, up to one that it leaves to the definitions; return which."""
    plain = np.ascontiguousarray(got if got.dtype.itemsize >= 4 else got.astype(np.float32))
    sums = [tally.size_sum, tally.ulp_sum, tally.worst_size, tally.worst_ulp, tally.worst, 0.0]
    numbers = np.array([*sums, *tally.over.tolist()])
    exact = (truth.power, truth.hi, truth.lo, truth.reach, truth.flushes, truth.least)
    given = (plain, *exact, truth.widths, truth.steep, truth.narrowest)
    left = int(loops.stream(given, ruler.CHUNK, first, numbers))
    tally.size_sum, tally.ulp_sum, tally.worst_size, tally.worst_ulp, worst, flushed = numbers[:6].tolist()
    tally.worst, tally.over = int(worst), numbers[6:]
    tally.verdicts["flushed"] += int(flushed)
    return left


@np.errstate(invalid="ignore", over="ignore", under="ignore", divide="ignore")
def _add(tally: Tally, truth: Ruler, got: Array, part: slice) -> None:
    """Measure a chunk: what is regular in a stream, the rest by the definitions."""
    ulps, size, small = truth.room[:, : len(got)]
    np.copyto(ulps, got)
    ulps *= ruler.per_ulp(truth, part, out=size)
    ulps -= truth.hi[part]
    ulps -= truth.lo[part]
    np.abs(ulps, out=size)
    worst = int(size.argmax())  # or the first nan
    own = _name(got.dtype) == truth.form.name
    others: Array | None = None
    if not (own and size[worst] < truth.least[ruler.in_blocks(part)].min()):
        others = np.flatnonzero(~(size < truth.reach[part])) if own else np.arange(len(got))
        flushed = (got[others] == 0) & truth.flushes[part][others] & own
        tally.verdicts["flushed"] += int(np.count_nonzero(flushed))
        rest = others[~flushed]
        if len(rest):
            ulps[rest] = _judge(tally, truth, got[rest].astype(np.float64), rest + part.start)
            size[rest] = _size(ulps[rest])
            worst = int(size.argmax())
    tally.size_sum += float(size.sum())
    tally.ulp_sum += float(ulps.sum())
    largest = float(size[worst])
    if largest > tally.worst_size:
        tally.worst, tally.worst_size, tally.worst_ulp = part.start + worst, largest, float(ulps[worst])
    if others is not None:
        size[others] = 0.0  # these have had their ratios taken
    if largest and truth.bounds:  # else no ratio is more than 0
        _add_ratios(tally, truth, part, size, small.view(np.float32)[: len(got)], ulps)


def _add_ratios(tally: Tally, truth: Ruler, part: slice, size: Array, small: Array, room: Array) -> None:
    """Take the largest ratios of a chunk: in the block of which most is said, then of classes that may have larger."""
    widths, over = truth.widths[:, part], tally.over
    if len(size) <= FEW:
        np.maximum(over, (size / widths).max(axis=1), out=over)
        return
    np.copyto(small, size, casting="same_kind")
    np.multiply(small, truth.steep[part], out=small)
    steepest = np.maximum.reduceat(small.view(np.int32), ruler.starts(len(small))).view(np.float32)  # in whole numbers
    above = np.maximum(steepest, ruler.FAINT) / truth.narrowest[:, ruler.in_blocks(part)]
    if not (above > over[:, np.newaxis]).any():
        return
    top = int(steepest.argmax())  # mostly this block has the largest ratio of each class
    block = slice(top * ruler.BLOCK, (top + 1) * ruler.BLOCK)
    np.maximum(over, (size[block] / widths[:, block]).max(axis=1), out=over)
    new = above > over[:, np.newaxis]
    new[:, top] = False
    for k in np.flatnonzero(new.any(axis=1)):
        over[k] = max(over[k], np.divide(size, widths[k], out=room).max())


def _judge(tally: Tally, truth: Ruler, got: Array, where: Array) -> Array:
    """Count verdicts and ratios of some elements by the definitions, and return their distances in ulps."""
    golden, form = ruler.chosen(truth.golden, where), truth.form
    exact = np.abs(ulp.scale(golden.hi, 0 if golden.exponent is None else golden.exponent))
    ulps = ulp.error(got, golden, form)
    answers = Answers(got, golden, form, ulps, truth.flushable[where], exact)
    masks = {name: decide(answers) for name, decide in VERDICTS.items()}
    for name, mask in masks.items():
        tally.verdicts[name] += int(mask.sum())
    size = _size(ulps)
    lost = masks["nan"] | masks["overflow"]
    for k, bounds in enumerate(truth.bounds.values()):
        bound = bounds[where]
        ratio = size / ulp.scale(bound, -ulp.ulp_exponent(golden, form))
        # More ulps than float64 counts: the exact value is nothing beside the answer.
        ratio = np.where(np.isinf(size), np.abs(got) / bound, ratio)
        ratio = np.where(size == 0, 0.0, np.where(lost, np.inf, ratio))
        ratio = np.where(masks["flushed"], 0.0, np.nan_to_num(ratio, nan=0.0, posinf=np.inf))
        tally.over[k] = max(tally.over[k], ratio.max(initial=0.0))
    return ulps


def _size(ulps: Array) -> Array:
    """Return how far off each is; nan is infinitely far."""
    return np.where(np.isnan(ulps), np.inf, np.abs(ulps))
