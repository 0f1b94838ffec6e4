"""Eight processes that write at once, into a file and into a server: every batch that was said to be there is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from harness.store import Store
from tests.attack.commands import PATIENCE_SECONDS, ROOT
from tests.attack.tally import Tally
from tests.made import server
from tests.made.records import result, run, score

WRITERS = 8
BATCHES = 60
RESULTS = 20  # a batch
SHARED = 4  # of them are those that every writer writes

# Writes its own results and some that all write, and says each batch once it is committed.
WRITER = """
import sys
from harness.store import Store
from tests.attack.writing import batch

with Store(sys.argv[1]) as store:
    for number in range(int(sys.argv[3])):
        store.append("run", batch(int(sys.argv[2]), number))
        print(number, flush=True)
"""


def batch(writer: int, number: int) -> list[object]:
    """Return the results of a batch, in another order for each writer."""
    own = [result(score(), f"of-{writer}", seed=number * RESULTS + place) for place in range(RESULTS - SHARED)]
    shared = [result(score(), "of-all", seed=number * SHARED + place) for place in range(SHARED)]
    return [*own, *shared] if writer % 2 else [*reversed(shared), *own]


def attack(at_most: int, folder: Path) -> Tally:
    """Let writers loose on a file, and on a server where one can be started."""
    tally, locations = Tally(), [str(folder / "results.sqlite")]
    with ExitStack() as stack:
        if why := server.missing():
            tally.say(f"not tried on PostgreSQL: {why}")
        else:
            locations.append(server.schema(stack.enter_context(server.running())))
        for location in locations:
            write(location, min(BATCHES, at_most), tally)
    return tally


def write(location: str, batches: int, tally: Tally) -> None:
    """Start the writers, wait for them, and count."""
    with Store(location) as store:
        store.begin(run("run"))
    command = [sys.executable, "-c", WRITER, location]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    writers = [
        subprocess.Popen(
            [*command, str(writer), str(batches)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for writer in range(WRITERS)
    ]
    for number, writer in enumerate(writers):
        out, err = writer.communicate(timeout=PATIENCE_SECONDS)
        tally.attempts += 1
        tally.read(err, f"writer {number} of {location}")
        tally.planned += batches * (RESULTS - SHARED)
        if said := batches - len(out.splitlines()):
            tally.wrong("lost", f"writer {number} of {location}: {said} batches were not committed", said)
    tally.planned += batches * SHARED
    with Store(location, make=False) as store:
        found = Counter((one.case.family, one.case.seed) for one in store.results("run"))
    due = {
        (one.case.family, one.case.seed)
        for writer in range(WRITERS)
        for k in range(batches)
        for one in batch(writer, k)
    }
    if missing := due - found.keys():
        tally.wrong("lost", f"{location}: {len(missing)} results, such as {min(missing)}", len(missing))
    if doubled := [key for key, count in found.items() if count > 1]:
        tally.wrong("lost", f"{location}: {len(doubled)} results are there twice, such as {min(doubled)}", len(doubled))
