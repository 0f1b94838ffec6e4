"""Search the frameworks' fused functions, and keep the worst row of each as the corpus that ships.

    python -m tools.corpus FOLDER [ROUNDS [OPS]]

FOLDER: where searches keep what they find; given again, what is there is searched on from. Of each op, dtype, framework
and mode one function is searched, the first in its catalogue, and the row kept that it is furthest off on, and one that
it is lost on. OPS: comma-separated, all where none are named; rows of others stay as they are.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from harness.model import Case, Op
from harness.ops import VALUE_AND_GRADIENT
from harness.running.spread import executors
from suites.judging.searching import search
from suites.judging.searching.asked import BATCH
from suites.judging.searching.search import Aim
from suites.questions import corpus
from suites.questions.corpus import Entry

ON = (("torch", "eager"), ("jax", "jit"), ("tensorflow", "eager"), ("tensorflow", "xla"))
DTYPES = ("float32", "bfloat16")
CLASSES, SEED, RESTARTS = 3, 0, 1


def main(folder: Path, rounds: int, ops: Sequence[str]) -> None:
    """Search op by op, and write the corpus."""
    own = folder / corpus.NAME
    with executors.opened("", 1) as executor:
        for op in ops:
            known = corpus.read(own) if own.exists() else ()
            done = search.run(aims(op, known, executor), executor, SEED, RESTARTS, rounds, lambda *_: None)
            corpus.keep(own, [one.entry for one in done if one.entry and one.entry.over])
    others = [entry for entry in corpus.read(corpus.SHIPPED) if entry.question.op.name not in ops]
    worst = chosen([*others, *corpus.read(own)])
    corpus.SHIPPED.write_text("".join(f"{corpus.to_line(entry)}\n" for entry in worst), "utf-8")


def aims(op: str, known: Iterable[Entry], executor: Executor) -> list[Aim]:
    """Return what is searched of an op, from the rows known."""
    found = []
    for framework, mode in ON:
        target = executor.submit(search.targets, framework, "", op, (mode,), ("fused",)).result()[0]
        for quantity in VALUE_AND_GRADIENT:
            for dtype in DTYPES:
                case = Case(Op.of(op), quantity, "normal", dtype, BATCH, CLASSES)
                asked = (entry.question for entry in known)
                rows = tuple(one for one in asked if (one.op, one.quantity, one.dtype) == (case.op, quantity, dtype))
                found.append(Aim(framework, "", case, target, rows))
    return found


def chosen(entries: Iterable[Entry]) -> list[Entry]:
    """Return the worst row of each framework, mode, op and dtype, by a finite error and by an infinite one."""
    found: dict[tuple[str, str, str, str, bool], Entry] = {}
    for entry in entries:
        asked = entry.question
        key = (str(asked.op), asked.dtype, entry.framework, entry.mode, math.isinf(entry.over))
        if key not in found or entry.over > found[key].over:
            found[key] = entry
    return [found[key] for key in sorted(found)]


if __name__ == "__main__":
    named = sys.argv[3].split(",") if sys.argv[3:] else search.searched()
    main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 6, named)
