"""Nouns made of plain values from elsewhere: each value is held to the type of its field, and to what it can mean.

What reads a run file, a table's row or a journal goes by this, so that nothing that was taken breaks what is done with
it later. How a noun is read is made once, from its type hints.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from harness.model import FORMATS, Case, Checked, Score, Settled, Timing, Worst

T = TypeVar("T")
Read = Callable[[Any], Any]

MOST_CHARACTERS = 1 << 20  # of a word; a reason may quote a whole compiler
LONGEST = 1 << 24  # characters of a row of numbers: 262 144 of float64 in hex, and some
LONG_TEXTS = ("logits", "label", "upstream")  # of a Worst: such rows
NUMBERS = re.compile(r"[-+0-9a-fxpin.= ]*")
RECIPE = re.compile(r"def |# python|import |row\b")  # how Python that draws a row begins
DECIMAL = re.compile(r"[-+0-9a-z.]{0,100}")
NOT_FINITE: Mapping[str, float] = {str(number): number for number in (math.inf, -math.inf, math.nan)}
MOST_ELEMENTS = 1 << 40  # of a case
MOST_TIMES = 1e30  # as long: the longest time over the shortest


class Malformed(ValueError):  # noqa: N818 - said of a value
    """A plain value that is none of a noun's."""


def made(kind: Callable[..., T], values: Any) -> T:
    """Return the noun of such values by name; what is absent takes its default. Raises Malformed."""
    try:
        readers = _readers(kind)
        noun = kind(**{name: readers[name](value) for name, value in values.items()})
    except Malformed as error:
        raise Malformed(_said(f"{_noun(kind)}'s {_culprit(kind, values)}", error)) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise Malformed(f"{_noun(kind)} is {shown(values)}, expected {_expected(kind)}") from error
    for name, holds, expected in RULES.get(kind, ()):
        if not holds(noun):
            raise Malformed(f"{_noun(kind)}'s {name} is {shown(getattr(noun, name))}, expected {expected}")
    return noun


def read(hint: Any, what: str, value: Any) -> Any:
    """Return a value as a type hint has it. Raises Malformed, which says what it is."""
    try:
        return _reader(hint)(value)
    except Malformed as error:
        raise Malformed(_said(what, error)) from error


def shown(value: Any) -> str:
    """Print a value that may be of any size and depth."""
    return reprlib.repr(value)


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
    long = {name: _long for name in LONG_TEXTS if kind.__name__ == "Worst"}
    return {name: long.get(name) or _reader(hint) for name, hint in get_type_hints(kind).items()}


def _text(value: Any) -> Any:
    if value.__class__ is not str or len(value) > MOST_CHARACTERS or not (value.isascii() or _encodes(value)):
        raise Malformed(f"is {shown(value)}, expected a text of up to {MOST_CHARACTERS} characters")
    return value


def _long(value: Any) -> Any:
    if value.__class__ is not str or len(value) > LONGEST or not (value.isascii() or _encodes(value)):
        raise Malformed(f"is {shown(value)}, expected a text of up to {LONGEST} characters")
    return value


