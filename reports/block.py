"""The data of a page as compressed JSON: every answer in columns, each distinct word once.

Worst inputs are the bulk of a store, so the page carries them only where they are looked for: for every deviation and
known deviation, for the worst answer of each (op, target, quantity, dtype), and for that where an implementation first
fails. `xentbench export` has them all.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.history.state import state
from harness.model import BUDGET_CLASSES, Checked, Score
from reports import lean, lines, marks, numbers
from reports.reproducer import script

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from harness.model import Case, Implementation, Result, Target, Worst
    from reports.material import Material

AT_ONCE = 256  # items of a list, which may be long rows
PIECE = 1 << 16  # bytes
GZIP = 31  # as zlib names the format with its largest window
LEVEL = 6  # of zlib; 9 takes three times as long for 1 to 3 % less (measured on 20,000 results)


NESTED = frozenset((float, list, dict))  # what a list may hold that strict JSON writes otherwise


class Words(dict[Any, int]):
    """A dictionary encoder: each distinct word and its place, in order of appearance; a new one finds its place."""

    def __missing__(self, word: Hashable) -> int:
        """Give a new word the next place."""
        self[word] = place = len(self)
        return place


def pack(value: Any) -> str:
    """Return plain values as JSON, compressed, as base64 text."""
    return "".join(packed(value))


def packed(value: Any) -> Iterator[str]:
    """Yield that text in pieces."""
    gzip, waiting = zlib.compressobj(LEVEL, wbits=GZIP), b""
    for text in texts(value):
        waiting += gzip.compress(text.encode())
        whole = len(waiting) // 3 * 3  # bytes that are whole signs of base64
        if whole >= PIECE:
            yield base64.b64encode(waiting[:whole]).decode()
            waiting = waiting[whole:]
    yield base64.b64encode(waiting + gzip.flush()).decode()


def facts(material: Material) -> dict[str, Any]:
    """Return what the page's script works on; static/block.js reads it.

    It is read once, in its order: columns are made as they are written, and find the words that stand behind them.
    """
    answers = material.told
    found = Words()
    asked = array("i", (found[lines.line(answer)] for answer in answers))
    every = sorted(found, key=lines.order)
    place = {found[line]: i for i, line in enumerate(every)}
    named: dict[str, Iterable[str]] = {
        "families": (answer.case.family for answer in answers),
        "dtypes": (answer.case.dtype for answer in answers),
        "quantities": (answer.case.quantity for answer in answers),
        "shapes": (shape(answer.case) for answer in answers),
        "symbols": map(marks.symbol, answers),
        "states": map(state, answers),
        "reasons": map(marks.why, answers),
        "budgets": map(_budget, answers),
        "verdicts": map(_verdicts, answers),
        "checks": (answer.case.check for answer in answers),
        "found": map(_found, answers),
        "environments": (answer.environment for answer in answers),
    }
    words = {name: Words() for name in named}
    return {
        "lines": [_line(op, target, material.names) for op, target in every],
        "columns": {
            "line": map(place.__getitem__, asked),
            **{name: map(words[name].__getitem__, column) for name, column in named.items()},
            "rank": map(marks.rank, answers),
            "ulp": (numbers.ulps(score.max_ulp) if score else None for score in map(_score, answers)),
            "ratio": (numbers.rounded(ratio(answer)) for answer in answers),
            "elements": (getattr(answer.outcome, "elements", 0) for answer in answers),
        },
        "answers": len(material.answers),
        "environments": (dict(material.environments.get(key, {})) for key in _late(words["environments"])),
        "run": material.run.uid,
        "store": material.store,
        "words": {name: _late(encoded) for name, encoded in words.items()},
        "details": details(material),
        "descriptions": dict(material.descriptions),
        "legend": dict(marks.SYMBOLS),
    }


def _late(words: Words) -> Iterator[Any]:
    """Yield the words that there are when the first is asked for."""
    yield from words


def _score(answer: Result) -> Score | None:
    return answer.outcome if isinstance(answer.outcome, Score) else None


def ratio(answer: Result) -> float | None:
    """Return error / bound of class S or, of a check, the difference over what its claim allows."""
    match answer.outcome:
        case Score() as score:
            return marks.ratio(score)[0]
        case Checked(over=over):
            return over
    return None


def _budget(answer: Result) -> str:
    score = _score(answer)
    return marks.ratio(score)[1] if score else ""


def _found(answer: Result) -> str:
    """Return what a check found, in words: a policy, or what is off; nothing of what is as claimed."""
    if not isinstance(answer.outcome, Checked):
        return ""
    off = answer.judgement in {"deviates", "known"}
    return "; ".join(filter(None, (answer.outcome.policy, answer.outcome.detail if off else "")))


def _line(op: str, target: Target, names: Mapping[Implementation, lines.Names]) -> list[Any]:
    implementation, mode = target.implementation, (target.mode, target.device, str(target))
    first, *others = names.get(implementation, (implementation,))
    also = [one.name for one in others] if first == implementation else None  # none of a name that another stands for
    return [op, implementation.framework, implementation.name, implementation.kind, *mode, also]


def shape(case: Case) -> str:
    """Return the size of a case's logits, with the seed where there are several of it."""
    return f"{case.rows}\u00d7{case.classes}" + (f" seed {case.seed}" if case.seed else "")


