"""What `xentbench compare --settle` does: suspicious times are played by duels, and what they find is kept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from harness.files.recall import existing
from harness.history.compare import compare
from harness.model import Recorded, Result
from harness.running.progress import Progress
from harness.store import Location
from harness.timing.duel.gateways import WorkerLost
from suites.speed.settling import Settling
from xentbench.screen import console, ending, warn

INTERRUPTED = "interrupted; what duels have found is kept"


def settle(runs: Sequence[Recorded], size: float, location: Location, pythons: Sequence[str]) -> list[Recorded]:
    """Play every suspicious time of runs, each beside the one before it and the last beside the first, as a duel.

    What is found is kept in the later run of each two; returns all runs as they are then. pythons: their interpreters.
    Raises StoreError where a later run is in no store, and ValueError where an interpreter is another environment than
    its run had.
    """
    if len(pythons) != len(runs):
        raise ValueError(f"--python names {len(pythons)} interpreters, expected {len(runs)}, one a run in their order")
    settled = list(runs)
    for before, after in dict.fromkeys([*pairwise(range(len(runs))), (0, len(runs) - 1)]):
        settled[after] = _pair(settled[before], settled[after], (pythons[before], pythons[after]), size, location)
    return settled


def _pair(before: Recorded, after: Recorded, pythons: tuple[str, str], size: float, location: Location) -> Recorded:
    suspicious = compare(before, after, size).suspicious
    if not suspicious:
        return after
    with existing(location) as opened:
        uid = opened.run(after.run.uid).uid
    with ending(WorkerLost, interrupted=INTERRUPTED), Progress(console(stderr=True)) as progress:
        for found in Settling(before, after, pythons, size, location, progress.simple).run(suspicious):
            if isinstance(found, Result):
                with existing(location) as opened:
                    opened.append(uid, [found])
            else:
                progress.clear()
                warn(f"not settled: {found}")
    with existing(location) as opened:
        return opened.recorded(uid)
