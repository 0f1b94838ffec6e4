"""What an answer of the guide is made of: a sentence, pieces of text, and the results that they are taken from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Checked, Failed, Result, Score, Unsupported
from reports import marks, numbers
from reports.material import Material, Piece, place

if TYPE_CHECKING:
    from harness.model import Op


@dataclass(frozen=True)
class Answer:
    """A sentence, and a table whose first column names the lines; without lines the run has not asked it.

    page: that has it all. ask: the options of `xentbench run` that ask it. details: how each way did, in words.
    """

    sentence: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Piece]]
    page: str
    ask: str
    details: Sequence[tuple[str, str]] = ()


def frameworks(material: Material) -> list[str]:
    """Return the frameworks that answered, the control left out."""
    return sorted({answer.target.implementation.framework for answer in material.answers} - {"numpy"})


def of_framework(results: Iterable[Result], framework: str) -> list[Result]:
    """Return the results of one framework."""
    return [result for result in results if result.target.implementation.framework == framework]


def worst(results: Sequence[Result]) -> Piece:
    """Return the worst of some scores in ulps, with its family."""
    if not results:
        return Piece("")
    score = max(results, key=marks.weight)
    assert isinstance(score.outcome, Score)
    return Piece(f"{numbers.short(score.outcome.max_ulp)} ulp", place(score), marks.symbol(score), score.case.family)


def ops_with(material: Material, name: str, option: str) -> list[Op]:
    """Return the variants of an op that the run asked which have no option but one, and that without any."""
    ops = dict.fromkeys(answer.case.op for answer in material.answers if answer.case.op.name == name)
    return [op for op in ops if {*op.options} <= {option}]


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
