"""Outcomes as JSON, their long texts apart, and back.

A field that a noun gains needs a default: what an older program wrote lacks it.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import lru_cache
from statistics import median
from typing import Any

from harness.model import Checked, Crashed, Failed, Outcome, Score, TimedOut, Timing, Unsupported
from harness.store.hints import LONGEST, Malformed, shown
from harness.store.typed import LONG_TEXTS, made, row

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
PLAIN = (str, int, bool, type(None))  # what JSON holds as it is


def pack(outcome: Outcome) -> tuple[dict[str, Any], dict[str, str]]:
    """Return an outcome's fields as strict JSON holds them, and by key the long texts that they name.

    Many results share a row, so each is stored once. Infinities and nans become the text that `float` reads back.
    """
    fields: dict[str, Any] = _finite(outcome)
    texts: dict[str, str] = {}
    if worst := fields.get("worst"):
        for name in LONG_TEXTS:
            if text := worst[name]:
                worst[name] = key = text_key(text)
                texts[key] = text
    return fields, texts


def unpack(name: str, fields: Any, texts: Mapping[str, str]) -> Outcome:
    """Make the outcome of a name from what `pack` returned. Raises Malformed for what no outcome of that name has."""
    if not isinstance(name, str) or name not in OUTCOMES:
        raise Malformed(f"outcome is {shown(name)}, expected one of {', '.join(OUTCOMES)}")
    if not isinstance(fields, dict):
        raise Malformed(f"facts are {shown(fields)}, expected those of an outcome")
    if fields.get("worst"):
        fields = fields | {"worst": _with_texts(fields["worst"], texts)}
    if name == "failed" and "reason" in fields:
        return _failed(fields["reason"])
    outcome: Outcome = made(OUTCOMES[name], fields)
    return outcome


def _with_texts(worst: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a worst element, its long texts in the place of their keys."""
    try:
        return {**worst, **{name: texts[worst[name]] for name in LONG_TEXTS if worst[name]}}
    except (KeyError, TypeError) as error:
        raise Malformed(f"worst element is {shown(worst)}, expected one whose long texts are there") from error


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


@lru_cache(maxsize=1024)  # compressing takes most of the time, and the targets of a case share its rows
def compressed(text: str) -> bytes:
    """Return a long text as it is stored."""
    return zlib.compress(text.encode())


def decompressed(text: bytes) -> str:
    """Return a long text from what is stored. Raises Malformed for what is none, or longer than any."""
    unpacked = zlib.decompressobj()
    try:
        found = unpacked.decompress(text, LONGEST)
        if unpacked.eof:
            return row(found.decode())
    except Malformed:
        raise
    except (TypeError, ValueError, zlib.error) as error:
        raise Malformed(f"a long text is damaged ({error})") from error
    raise Malformed(f"a long text is cut short, or has more than {LONGEST} characters")


def _failed(reason: Any) -> Failed:
    """Read a failure that an older program stored as one text."""
    if not isinstance(reason, str):
        raise Malformed(f"reason is {shown(reason)}, expected a text")
    if reason.startswith("dtype is"):
        return made(Failed, {"kind": "dtype", "message": reason})
    if reason.startswith("shape is"):
        return made(Failed, {"kind": "shape", "message": reason})
    error, colon, message = reason.partition(": ")
    return made(Failed, {"kind": "raised"} | ({"message": message, "error": error} if colon else {"message": reason}))


@lru_cache(maxsize=1024)  # the targets of a case share its rows
def text_key(text: str) -> str:
    """Return the key of a long text."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _finite(value: Any) -> Any:
    """Replace infinities and nans by text, which strict JSON can hold."""
    if value.__class__ in PLAIN:  # most are; to ask whether a text is a mapping takes long
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if is_dataclass(value):
        return {name: _finite(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def named_texts(facts: Iterable[Any]) -> Iterator[str]:
    """Yield the keys of the long texts that outcomes name; what is off is no outcome, and names none."""
    for fields in facts:
        worst = fields.get("worst") if isinstance(fields, dict) else None
        if isinstance(worst, dict):
            yield from (key for name in LONG_TEXTS if isinstance(key := worst.get(name), str) and key)
