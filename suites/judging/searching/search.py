"""The search itself: restarts by seed, each a piece of work for any executor; then the worst rows, made small.

Nothing is further off than an infinite error, so that a search for the largest would end with the first. Such a row is
kept apart, and the search goes on for the largest finite error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np

from harness.adapters import frameworks, judged
from harness.adapters.adapter import Adapter
from harness.model import Array, Case, Inputs, Target
from harness.ops import plain
from reference.question import Question
from suites.judging.searching import minimise, rows
from suites.judging.searching.asked import BATCH, Asking, Refused, best
from suites.questions import corpus
from suites.questions.corpus import Entry

ELITE = 12  # rows that a step starts from
VERSIONS = ("torch", "jax", "jaxlib", "tensorflow", "keras", "optax", "numpy")  # of what an environment says
BEST = 4  # of the families' parameters


@dataclass(frozen=True)
class Aim:
    """What is searched: a question's kind of a target; file: of somebody's own functions, else empty.

    known: the worst rows known, as a corpus has them.
    """

    framework: str
    file: str
    case: Case
    target: Target
    known: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Found:
    """A worst row that a restart has come to, by a finite error or by an infinite one.

    drawn: the largest such error over bound of rows as families draw them, 0 of none.
    """

    aim: Aim
    row: Question
    over: float
    drawn: float


@dataclass(frozen=True)
class Result:
    """What a search came to, by finite or by infinite errors. drawn: as of Found; why: no answer, and the reason."""

    aim: Aim
    entry: Entry | None
    drawn: float = 0.0
    why: str = ""


@cache
def opened(framework: str, file: str) -> Adapter:
    """Return a framework, or somebody's functions of it, once a process. Raises NotInstalled."""
    adapter = frameworks.load(framework)
    return adapter.judging(judged.catalogues(Path(file))[framework], every_mode=True) if file else adapter


def targets(framework: str, file: str, op: str, modes: Sequence[str], kinds: Sequence[str]) -> list[Target]:
    """Return whom a framework offers to an op, each function once however many names it has. Raises NotInstalled."""
    adapter, seen, found = opened(framework, file), set(), []
    for mode in adapter.modes:
        for one in adapter.implementations():
            key = (adapter.offer(one).identity, mode)
            wanted = one.op == op and one.kind in kinds and (not modes or mode in modes)
            if wanted and key not in seen and adapter.offer(one).takes("normal"):
                seen.add(key)
                found.append(Target(one, mode))
    return found


@dataclass
class Elite:
    """The rows that are furthest off by a finite error, the worst first, and one by an infinite error."""

    rows: Inputs | None = None
    heights: list[float] = field(default_factory=list)
    lost: Inputs | None = None

    def take(self, some: Inputs, overs: Sequence[float]) -> None:
        """Take in rows that were asked."""
        infinite = [i for i, over in enumerate(overs) if math.isinf(over)]
        if infinite and self.lost is None:
            self.lost = rows.take(some, infinite[:1])
        finite = [i for i, over in enumerate(overs) if math.isfinite(over)]
        if not finite:
            return
        new, heights = rows.take(some, finite), [*self.heights, *(overs[i] for i in finite)]
        both = rows.joined([self.rows, new]) if self.rows else new
        kept = _apart(both.logits, heights)
        self.rows, self.heights = rows.take(both, kept), [heights[i] for i in kept]

    def found(self, aim: Aim, drawn: Sequence[float]) -> Iterator[Found]:
        """Yield what it came to."""
        if self.rows:
            yield Found(aim, corpus.question(aim.case, rows.take(self.rows, [0])), self.heights[0], _finite(drawn))
        if self.lost:
            most = math.inf if math.inf in drawn else 0.0
            yield Found(aim, corpus.question(aim.case, self.lost), math.inf, most)