def _verdicts(answer: Result) -> str:
    score = _score(answer)
    return ", ".join(f"{n} {name}" for name, n in sorted(score.verdicts.items())) if score else ""


def details(material: Material) -> dict[str, Any]:
    """Return the worst inputs the page carries, in columns, with their history and the scripts that run them again."""
    answers = material.told
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
    for place in sorted(material.history or detailed(answers, material.descriptions)):
        answer, score = answers[place], _score(answers[place])
        worst = _worst(answer)
        assert worst is not None
        row = (
            *(
                place,
                texts[worst.logits],
                texts[worst.label],
                texts[worst.upstream],
                worst.exact,
                worst.expected,
                worst.got,
            ),
            *(numbers.ulps(worst.ulp), list(worst.index), numbers.ulps(score.mean_ulp) if score else None),
            numbers.ulps(score.bias_ulp) if score else None,
            [numbers.rounded(score.over_bound.get(budget)) for budget in BUDGET_CLASSES] if score else [],
            [
                [level.uid, level.started, level.runs, level.state, numbers.rounded(level.figure)]
                for level in material.history.get(place, ())
            ],
            scripts[_script(answer, material)],
        )
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    return {"texts": list(texts), "scripts": list(scripts), **columns}


def _worst(answer: Result) -> Worst | None:
    return answer.outcome.worst if isinstance(answer.outcome, Score | Checked) else None


def _script(answer: Result, material: Material) -> str:
    """Return the template of the script that asks again; nothing where none is written for such a question."""
    facts = material.environments.get(answer.environment, {})
    if isinstance(answer.outcome, Score) and (lean.is_answer(answer) or script.offered(answer, facts)):
        return script.template(answer, facts)
    return ""


def detailed(answers: Sequence[Result], families: Iterable[str] = ()) -> set[int]:
    """Return the places of the answers whose worst input the page carries; families: as they get harder."""
    first = lean.fails_first(answers, families).values()
    chosen = {place for place in first if (score := _score(answers[place])) and score.worst}
    worst: dict[Hashable, tuple[tuple[int, float], int]] = {}
    for place, answer in enumerate(answers):
        if _worst(answer) is None:
            continue
        if answer.judgement in {"deviates", "known"}:
            chosen.add(place)
        if not lean.is_answer(answer):
            continue
        group, weight = lean.group(answer), marks.weight(answer)
        if (before := worst.get(group)) is None or weight > before[0]:
            worst[group] = weight, place
    return chosen | {place for _, place in worst.values()}


def dumps(value: Any) -> str:
    """Write strict JSON; infinities and nan become text, which static/block.js reads back."""
    return "".join(texts(value))


def texts(value: Any) -> Iterator[str]:
    """Yield that JSON in pieces; arrays and iterators are written as lists are."""
    if isinstance(value, dict):
        for place, (name, item) in enumerate(value.items()):
            yield f"{',' if place else '{'}{_dumped(name)}:"
            yield from texts(item)
        yield "}" if value else "{}"
    elif isinstance(value, list | array | Iterator):
        rest, place = iter(value), 0
        for place, items in enumerate(iter(lambda: list(islice(rest, AT_ONCE)), []), 1):
            yield ("[" if place == 1 else ",") + _dumped(items)[1:-1]
        yield "]" if place else "[]"
    else:
        yield _dumped(value)


def _dumped(value: Any) -> str:
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return value if NESTED.isdisjoint(map(type, value)) else [_plain(item) for item in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value if math.isfinite(value) else str(value)
    return value
