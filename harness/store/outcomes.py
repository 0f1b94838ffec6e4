"""Outcomes as JSON, their long texts apart, and back; types are read from the fields of the nouns.

A field that a noun gains needs a default: what an older program wrote lacks it.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from statistics import median
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from harness.model import Checked, Crashed, Failed, Outcome, Score, TimedOut, Timing, Unsupported, Worst

OUTCOMES: Mapping[str, type[Any]] = {
    "score": Score,
    "checked": Checked,
    "timing": Timing,
    "unsupported": Unsupported,
    "failed": Failed,
    "crashed": Crashed,
    "timed out": TimedOut,
}
NAMES = {kind: name for name, kind in OUTCOMES.items()}
LONG_TEXTS = ("logits", "label", "upstream")  # of a Worst; many results share a row, so each is stored once


def pack(outcome: Outcome) -> tuple[dict[str, Any], dict[str, str]]:
    """Return an outcome's fields as strict JSON holds them, and by key the long texts that they name.

    Infinities and nans become the text that `float` reads back.
    """
    fields = {name: _finite(value) for name, value in vars(outcome).items()}
    texts: dict[str, str] = {}
    if isinstance(worst := fields.get("worst"), Worst):
        fields["worst"] = {name: _finite(value) for name, value in vars(worst).items()}
        for name in LONG_TEXTS:
            if text := fields["worst"][name]:
                fields["worst"][name] = key = _key(text)
                texts[key] = text
    return fields, texts


def unpack(name: str, fields: Mapping[str, Any], texts: Mapping[str, str]) -> Outcome:
    """Make the outcome of a name from what `pack` returned."""
    worst = fields.get("worst")
    if worst:
        rows = {long: texts[worst[long]] for long in LONG_TEXTS if worst[long]}
        fields = {**fields, "worst": _made(Worst, {**worst, **rows})}
    if name == "failed" and "reason" in fields:
        return _failed(fields["reason"])
    outcome: Outcome = _made(OUTCOMES[name], fields)
    return outcome


def figure(outcome: Outcome) -> float | None:
    """Return the number that history follows: largest error in ulps, share of the allowance, or median seconds.

    None where there is none, or a nan.
    """
    match outcome:
        case Score(max_ulp=number) | Checked(over=number):
            return None if math.isnan(number) else number
        case Timing(seconds) if seconds:
            return median(seconds)
    return None


def share(outcome: Outcome) -> float | None:
    """Return the error over what is allowed: of a score, over the bound of class S; None where there is none."""
    match outcome:
        case Score(over_bound=over):
            number = over.get("S", math.nan)
        case Checked(over=number):
            pass
        case _:
            return None
    return None if math.isnan(number) else number


@lru_cache(maxsize=4096)  # compressing takes most of the time, and the targets of a case share its rows
def compressed(text: str) -> bytes:
    """Return a long text as it is stored."""
    return zlib.compress(text.encode())


def decompressed(text: bytes) -> str:
    """Return a long text from what is stored."""
    return zlib.decompress(text).decode()


def _failed(reason: str) -> Failed:
    """Read a failure that an older program stored as one text."""
    if reason.startswith("dtype is"):
        return Failed("dtype", reason)
    if reason.startswith("shape is"):
        return Failed("shape", reason)
    error, colon, message = reason.partition(": ")
    return Failed("raised", message, error) if colon else Failed("raised", reason)


@lru_cache(maxsize=4096)  # the targets of a case share its rows
def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _finite(value: Any) -> Any:
    """Replace infinities and nans by text, which strict JSON can hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _made(kind: Any, fields: Mapping[str, Any]) -> Any:
    read = {name: reader(fields[name]) for name, reader in _readers(kind).items() if name in fields}
    return kind(**{**fields, **read})


@cache
def _readers(kind: Any) -> dict[str, Callable[[Any], Any]]:
    """Return, for each field of a noun that JSON holds in another type, what makes it the field's own."""
    return {name: reader for name, hint in get_type_hints(kind).items() if (reader := _reader(hint))}


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    parts = get_args(hint)
    if hint is float:
        return float
    if get_origin(hint) is tuple:
        one = _reader(parts[0]) or (lambda value: value)
        return lambda values: tuple(map(one, values))
    if get_origin(hint) is Mapping:
        if item := _reader(parts[1]):
            return lambda values: {key: item(value) for key, value in values.items()}
    elif NoneType in parts and (some := _reader(parts[0])):
        return lambda value: None if value is None else some(value)
    return None


def named_texts(facts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the keys of the long texts that outcomes name."""
    for fields in facts:
        if worst := fields.get("worst"):
            yield from filter(None, (worst[name] for name in LONG_TEXTS))