def restart(aim: Aim, seed: int, number: int, rounds: int) -> tuple[Found, ...] | str:
    """Search from one beginning; return the worst rows, or why there is no answer."""
    case = aim.case
    asking = Asking(opened(aim.framework, aim.file), aim.target, case)
    rng = np.random.default_rng((seed, number, crc32(f"{case} {aim.target}".encode())))
    chosen: list[tuple[float, rows.Drawn]] = []
    many, elite = BATCH // 4, Elite()
    try:
        first = rows.joined([rows.fresh(case, rng, rows.Drawn(name, 0.0), many) for name in rows.kinds(case)])
        drawn = asking.overs(first)
        elite.take(first, drawn)
        given = [corpus.arrays(one) for one in aim.known if one.classes == case.classes]
        if given:
            elite.take(known := rows.joined(given), asking.overs(known))
        for _ in range(rounds):
            of_family = rows.parameters(case, rng, [each for _, each in chosen])
            anew = rows.fresh(case, rng, of_family, many)
            parents = elite.rows or anew
            batch = rows.joined([anew, *(rows.child(case, rng, parents, anew) for _ in range(BATCH - many))])
            overs = asking.overs(batch)
            chosen = sorted([*chosen, (_finite(overs[:many]), of_family)], key=lambda one: -one[0])[:BEST]
            elite.take(batch, overs)
    except Refused as error:
        return str(error)
    return tuple(elite.found(aim, drawn))


def _finite(overs: Sequence[float]) -> float:
    """Return the largest finite error over bound, 0 where there is none."""
    return max(filter(math.isfinite, overs), default=0.0)


def _apart(logits: Array, heights: Sequence[float]) -> list[int]:
    """Return the largest, no row of logits twice."""
    seen: dict[bytes, int] = {}
    for i in best(heights, len(heights)):
        seen.setdefault(logits[i].tobytes(), i)
        if len(seen) == ELITE:
            break
    return list(seen.values())


def finish(found: Found, seed: int) -> Result | str:
    """Make a row small, and confirm it: asked alone, by the arbiter."""
    aim = found.aim
    asking = Asking(opened(aim.framework, aim.file), aim.target, aim.case)
    row = corpus.arrays(found.row)
    try:
        small = minimise.smallest(asking, row, found.over)
        over, whole = asking.alone(small), asking.alone(row)
    except Refused as error:
        return str(error)
    if over < minimise.KEPT * whole:  # in a batch alone is it as far off: the answer depends on its neighbours
        small, over = row, whole
    versions = {name: text for name, text in asking.adapter.environment("cpu").items() if name in VERSIONS}
    asked = aim.target.implementation
    entry = Entry(corpus.question(aim.case, small), aim.framework, asked.name, aim.target.mode, versions, over, seed)
    return Result(aim, entry, found.drawn)


def run(
    aims: Sequence[Aim], executor: Executor, seed: int, restarts: int, rounds: int, progress: Callable[[int, int], None]
) -> Iterator[Result]:
    """Search all aims; yield what each came to, in order. Raises what a worker raises."""
    every = [(i, executor.submit(restart, aim, seed, k, rounds)) for i, aim in enumerate(aims) for k in range(restarts)]
    for count, _ in enumerate(as_completed([future for _, future in every]), 1):
        progress(count, len(every) + len(aims))
    last: list[tuple[Aim, Future[Result | str] | str]] = []
    for i, aim in enumerate(aims):
        of_aim = [future.result() for j, future in every if j == i]
        there = [one for some in of_aim if not isinstance(some, str) for one in some]
        for infinite in (False, True):
            found = [one for one in there if math.isinf(one.over) is infinite]
            if found:
                top = best([one.over for one in found], 1)[0]
                last.append((aim, executor.submit(finish, found[top], seed)))
        if not there:
            last.append((aim, str(of_aim[0])))
    for count, (aim, done) in enumerate(last, 1):
        one = done if isinstance(done, str) else done.result()
        progress(len(every) + count, len(every) + len(last))
        yield Result(aim, None, why=one) if isinstance(one, str) else one


def searched() -> tuple[str, ...]:
    """Return the ops whose inputs are searched."""
    return tuple(op.name for op in plain())
