"""What an attack came to: counts, of which all but the first two are to be 0."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Tally:
    """The counts of one attack, and what was seen, a line each.

    attempts: such as kills, files and stores. planned: answers or files that were due. lost: of these, what neither
    came nor was said to be missing. green: what passed and must not. accused: the innocent that were called wrong.
    tracebacks: outputs with one.
    """

    attempts: int = 0
    planned: int = 0
    lost: int = 0
    green: int = 0
    accused: int = 0
    tracebacks: int = 0
    seen: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether nothing went wrong, and something was tried."""
        return bool(self.attempts) and not (self.lost or self.green or self.accused or self.tracebacks)

    def wrong(self, count: str, what: str, by: int = 1) -> None:
        """Add to one of the counts, and keep what was seen."""
        setattr(self, count, getattr(self, count) + by)
        self.say(f"{count}: {what}")

    def say(self, line: str) -> None:
        """Keep what was seen, and print it at once: an attack takes minutes."""
        self.seen.append(line)
        sys.stderr.write(f"{line}\n")

    def read(self, output: str, what: str) -> None:
        """Count a traceback in an output."""
        if "Traceback (most recent call last)" in output or "INTERNALERROR" in output:
            self.wrong("tracebacks", f"{what}: {output.strip().splitlines()[-1][:200]}")


# An attack is made so often at most, in a folder of its own; each has a number of its own that it makes otherwise.
Attack = Callable[[int, Path], Tally]
EVERY = 1_000_000
