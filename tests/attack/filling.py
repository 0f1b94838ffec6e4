"""A disk that is full: a run stops with a line and the exit code of the machinery, and goes on once there is room.

No file of the run may grow beyond a size (RLIMIT_FSIZE, which needs no rights), its store and goldens among them.
"""

from __future__ import annotations

from pathlib import Path

from tests.attack.commands import ended
from tests.attack.killing import ASKED, answers, compare, exists
from tests.attack.tally import Tally
from xentbench import Exit

SIZES = (1, 4, 16, 48, 96, 128, 192, 320)  # KiB; the store of a whole run has some 400


def attack(at_most: int, folder: Path) -> Tally:
    """Run with little room, then with enough, and hold the answers against those of a run that nobody disturbed."""
    tally = Tally()
    ended(folder, *ASKED, "--store", "whole.sqlite")
    whole = answers(folder / "whole.sqlite")
    for kib in SIZES[:at_most]:
        tally.attempts += 1
        home = folder / f"of-{kib}"  # of its own: goldens of another run would take no room
        home.mkdir()
        words = (*ASKED, "--store", "r.sqlite", "--run-uid", "full")
        # Python leaves bytecode that is cut short and reads it again: no fault of ours, that would be found here.
        first = ended(home, *words, most_bytes=kib << 10, PYTHONDONTWRITEBYTECODE="1")
        what = f"files of {kib} KiB at most"
        tally.read(first.stdout + first.stderr, what)
        if first.returncode not in {0, Exit.MACHINERY, Exit.USAGE}:
            tally.wrong("green" if first.returncode == 3 else "accused", f"{what}: exit code {first.returncode}")
        again = ended(home, *words, *(["--resume"] if exists(home / "r.sqlite") else []))
        tally.read(again.stdout + again.stderr, f"{what}, then room")
        compare(answers(home / "r.sqlite"), whole, what, tally)
    return tally