def _encodes(text: str) -> bool:
    """Tell whether a text is one: half a character is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(value: Any) -> Any:
    if value.__class__ is not int or not -(1 << 63) <= value < 1 << 63:
        raise Malformed(f"is {shown(value)}, expected a whole number of 64 bits")
    return value


def _float(value: Any) -> Any:
    if value.__class__ is float:
        return value
    if value.__class__ is int and -(1 << 63) <= value < 1 << 63:
        return float(value)
    if value.__class__ is str and value in NOT_FINITE:
        return NOT_FINITE[value]
    raise Malformed(f"is {shown(value)}, expected a number")


def _bool(value: Any) -> Any:
    if value.__class__ is not bool:
        raise Malformed(f"is {shown(value)}, expected true or false")
    return value


def _as_it_is(value: Any) -> Any:
    return value


def _nothing(value: Any) -> Any:
    if value is not None:
        raise Malformed(f"is {shown(value)}, expected nothing")
    return value


PLAIN: Mapping[Any, Read] = {str: _text, int: _whole, float: _float, bool: _bool, NoneType: _nothing}


@cache
def _reader(hint: Any) -> Read:
    """Return what makes a plain value one of a type, or raises Malformed."""
    parts = get_args(hint)
    match get_origin(hint):
        case None if hint in PLAIN:
            return PLAIN[hint]
        case None if is_dataclass(hint):
            return lambda value: value if value.__class__ is hint else made(cast("type[Any]", hint), value)
        case origin if origin is Literal:
            return _one_of(parts)
        case origin if origin in {UnionType, Union}:
            return _either(parts)
        case origin if origin is tuple and parts[1:] == (...,):
            return _several(_reader(parts[0]))
        case origin if origin is Mapping:
            return _named(_reader(parts[0]), _reader(parts[1]))
    raise TypeError(f"hint is {hint}, expected one that a noun's field has")


def _one_of(words: tuple[Any, ...]) -> Read:
    known = frozenset(words)

    def reader(value: Any) -> Any:
        if value.__class__ is not str or value not in known:
            raise Malformed(f"is {shown(value)}, expected one of {', '.join(words)}")
        return value

    return reader


def _either(parts: tuple[Any, ...]) -> Read:
    """Read a value of one of several types: of its own, or of one that takes it."""
    readers = [_reader(part) for part in parts]
    own = {part: PLAIN.get(part, _as_it_is) for part in parts if isinstance(part, type)}

    def reader(value: Any) -> Any:
        if known := own.get(value.__class__):
            return known(value)
        for one in readers[:-1]:
            try:
                return one(value)
            except Malformed:
                continue
        return readers[-1](value)

    if len(parts) == 2 and parts[1] is NoneType:
        some = readers[0]
        return lambda value: None if value is None else some(value)
    return reader


def _several(one: Read) -> Read:
    def reader(values: Any) -> Any:
        if values.__class__ is not list and values.__class__ is not tuple:
            raise Malformed(f"is {shown(values)}, expected a list")
        return tuple(map(one, values))

    return reader


def _named(key: Read, item: Read) -> Read:
    def reader(values: Any) -> Any:
        if values.__class__ is not dict:
            raise Malformed(f"is {shown(values)}, expected values by name")
        return {key(name): item(value) for name, value in values.items()}

    return reader


def _is_time(seconds: float) -> bool:
    """Tell whether something can last so long: not a femtosecond, and not 30 million years."""
    return seconds == 0 or 1e-15 <= seconds <= 1e15


def _is_hex(text: str) -> bool:
    try:
        float.fromhex(text or "0")
    except (ValueError, OverflowError):
        return False
    return True


def row(text: str) -> str:
    """Return a long text that is a row of numbers, or how to draw one. Raises Malformed.

    Scripts that ask again hold it between quotes, which it cannot end.
    """
    if NUMBERS.fullmatch(text) or RECIPE.match(text):
        return text
    raise Malformed(f"row is {shown(text)}, expected numbers, or Python that draws them")


# What a field can be beside its type, where what reads it relies on that: field, rule, the rule in words.
RULES: Mapping[Any, tuple[tuple[str, Callable[[Any], bool], str], ...]] = {
    Case: (
        ("dtype", lambda case: case.dtype in FORMATS, f"one of {', '.join(FORMATS)}"),
        ("rows", lambda case: 0 <= case.rows <= MOST_ELEMENTS, "as many as an array may have"),
        (
            "classes",
            lambda case: 0 <= case.classes * max(case.rows, 1) <= MOST_ELEMENTS,
            "as many as an array may have",
        ),
    ),
    Score: (
        ("elements", lambda score: score.elements > 0, "1 or more"),
        ("max_ulp", lambda score: not score.max_ulp < 0, "a distance"),
        ("mean_ulp", lambda score: not score.mean_ulp < 0, "a distance"),
        ("over_bound", lambda score: "S" in score.over_bound, "one of class S among them"),
        ("over_bound", lambda score: not any(over < 0 for over in score.over_bound.values()), "shares of 0 and more"),
        ("verdicts", lambda score: min(score.verdicts.values(), default=0) >= 0, "counts"),
    ),
    Checked: (
        ("elements", lambda checked: checked.elements >= 0, "0 or more"),
        ("over", lambda checked: not checked.over < 0, "a share of 0 or more"),
    ),
    Settled: (
        ("low", lambda duel: MOST_TIMES**-1 <= duel.low <= duel.times, "a ratio of times, and no more than `times`"),
        ("high", lambda duel: duel.times <= duel.high <= MOST_TIMES, "a ratio of times, and no less than `times`"),
        ("workers", lambda duel: duel.workers > 0, "1 or more"),
    ),
    Worst: (
        ("exact", lambda worst: bool(DECIMAL.fullmatch(worst.exact)), "a number in decimals"),
        ("expected", lambda worst: _is_hex(worst.expected), "a number in hex"),
        ("got", lambda worst: _is_hex(worst.got), "a number in hex"),
    ),
    Timing: (
        ("seconds", lambda timing: all(map(_is_time, timing.seconds)), "times of 0, or 1e-15 to 1e15"),
        ("calls", lambda timing: timing.calls > 0, "1 or more"),
        (
            "workers",
            lambda timing: 0 < timing.workers <= max(1, len(timing.seconds)),
            "1 or more, of a sample at least",
        ),
        ("first_call_seconds", lambda timing: _is_time(timing.first_call_seconds), "a time of 0, or 1e-15 to 1e15"),
    ),
}
