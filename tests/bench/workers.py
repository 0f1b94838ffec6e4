"""How a sweep scales from one worker to two: `python -m tests.bench.workers FRAMEWORK TARGET`.

Some rows of float32's line, a piece each, of a sigmoid cross-entropy's value, put to one target by a pool of processes
and by a Dask cluster on loopback, with one worker and with two. All four are warm, and are asked in turn; the least
time of each is told, and beside them that of a plain loop, by the pool: where other work has the cores, two processes
of anything gain little on one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.running.spread import executors
from harness.running.spread.pieces import Pieces
from suites.judging.sweeps import piece, run
from suites.judging.sweeps.piece import Piece
from suites.judging.sweeps.run import Wanted
from tests.made.clusters import cluster

FIRST, PIECES, TURNS = 360, 24, 9  # rows from 2**-23 on
LOOP = 3_000_000  # steps of a plain loop, as long as a piece or so
WANTED = Wanted(("sigmoid_xent",), "float32", ("value",))


def cut(framework: str, name: str, executor: Executor) -> list[Piece]:
    """Return the pieces, a row each, for workers like those of an executor."""
    found = executor.submit(piece.describe, framework).result()
    target = next(one for one in found.targets if one.implementation.op == "sigmoid_xent" and str(one) == name)
    case = next(one for one in WANTED.cases() if one.family == "every_yes" and not one.op.params)
    facts = tuple(sorted(found.facts.items()))
    return [Piece(framework, ((case, (target,)),), (row, row + 1), facts) for row in range(FIRST, FIRST + PIECES)]


@contextmanager
def everywhere() -> Iterator[dict[tuple[str, int], Executor]]:
    """Yield the executors, by what they are and how many workers they have."""
    with ExitStack() as stack:
        found: dict[tuple[str, int], Executor] = {}
        for count in (1, 2):
            found["pool", count] = stack.enter_context(executors.opened("", count))
            address, _ = stack.enter_context(cluster(*[""] * count))
            found["dask", count] = stack.enter_context(executors.opened(address, count))
        yield found


def seconds(every: Sequence[Piece], executor: Executor) -> float:
    """Return how long all pieces take."""
    with TemporaryDirectory() as folder, Pieces(Path(folder) / "pieces.sqlite") as kept:
        began = time.monotonic()
        run.run(WANTED, every, executor, kept, lambda *_: None)
        return time.monotonic() - began


def loop(steps: int) -> int:
    """Add numbers up."""
    return sum(i * i for i in range(steps))


def looping(executor: Executor) -> float:
    """Return how long as many plain loops take."""
    began = time.monotonic()
    for future in [executor.submit(loop, LOOP) for _ in range(PIECES)]:
        future.result()
    return time.monotonic() - began


def measure(framework: str, name: str) -> dict[tuple[str, int], float]:
    """Return the least seconds of each."""
    with everywhere() as found:
        every = cut(framework, name, found["pool", 1])
        for executor in found.values():
            seconds(every, executor)  # frameworks are imported, and loops compiled, by every worker
        turns = []
        for _ in range(TURNS):
            turn = {key: seconds(every, executor) for key, executor in found.items()}
            turns.append(turn | {("loop", count): looping(found["pool", count]) for count in (1, 2)})
    return {key: min(turn[key] for turn in turns) for key in turns[0]}


def main(framework: str, name: str) -> None:
    """Print the figures."""
    before = os.getloadavg()[0]
    least = measure(framework, name)
    for what in ("pool", "dask", "loop"):
        one, two = least[what, 1], least[what, 2]
        print(f"{what}: {PIECES} pieces in {one:.3g} s by one worker, {two:.3g} s by two: {one / two:.2f} times")  # noqa: T201
    print(f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
