"""What an answer of the guide is made of: pieces of text, and the scores of this run that they are taken from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Checked, Failed, Result, Score, Unsupported
from reports import marks, numbers
from reports.material import Material, place

if TYPE_CHECKING:
    from harness.model import Implementation

FORMAT = "float32"  # what most people compute in


@dataclass(frozen=True)
class Piece:
    """A piece of an answer: text, its symbol, and the place in the report that proves it."""

    text: str
    at: str = ""
    symbol: str = ""
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """A table whose first column names the lines."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Piece]]
    page: str  # that has it all


def frameworks(material: Material) -> list[str]:
    """Return the frameworks that answered, the control left out."""
    return sorted({answer.target.implementation.framework for answer in material.answers} - {"numpy"})


def scores(
    material: Material,
    op: str,
    *kinds: str,
    dtypes: Sequence[str] = (FORMAT,),
    quantities: Sequence[str] = ("value", "grad_logits"),
) -> list[Result]:
    """Return the scores of an op without options, the published examples left out."""
    return [
        score
        for score in material.scores.get(op, ())
        if score.target.implementation.kind in kinds
        and score.case.dtype in dtypes
        and score.case.quantity in quantities
    ]


def of_framework(results: Iterable[Result], framework: str) -> list[Result]:
    """Return the results of one framework."""
    return [result for result in results if result.target.implementation.framework == framework]


def of_implementation(results: Iterable[Result], implementation: Implementation) -> list[Result]:
    """Return the results of one implementation."""
    return [result for result in results if result.target.implementation == implementation]


def usual(results: Iterable[Result]) -> list[Result]:
    """Return the results on normal logits."""
    return [result for result in results if result.case.family == "normal"]


def best(results: Iterable[Result]) -> list[Result]:
    """Return the results of the implementation whose worst answer is the least over its budget."""
    members: dict[Implementation, list[Result]] = {}
    for result in results:
        members.setdefault(result.target.implementation, []).append(result)
    return min(members.values(), key=lambda group: max(map(_over_budget, group)), default=[])


def _over_budget(result: Result) -> tuple[float, float]:
    """Return how far an answer is off: over its tightest bound, then in ulps."""
    assert isinstance(result.outcome, Score)
    over = result.outcome.over_bound.get("S", math.inf)
    return (math.inf if math.isnan(over) else over), result.outcome.max_ulp


def worst(results: Sequence[Result]) -> Piece:
    """Return the worst of some scores in ulps, with its family."""
    if not results:
        return Piece("")
    score = max(results, key=marks.weight)
    assert isinstance(score.outcome, Score)
    return Piece(f"{numbers.short(score.outcome.max_ulp)} ulp", place(score), marks.symbol(score), score.case.family)


def worst_of_best(results: Sequence[Result]) -> Piece:
    """Return the name of the best implementation, with its worst score."""
    members = best(results)
    if not members:
        return Piece("")
    piece = worst(members)
    return Piece(members[0].target.implementation.name, piece.at, piece.symbol, f"{piece.text}, {piece.note}")


def in_words(results: Iterable[Result]) -> Piece:
    """Return what fused functions answered in words, the most frequent first."""
    counts: dict[str, int] = {}
    for result in results:
        if result.target.implementation.kind == "fused":
            match result.outcome:
                case Checked(policy=policy):
                    word = policy or ("as its formula says" if result.judgement == "conforms" else "off")
                case Failed():
                    word = "an error"
                case Unsupported():
                    continue
                case _:
                    word = "no answer"
            counts[word] = counts.get(word, 0) + 1
    return Piece(", ".join(sorted(counts, key=lambda word: -counts[word])))
