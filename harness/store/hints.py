"""Plain values as a type hint has them: what makes each of one, or says why it is none."""

from __future__ import annotations

import math
import reprlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from struct import unpack_from
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

Read = Callable[[Any], Any]

MOST_CHARACTERS = 1 << 20  # of a word; a reason may quote a whole compiler
LONGEST = 1 << 24  # characters of a row of numbers: 262 144 of float64 in hex, and some
NOT_FINITE: Mapping[str, float] = {str(number): number for number in (math.inf, -math.inf, math.nan)}
NOTHING: Mapping[str, Any] = {}  # one for all
# What takes no call where a value is as it should be: 400 000 results have fifteen such fields each.
QUICK: Mapping[Any, str] = {
    float: "x.__class__ is float",
    str: f"x.__class__ is str and x.isascii() and len(x) <= {MOST_CHARACTERS}",
    int: f"x.__class__ is int and {-(1 << 63)} <= x < {1 << 63}",
}


_names: dict[tuple[str, ...], tuple[str, ...]] = {}  # each kind of names once; there are as many as kinds of questions


class Figures(Mapping[str, float]):
    """Floats by name, in their order; equal to a dictionary of the same, which takes four times the memory."""

    __slots__ = ("_names", "_packed")

    def __init__(self, values: Mapping[str, float]) -> None:
        """Hold what a mapping holds."""
        names = tuple(values)
        self._names = _names.setdefault(names, names)
        self._packed = array("d", values.values()).tobytes()

    def __getitem__(self, name: str) -> float:
        """Return a number. Raises KeyError."""
        if name not in self._names:
            raise KeyError(name)
        number: float = unpack_from("d", self._packed, 8 * self._names.index(name))[0]
        return number

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a number of that name."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)

    def __repr__(self) -> str:
        """Print as the dictionary."""
        return repr(dict(self))


class Malformed(ValueError):  # noqa: N818 - said of a value
    """A plain value that is none of a noun's."""


def shown(value: Any) -> str:
    """Print a value that may be of any size and depth."""
    return reprlib.repr(value)


def _encodes(text: str) -> bool:
    """Tell whether a text is one: half a character is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text_of(most: int) -> Read:
    """Return what reads a text of up to so many characters."""

    def read(value: Any) -> Any:
        if value.__class__ is not str or len(value) > most or not (value.isascii() or _encodes(value)):
            raise Malformed(f"is {shown(value)}, expected a text of up to {most} characters")
        return value

    return read


_text, long = _text_of(MOST_CHARACTERS), _text_of(LONGEST)  # a word, and a row of numbers


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
def reader(hint: Any, noun: Callable[[Any, Any], Any]) -> Read:
    """Return what makes a plain value one of a type, or raises Malformed; noun: what makes one of a kind."""
    parts = get_args(hint)
    match get_origin(hint):
        case None if hint in PLAIN:
            return PLAIN[hint]
        case None if is_dataclass(hint):
            return lambda value: value if value.__class__ is hint else noun(hint, value)
        case origin if origin is Literal:
            return _one_of(parts)
        case origin if origin in {UnionType, Union}:
            return _either(parts, noun)
        case origin if origin is tuple and parts[1:] == (...,):
            return _several(reader(parts[0], noun))
        case origin if origin is Mapping:
            return _named(reader(parts[0], noun), reader(parts[1], noun), frozenset(get_args(parts[0])))
    raise TypeError(f"hint is {hint}, expected one that a noun's field has")


def _one_of(words: tuple[Any, ...]) -> Read:
    known = frozenset(words)

    def read(value: Any) -> Any:
        if value.__class__ is not str or value not in known:
            raise Malformed(f"is {shown(value)}, expected one of {', '.join(words)}")
        return value

    return read


def _either(parts: tuple[Any, ...], noun: Callable[[Any, Any], Any]) -> Read:
    """Read a value of one of several types: of its own, or of one that takes it."""
    readers = [reader(part, noun) for part in parts]
    own = {part: PLAIN.get(part, _as_it_is) for part in parts if isinstance(part, type)}

    def read(value: Any) -> Any:
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
    return read


def _several(one: Read) -> Read:
    def read(values: Any) -> Any:
        if values.__class__ is not list and values.__class__ is not tuple:
            raise Malformed(f"is {shown(values)}, expected a list")
        if one is _float and set(map(type, values)) <= {float}:
            return tuple(values)
        return tuple(map(one, values))

    return read


def _named(key: Read, item: Read, known: frozenset[str]) -> Read:
    def read(values: Any) -> Any:
        if values.__class__ is not dict:
            raise Malformed(f"is {shown(values)}, expected values by name")
        if item is not _float:
            return {key(name): item(value) for name, value in values.items()} if values else NOTHING
        if set(map(type, values.values())) <= {float} and values.keys() <= known:
            return Figures(values)
        return Figures({key(name): item(value) for name, value in values.items()})

    return read
