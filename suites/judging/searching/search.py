"""The search itself: restarts by seed, each a piece of work for any executor; then the worst row, made small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np

from harness.adapters import frameworks, judged
from harness.adapters.adapter import Adapter
from harness.model import Array, Case, Target
from harness.ops import plain
from reference.question import Question
from suites.judging.searching import minimise, rows
from suites.judging.searching.asked import BATCH, Asking, Refused, best, done
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
    """The worst row that a restart has come to. drawn: the largest error over bound of rows as families draw them."""

    aim: Aim
    row: Question
    over: float
    drawn: float


@dataclass(frozen=True)
class Result:
    """What a search came to. drawn: of rows as families draw them; why: no answer, and the reason."""

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


def restart(aim: Aim, seed: int, number: int, rounds: int) -> Found | str:
    """Search from one beginning; return the worst row, or why there is no answer."""
    case = aim.case
    asking = Asking(opened(aim.framework, aim.file), aim.target, case)
    rng = np.random.default_rng((seed, number, crc32(f"{case} {aim.target}".encode())))
    chosen: list[tuple[float, rows.Drawn]] = []
    many = BATCH // 4
    try:
        first = rows.joined([rows.fresh(case, rng, rows.Drawn(name, 0.0), many) for name in rows.kinds(case)])
        overs = asking.overs(first)
        drawn = max(overs)
        given = [corpus.arrays(one) for one in aim.known if one.classes == case.classes]
        if given:
            first = rows.joined([first, *given])
            overs += asking.overs(rows.joined(given))
        elite = rows.take(first, best(overs, ELITE))
        height = sorted(overs, reverse=True)[:ELITE]
        for _ in range(rounds):
            if done(height[0]):
                break
            of_family = rows.parameters(case, rng, [each for _, each in chosen])
            anew = rows.fresh(case, rng, of_family, many)
            batch = rows.joined([anew, *(rows.child(case, rng, elite, anew) for _ in range(BATCH - many))])
            overs = asking.overs(batch)
            chosen = sorted([*chosen, (max(overs[:many]), of_family)], key=lambda one: -one[0])[:BEST]
            both, heights = rows.joined([elite, batch]), [*height, *overs]
            kept = _apart(both.logits, heights)
            elite, height = rows.take(both, kept), [heights[i] for i in kept]
    except Refused as error:
        return str(error)
    return Found(aim, corpus.question(case, rows.take(elite, [0])), height[0], drawn)


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
    last = {}
    refused: dict[int, str] = {}
    for i in range(len(aims)):
        of_aim = [future.result() for j, future in every if j == i]
        there = [one for one in of_aim if isinstance(one, Found)]
        if there:
            top = best([one.over for one in there], 1)[0]
            last[i] = executor.submit(finish, there[top], seed)
        else:
            refused[i] = str(of_aim[0])
    for i, aim in enumerate(aims):
        one = last[i].result() if i in last else refused[i]
        progress(len(every) + i + 1, len(every) + len(aims))
        yield Result(aim, None, why=one) if isinstance(one, str) else one


def searched() -> tuple[str, ...]:
    """Return the ops whose inputs are searched."""
    return tuple(op.name for op in plain())
