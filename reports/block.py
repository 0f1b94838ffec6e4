"""The page's data block: every answer in columns, words in dictionaries, gzip in base64.

Worst inputs are the bulk of a store, so the page carries them only where they are looked for: for every deviation and
known deviation, and for the worst answer of each (op, target, quantity, dtype). `xentbench export` has them all.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import TYPE_CHECKING, Any

from harness.model import Result, Score
from harness.state import state
from reports import marks, numbers, reproducer, table

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from reports.material import Material

LEVEL = 6  # of zlib; 9 takes three times as long for 1 to 3 % less (measured on 20,000 results)


NESTED = (float, list, dict)  # what a list may hold that strict JSON writes otherwise


class Words:
    """A dictionary encoder: each distinct word once, in order of appearance."""

    def __init__(self) -> None:
        self.places: dict[Hashable, int] = {}

    def __call__(self, word: Hashable) -> int:
        """Return the place of a word."""
        return self.places.setdefault(word, len(self.places))

    @property
    def list(self) -> list[Any]:
        """The words by their places."""
        return list(self.places)


def packed(value: Any) -> str:
    """Return plain values as JSON, compressed, as base64 text."""
    return base64.b64encode(gzip.compress(dumps(value).encode(), LEVEL, mtime=0)).decode()


def facts(material: Material) -> dict[str, Any]:
    """Return what the page's script works on; static/block.js reads it."""
    answers = material.answers
    names = ("families", "dtypes", "quantities", "shapes", "symbols", "states", "reasons", "verdicts")
    words = {name: Words() for name in names}
    lines = sorted({table.key(answer) for answer in answers}, key=table.order)
    place = {line: i for i, line in enumerate(lines)}
    for answer in answers:  # so that the columns keep the order of the families in the store
        words["families"](answer.case.family)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("line", *names, "rank", "ulp", "ratio", "budget", "elements")
    }
    for answer in answers:
        columns["line"].append(place[table.key(answer)])
        _answer(answer, words, columns)
    return {
        "lines": [_line(op, target) for op, target in lines],
        "words": {name: words[name].list for name in names},
        "columns": columns,
        "details": details(material),
        "descriptions": dict(material.descriptions),
        "legend": dict(marks.SYMBOLS),
    }


def _line(op: str, target: Any) -> list[str]:
    of = target.implementation
    return [op, of.framework, of.name, of.kind, target.mode, target.device, str(target)]


def _answer(answer: Result, words: dict[str, Words], columns: dict[str, list[Any]]) -> None:
    case, outcome = answer.case, answer.outcome
    score = outcome if isinstance(outcome, Score) else None
    verdicts = ", ".join(f"{n} {name}" for name, n in sorted(score.verdicts.items())) if score else ""
    seed = f" seed {case.seed}" if case.seed else ""
    row = {
        "families": case.family,
        "dtypes": case.dtype,
        "quantities": case.quantity,
        "shapes": f"{case.rows}\u00d7{case.classes}{seed}",
        "symbols": marks.symbol(answer),
        "states": state(answer),
        "reasons": marks.why(answer),
        "verdicts": verdicts,
    }
    for name, word in row.items():
        columns[name].append(words[name](word))
    columns["rank"].append(marks.rank(answer))
    columns["ulp"].append(numbers.rounded(score.max_ulp) if score else None)
    ratio, budget = marks.ratio(score) if score else (None, "")
    columns["ratio"].append(numbers.rounded(ratio))
    columns["budget"].append(budget)
    columns["elements"].append(score.elements if score else 0)


def details(material: Material) -> dict[str, Any]:
    """Return the worst inputs the page carries, in columns, with their history and the scripts that run them again."""
    answers = material.answers
    texts, scripts = Words(), Words()
    names = (
        "answer",
        "logits",
        "label",
        "upstream",
        "exact",
        "expected",
        "got",
        "worst_ulp",
        "index",
        "mean",
        "bias",
        "bounds",
        "history",
        "script",
    )
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for place in sorted(material.history or detailed(answers)):
        score = answers[place].outcome
        assert isinstance(score, Score)
        worst = score.worst
        assert worst is not None
        row = (
            *(
                place,
                texts(worst.logits),
                texts(worst.label),
                texts(worst.upstream),
                worst.exact,
                worst.expected,
                worst.got,
            ),
            *(numbers.rounded(worst.ulp), list(worst.index), numbers.rounded(score.mean_ulp)),
            numbers.rounded(score.bias_ulp),
            [numbers.rounded(score.over_bound.get(budget)) for budget in marks.CLASSES],
            [
                [level.uid, level.started, level.runs, level.state, numbers.rounded(level.figure)]
                for level in material.history.get(place, ())
            ],
            scripts(reproducer.template(answers[place])),
        )
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    return {"texts": texts.list, "scripts": scripts.list, **columns}


def detailed(answers: Sequence[Result]) -> set[int]:
    """Return the places of the answers whose worst input the page carries."""
    chosen, worst = set[int](), dict[Any, int]()
    for place, answer in enumerate(answers):
        if not isinstance(answer.outcome, Score) or answer.outcome.worst is None:
            continue
        if answer.judgement in {"deviates", "known"}:
            chosen.add(place)
        group = (table.key(answer), answer.case.quantity, answer.case.dtype)
        if group not in worst or table.weight(answer) > table.weight(answers[worst[group]]):
            worst[group] = place
    return chosen | set(worst.values())


def dumps(value: Any) -> str:
    """Write strict JSON; infinities and nan become text, which static/block.js reads back."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value] if any(type(item) in NESTED for item in value) else value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value if math.isfinite(value) else str(value)
    return value
