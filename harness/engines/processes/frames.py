"""The messages of the process protocol, written to and read from a stream of bytes; `docs/protocol.md` describes them.

A message is lines of text, an empty line, and the bytes of the arrays that its `array` lines announce.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

import ml_dtypes  # noqa: F401 - makes bfloat16 known to numpy by its name
import numpy as np

from harness.model import Array
from harness.spelling import printable

VERSION = 1
DTYPES = ("float16", "bfloat16", "float32", "float64", "int32", "int64", "uint8")
LONGEST_LINE = 1 << 16  # bytes
MOST_LINES = 10_000
MOST_BYTES = 1 << 31  # of an array: a shape that a mistake has made is not read until memory ends
MOST_AXES = 8
OF_OTHERS = 2  # what numpy calls `isbuiltin` of a dtype that a library has added
SHOWN = 60  # signs of a line in an error
ALONE = "a program writes its messages alone to standard output, and all else to standard error"


class Broken(Exception):  # noqa: N818 - what it says of the stream
    """What came is no message."""


class Ended(Exception):  # noqa: N818 - as above
    """The stream ended, inside a message or before it."""


@dataclass(frozen=True)
class Message:
    """One message. kind and number: its first line. lines: (word, rest) of the others. arrays: by name, in order."""

    kind: str
    number: int
    lines: Sequence[tuple[str, str]] = ()
    arrays: dict[str, Array] = field(default_factory=dict)

    def every(self, word: str) -> tuple[str, ...]:
        """Return the rests of the lines that begin with a word."""
        return tuple(rest for first, rest in self.lines if first == word)

    @property
    def bytes(self) -> bytes:
        """The message as it is written: numbers are little-endian, the last axis runs fastest."""
        lines = [f"{self.kind} {self.number}", *(f"{word} {rest}" for word, rest in self.lines)]
        for name, array in self.arrays.items():
            lines.append(" ".join(("array", name, array.dtype.name, *map(str, array.shape))))
        head = "".join(f"{line}\n" for line in (*lines, "")).encode()
        return b"".join((head, *(_little(array).tobytes() for array in self.arrays.values())))


def read(stream: IO[bytes]) -> Message:
    """Read one message. Raises Ended where the stream ends, Broken for what is no message."""
    lines = []
    while line := _line(stream):
        lines.append(line)
        if len(lines) > MOST_LINES:
            raise Broken(f"a message has more than {MOST_LINES} lines, expected an empty one before; {ALONE}")
    if not lines:
        raise Broken(f"line is empty, expected a kind and a number, as in 'answer 7'; {ALONE}")
    kind, _, number = lines[0].partition(" ")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise Broken(f"line is {_shown(lines[0])}, expected a kind and a number, as in 'answer 7'; {ALONE}")
    words = [(word, rest) for word, _, rest in (line.partition(" ") for line in lines[1:])]
    arrays = {}
    for rest in (rest for word, rest in words if word == "array"):
        name, array = _array(rest, stream)
        arrays[name] = array
    return Message(kind, int(number), tuple(pair for pair in words if pair[0] != "array"), arrays)


def _line(stream: IO[bytes]) -> str:
    """Read a line without its end."""
    read = stream.readline(LONGEST_LINE)
    if not read.endswith(b"\n"):
        if len(read) == LONGEST_LINE:
            raise Broken(f"line is longer than {LONGEST_LINE} bytes, expected an end; {ALONE}")
        raise Ended
    return read[:-1].removesuffix(b"\r").decode("utf-8", errors="replace")


def _array(text: str, stream: IO[bytes]) -> tuple[str, Array]:
    """Read the array of a line: its name, dtype and lengths, and then its bytes."""
    name, *words = text.split() or [""]
    dtype, lengths = (words or [""])[0], words[1:]
    fit = len(lengths) <= MOST_AXES and all(each.isascii() and each.isdecimal() and len(each) < 19 for each in lengths)
    if dtype not in DTYPES or not fit:
        raise Broken(
            f"array is {_shown(text)}, expected a name, one of {', '.join(DTYPES)}, and the lengths of up to "
            f"{MOST_AXES} axes"
        )
    shape = tuple(map(int, lengths))
    width = np.dtype(dtype).itemsize
    count = math.prod(shape) * width
    if math.prod(length or 1 for length in shape) * width > MOST_BYTES:  # numpy has none beside an axis of 0 either
        raise Broken(f"array is {_shown(text)}, expected {MOST_BYTES} bytes at most")
    got = stream.read(count)
    if len(got) < count:
        raise Ended
    return name, np.frombuffer(got, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)


def _little(array: Array) -> Array:
    """Return an array as it is written; what numpy does not define itself, as bfloat16, has no byte order."""
    return array if array.dtype.isbuiltin == OF_OTHERS else array.astype(array.dtype.newbyteorder("<"))


def _shown(line: str) -> str:
    return repr(printable(line[:SHOWN]))
