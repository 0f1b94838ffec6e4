"""The long texts of a file that is read, kept in a temporary one: a large run has more than memory should hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from tempfile import TemporaryFile
from typing import Self

AT_HAND = 1 << 22  # characters of those used last


class Texts(Mapping[str, str]):
    """Texts by their keys. Use as a context manager: the file goes at its end."""

    def __init__(self) -> None:
        """Begin with none."""
        self.characters = 0
        self._file = TemporaryFile()  # noqa: SIM115 - closed at this object's end
        self._places: dict[str, tuple[int, int]] = {}  # where the bytes begin, and how many
        self._recent: dict[str, str] = {}
        self._held = 0

    def __enter__(self) -> Self:
        """Return the texts."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        self._file.close()

    def add(self, key: str, text: str) -> None:
        """Keep a text; one of the same key gives way."""
        self.characters += len(text)
        self._places[key] = self._file.seek(0, 2), self._file.write(text.encode())
        self._recent.pop(key, None)

    def __getitem__(self, key: str) -> str:
        """Return a text. Raises KeyError."""
        if key not in self._recent:
            start, count = self._places[key]
            self._file.seek(start)
            text = self._file.read(count).decode()
            self._held += len(text)
            if self._held > AT_HAND:
                self._recent.clear()
                self._held = len(text)
            self._recent[key] = text
        return self._recent[key]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self._places)
