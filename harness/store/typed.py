"""Nouns made of plain values from elsewhere: each value is held to the type of its field, and to what it can mean.

What reads a run file, a table's row or a journal goes by this, so that nothing that was taken breaks what is done with
it later. How a noun is read is made once, from its type hints.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

from harness.model import FORMATS, Case, Checked, Score, Settled, Timing, Worst
from harness.store import hints
from harness.store.hints import Malformed, Read, shown

T = TypeVar("T")
Off = tuple[str, str] | None  # a field, and what was expected of it

LONG_TEXTS = ("logits", "label", "upstream")  # of a Worst: such rows
NUMBERS = re.compile(r"[-+0-9a-fxpin.= ]*")
RECIPE = re.compile(r"def |# python|import |row\b")  # how Python that draws a row begins
DECIMAL = re.compile(r"[-+0-9a-z.]{0,100}")
MOST_ELEMENTS = 1 << 40  # of a case
SHORTEST, LONGEST_TIME = 1e-15, 1e15  # seconds that something can take
NEGATIVE = (0.0).__gt__
MOST_TIMES = 1e30  # as long: the longest time over the shortest


def made(kind: Callable[..., T], values: Any) -> T:
    """Return the noun of such values by name; what is absent takes its default. Raises Malformed."""
    try:
        readers, whole = _readers(kind), _whole_noun(kind)
        if len(readers) == len(values):
            noun = whole(values)
        else:
            noun = kind(**{name: readers[name](value) for name, value in values.items()})
    except Malformed as error:
        raise Malformed(_said(f"{_noun(kind)}'s {_culprit(kind, values)}", error)) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise Malformed(f"{_noun(kind)} is {shown(values)}, expected {_expected(kind)}") from error
    if (rule := RULES.get(kind)) and (off := rule(noun)):
        raise Malformed(f"{_noun(kind)}'s {off[0]} is {shown(getattr(noun, off[0]))}, expected {off[1]}")
    return noun


def read(hint: Any, what: str, value: Any) -> Any:
    """Return a value as a type hint has it. Raises Malformed, which says what it is."""
    try:
        return hints.reader(hint, made)(value)
    except Malformed as error:
        raise Malformed(_said(what, error)) from error


def _said(what: str, error: Malformed) -> str:
    """Say of what it is that something is off; what lies deeper is named already."""
    return f"{what} {error}" if str(error).startswith("is ") else f"{what}: {error}"


def _noun(kind: Any) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()


def _culprit(kind: Any, values: Mapping[str, Any]) -> str:
    """Return the name of the first value that is off."""
    for name, reader in _readers(kind).items():
        try:
            reader(values.get(name))
        except Malformed:
            if name in values:
                return name
    raise AssertionError(values)


def _expected(kind: Any) -> str:
    assert is_dataclass(kind)
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    others = [one.name for one in fields(kind) if one.name not in needed]
    return ", ".join(needed) + (f", perhaps {', '.join(others)}" if others else "")


@cache
def _readers(kind: Any) -> dict[str, Read]:
    """Return how each field of a noun is read."""
    long = {name: hints.long for name in LONG_TEXTS if kind.__name__ == "Worst"}
    return {name: long.get(name) or hints.reader(hint, made) for name, hint in get_type_hints(kind).items()}


@cache
def _whole_noun(kind: Any) -> Read:
    """Return what makes a noun of all its fields, written out as dataclasses write their own methods."""
    readers = _readers(kind)
    made = []
    for name, hint in get_type_hints(kind).items():
        value, quick = f"v[{name!r}]", hints.QUICK.get(hint if readers[name] is not hints.long else None)
        if quick:
            made.append(f"x if {quick.replace('x', f'(x := {value})', 1)} else r[{name!r}](x)")
        else:
            made.append(f"r[{name!r}]({value})")
    return cast("Read", eval(f"lambda v: kind({', '.join(made)})", {"kind": kind, "r": readers}))  # noqa: S307 - ours


def row(text: str) -> str:
    """Return a long text that is a row of numbers, or how to draw one. Raises Malformed.

    Scripts that ask again hold it between quotes, which it cannot end.
    """
    if NUMBERS.fullmatch(text) or RECIPE.match(text):
        return text
    raise Malformed(f"row is {shown(text)}, expected numbers, or Python that draws them")


def _case(case: Case) -> Off:
    if case.dtype not in FORMATS:
        return "dtype", f"one of {', '.join(FORMATS)}"
    if not 0 <= case.rows <= MOST_ELEMENTS:
        return "rows", "as many as an array may have"
    if not 0 <= case.classes * max(case.rows, 1) <= MOST_ELEMENTS:
        return "classes", "as many as an array may have"
    return None


def _score(score: Score) -> Off:
    if score.elements <= 0:
        return "elements", "1 or more"
    if score.max_ulp < 0:
        return "max_ulp", "a distance"
    if score.mean_ulp < 0:
        return "mean_ulp", "a distance"
    if "S" not in score.over_bound:
        return "over_bound", "one of class S among them"
    if any(map(NEGATIVE, score.over_bound.values())):
        return "over_bound", "shares of 0 and more"
    if any(map(NEGATIVE, score.verdicts.values())):
        return "verdicts", "counts"
    return None


def _checked(checked: Checked) -> Off:
    if checked.elements < 0:
        return "elements", "0 or more"
    return ("over", "a share of 0 or more") if checked.over < 0 else None


def _settled(duel: Settled) -> Off:
    if not MOST_TIMES**-1 <= duel.low <= duel.times:
        return "low", "a ratio of times, and no more than `times`"
    if not duel.times <= duel.high <= MOST_TIMES:
        return "high", "a ratio of times, and no less than `times`"
    return ("workers", "1 or more") if duel.workers <= 0 else None


def _worst(worst: Worst) -> Off:
    if not DECIMAL.fullmatch(worst.exact):
        return "exact", "a number in decimals"
    for name, text in (("expected", worst.expected), ("got", worst.got)):
        try:
            float.fromhex(text or "0")
        except (ValueError, OverflowError):
            return name, "a number in hex"
    return None


def _timing(timing: Timing) -> Off:
    first = timing.first_call_seconds
    if not (SHORTEST <= first <= LONGEST_TIME or first == 0):
        return "first_call_seconds", f"a time of 0, or {SHORTEST:g} to {LONGEST_TIME:g}"
    if not _are_times(timing.seconds):
        return "seconds", f"times of 0, or {SHORTEST:g} to {LONGEST_TIME:g}"
    if timing.calls <= 0:
        return "calls", "1 or more"
    if not 0 < timing.workers <= max(1, len(timing.seconds)):
        return "workers", "1 or more, of a sample at least"
    return None


def _are_times(seconds: Sequence[float]) -> bool:
    """Tell whether something can last so long each time: not a femtosecond, and not 30 million years."""
    if not (math.isfinite(sum(seconds)) and max(seconds, default=0) <= LONGEST_TIME):
        return False
    return min(seconds, default=1) >= SHORTEST or all(one == 0 or one >= SHORTEST for one in seconds)


# What is off in a noun whose fields are of their types, where what reads it relies on more.
RULES: Mapping[Any, Callable[[Any], Off]] = {
    Case: _case,
    Score: _score,
    Checked: _checked,
    Settled: _settled,
    Worst: _worst,
    Timing: _timing,
}
