"""Several runs one after the other, such as of one release each: what changed at which step, function by function."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from statistics import fmean
from typing import get_args

from harness.history import change, compare, news, ratio
from harness.history.change import Change
from harness.history.compare import ORDER, Comparison
from harness.history.counting import number, plural
from harness.history.news import Accepts, News, nothing
from harness.history.verdict import Grade, Verdict, of_comparison
from harness.model import Recorded, Result, Target, Timing

DEVIATING = ("known", "deviates")
GRADES = get_args(Grade)  # the worst first


@dataclass(frozen=True)
class Cell:
    """What became of one function at one step: every question's change, what matters most first.

    runs: the uids of the two, between which duels may have settled times.
    """

    changes: tuple[Change, ...]
    runs: tuple[str, str] = ("", "")

    @cached_property
    def news(self) -> dict[News, list[Change]]:
        """The changes of each kind of news, in the order of weight; what stayed as it was is left out."""
        by: dict[News, list[Change]] = {}
        for one in self.changes:
            if one.news != "none":
                by.setdefault(one.news, []).append(one)
        return by

    @property
    def rank(self) -> int:
        """How much it matters, 0 most."""
        return min(ORDER.index(kind) for kind in (*self.news, "none"))

    @property
    def came(self) -> int:
        """How many answers deviate since this step, known or not."""
        return sum(_conforms(one.before) and _deviates(one.after) for one in self.changes)

    @property
    def went(self) -> int:
        """How many answers deviated until this step."""
        return sum(_deviates(one.before) and _conforms(one.after) for one in self.changes)

    @cached_property
    def bits(self) -> tuple[int, int]:
        """How many answers differ in bits, and of how many."""
        told = [same for one in self.changes if (same := change.same_bits(one.before, one.after)) is not None]
        return told.count(False), len(told)

    @cached_property
    def times(self) -> float | None:
        """How many times as long the calls took, the geometric mean over what was timed in both runs."""
        found = [_times(one, self.runs) for one in self.changes]
        logs = [math.log(one.times) for one in found if one is not None]
        return math.exp(fmean(logs)) if logs else None


@dataclass(frozen=True)
class Function:
    """An implementation of an op in a mode, and a cell a step."""

    target: Target
    cells: tuple[Cell, ...]

    @cached_property
    def rank(self) -> int:
        """How much what became of it matters, 0 most."""
        return min(cell.rank for cell in self.cells)


@dataclass(frozen=True)
class Deviation:
    """Answers that deviate for one listed reason, of one function where none is listed: how many in each run."""

    reason: str  # empty for what is not listed
    functions: tuple[str, ...]  # their names
    counts: tuple[int, ...]

    @property
    def steady(self) -> bool:
        """Whether as many deviate in every run."""
        return len(set(self.counts)) == 1


@dataclass(frozen=True)
class Course:
    """Runs one after the other, two at least: a comparison a step, and of the first with the last."""

    names: tuple[str, ...]  # of the runs
    steps: tuple[Comparison, ...]
    whole: Comparison
    deviations: tuple[Deviation, ...]  # those that came or went first

    @property
    def pairs(self) -> tuple[Comparison, ...]:
        """What has to pass: each step, and all of them together, because what creeps passes each."""
        return self.steps if len(self.steps) == 1 else (*self.steps, self.whole)

    @cached_property
    def functions(self) -> list[Function]:
        """Every function that any of the runs asked, what matters most first."""
        found: dict[Target, list[list[Change]]] = {}
        for place, step in enumerate(self.steps):
            for one in step.changes:
                found.setdefault(one.result.target, [[] for _ in self.steps])[place].append(one)
        runs = [(step.before.uid, step.after.uid) for step in self.steps]
        made = [
            Function(target, tuple(Cell(tuple(cell), pair) for cell, pair in zip(cells, runs, strict=True)))
            for target, cells in found.items()
        ]
        return sorted(made, key=lambda one: (one.rank, one.target.implementation.op, str(one.target)))

    @cached_property
    def verdict(self) -> Verdict:
        """Which steps are safe to take, and how the last run stands beside the first; the grade is the worst of all."""
        whole = of_comparison(self.whole)
        if len(self.steps) == 1:
            return whole
        names = [f"{before} -> {after}" for before, after in pairwise(self.names)]
        verdicts = dict(zip(names, map(of_comparison, self.steps), strict=True))
        unsafe = [step for step, verdict in verdicts.items() if verdict.grade != "good"]
        count = plural(len(self.steps), "step")
        said = f"{count}, each safe to take"
        if unsafe:
            said = f"{number(len(unsafe))} of {count} not safe to take ({', '.join(unsafe)})"
        grade = min((verdict.grade for verdict in (*verdicts.values(), whole)), key=GRADES.index)
        return Verdict(grade, f"{said}; from first to last, {whole.sentence}")


def follow(runs: Sequence[Recorded], size: float = ratio.SIZE, accepts: Accepts = nothing) -> Course:
    """Compare runs step by step.

    size: the relative difference of times from which one counts. accepts: what a list of one's own says of an answer.
    """
    steps = tuple(compare.compare(*pair, size, accepts) for pair in pairwise(runs))
    whole = steps[0] if len(steps) == 1 else compare.compare(runs[0], runs[-1], size, accepts)
    judged = [replace(run, results=news.judged(run, accepts)) for run in runs]
    return Course(_names(runs), steps, whole, tuple(_deviations(judged)))


def _deviations(runs: Sequence[Recorded]) -> list[Deviation]:
    """Count what deviates in each run by its listed reason, or by its function."""
    counts: dict[tuple[str, str], Counter[int]] = {}
    functions: dict[tuple[str, str], set[str]] = {}
    for place, run in enumerate(runs):
        for result in filter(_deviates, run.results):
            name = result.target.implementation.name
            key = (result.reason, "") if result.judgement == "known" else ("", name)
            counts.setdefault(key, Counter())[place] += 1
            functions.setdefault(key, set()).add(name)
    found = [
        Deviation(key[0], tuple(sorted(functions[key])), tuple(count[place] for place in range(len(runs))))
        for key, count in counts.items()
    ]
    return sorted(found, key=lambda one: (one.steady, bool(one.reason), one.functions, one.reason))


def _names(runs: Sequence[Recorded]) -> tuple[str, ...]:
    """Name runs by the versions of what they asked, or by their ids where that does not tell them apart."""
    versions = [", ".join(_versions(one)) for one in runs]
    return tuple(versions) if all(versions) and len(set(versions)) == len(runs) else tuple(one.run.uid for one in runs)


def _versions(recorded: Recorded) -> Sequence[str]:
    """Return each framework that has results, with its version."""
    used = {result.environment for result in recorded.results}
    every = [facts for key, facts in recorded.environments.items() if key in used]
    return sorted({f"{name} {facts[name]}" for facts in every if (name := facts.get("framework", "")) in facts})


def _deviates(result: Result | None) -> bool:
    return result is not None and result.judgement in DEVIATING


def _conforms(result: Result | None) -> bool:
    return result is not None and result.judgement == "conforms"


def _times(one: Change, runs: tuple[str, str]) -> ratio.Ratio | None:
    match one.before, one.after:
        case Result(outcome=Timing() as old), Result(outcome=Timing() as new):
            return ratio.of_runs(old, new, runs)
    return None
