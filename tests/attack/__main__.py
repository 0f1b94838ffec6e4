"""What others do to us: kills, files that change the process, and what comes in from files; 0 of it may get through.

`python -m tests.attack [AT_MOST] [ATTACK ...]` makes each attack, AT_MOST times where that is fewer than it would,
prints one table, and ends with 1 where an answer was lost or wrongly green, an innocent accused or a traceback printed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.attack import changing, filling, hostile, killing, writing
from tests.attack.tally import EVERY, Attack, Tally

ATTACKS: Mapping[str, Attack] = {
    "killed at random moments": killing.attack,
    "files that change the process": changing.attack,
    "eight writers at once": writing.attack,
    "no room on the disk": filling.attack,
    "hostile files and stores": hostile.attack,
}
COLUMNS = ("attempts", "planned", "lost", "green", "accused", "tracebacks")


def main(words: list[str]) -> int:
    """Make the attacks that are named, or all, and return the exit code."""
    at_most = int(words[0]) if words and words[0].isdecimal() else EVERY
    named = words[1:] if words and words[0].isdecimal() else words
    chosen = {name: attack for name, attack in ATTACKS.items() if not named or any(word in name for word in named)}
    found = {name: made(attack, at_most) for name, attack in chosen.items()}
    report(found, Console(width=None if sys.stdout.isatty() else 160))
    return int(not found or not all(tally.held for tally in found.values()))


def made(attack: Attack, at_most: int) -> Tally:
    """Make an attack in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return attack(at_most, Path(folder))


def report(found: Mapping[str, Tally], out: Console) -> None:
    """Print the table."""
    table = Table("attack", *COLUMNS, title="under attack", title_justify="left")
    for name, tally in found.items():
        table.add_row(name, *(str(getattr(tally, column)) for column in COLUMNS))
    out.print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
