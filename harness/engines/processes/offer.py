"""What a program says of itself when it is started: its functions, modes and versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, get_args

from harness.engines.processes.frames import DTYPES, Broken, Message
from harness.model import KINDS, Kind, Quantity
from harness.ops import OPS
from harness.options import OPTIONS
from harness.spelling import choice

QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
FLOATING = tuple(name for name in DTYPES if "float" in name)
OF_FUNCTION = ("kind", "quantity", "dtype", "option")  # words of lines behind a function's


@dataclass(frozen=True)
class Offered:
    """One function: its op, the name that its users know it by, and what may be asked of it."""

    op: str
    name: str
    kind: Kind
    quantities: tuple[Quantity, ...]
    dtypes: tuple[str, ...]
    options: tuple[str, ...]

    @classmethod
    def of(cls, text: str, lines: Sequence[tuple[str, str]]) -> Self:
        """Read `OP NAME` and the lines behind it. Raises ValueError, with the choices, for what is off."""
        op, _, name = text.partition(" ")
        choice("op of a function", op, OPS)
        if not name.isprintable() or not name.strip() or "@" in name:
            raise ValueError(f"function of {op} is {name!r}, expected a name in one line, without @")
        found: dict[str, list[str]] = {word: [] for word in OF_FUNCTION}
        for word, rest in lines:
            found[word].append(rest)
        kind = choice("kind", (found["kind"] or ["fused"])[-1], KINDS)
        return cls(
            *(op, name, kind),  # type: ignore[arg-type]  # it is one of KINDS
            tuple(choice("quantity", one, QUANTITIES) for one in found["quantity"] or ["value"]),  # type: ignore[misc]
            tuple(choice("dtype", one, FLOATING) for one in found["dtype"] or ["float32"]),
            tuple(choice("option", one, OPTIONS) for one in found["option"]),
        )


@dataclass(frozen=True)
class Offer:
    """All that a program offers. facts: what its answers depend on, such as versions, by name."""

    modes: tuple[str, ...]
    functions: tuple[Offered, ...]
    facts: Mapping[str, str]

    @classmethod
    def of(cls, message: Message) -> Self:
        """Read an offer. Raises Broken for one that cannot be used."""
        try:
            functions = tuple(Offered.of(text, lines) for text, lines in _functions(message.lines))
        except ValueError as error:
            raise Broken(f"the offer cannot be used: {error}") from error
        if len({(one.op, one.name) for one in functions}) != max(1, len(functions)):
            raise Broken("the offer has no function, or one of a name and op twice, expected lines 'function OP NAME'")
        facts = {name: value for name, _, value in (text.partition(" ") for text in message.every("fact"))}
        return cls(tuple(dict.fromkeys(message.every("mode"))) or ("default",), functions, facts)


def _functions(lines: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the text of each function with the lines that belong to it; words that are not known are skipped."""
    starts = [place for place, (word, _) in enumerate(lines) if word == "function"]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start][1], [line for line in lines[start + 1 : end] if line[0] in OF_FUNCTION]
