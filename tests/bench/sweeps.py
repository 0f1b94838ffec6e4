"""What a sweep takes of the processor: `python -m tests.bench.sweeps FRAMEWORK TARGET [float32|float16]`.

float32: the sigmoid cross-entropy, value and gradient, labels 0 and 1, of one target. float16: a softmax of all pairs.
Some rows of the line, spread over small, middle and large logits of both signs, from which the whole is told by
proportion; the framework's own calls apart. Of float32 also what the reference takes beside a plain mpmath loop, and
how a sweep scales from one worker to two.
"""

from __future__ import annotations

import resource
import sys

from harness.model import FORMATS
from harness.scoring import line
from suites.judging.sweeps import piece
from suites.judging.sweeps.piece import Piece
from suites.judging.sweeps.run import Wanted
from tests.bench import beside, workers

ROWS = {"float32": (100, 240, 255, 300, 380, 382, 384, 500), "float16": (3, 20, 32, 40, 58)}  # of 510 and 62
OP = {"float32": "sigmoid_xent", "float16": "softmax"}
LABELS = ("every_no", "every_yes")


def measure(framework: str, name: str, dtype: str) -> tuple[float, float]:
    """Return the seconds of the processor that all rows would take, and those in the framework's calls."""
    found, rows = piece.describe(framework), ROWS[dtype]
    target = next(one for one in found.targets if one.implementation.op == OP[dtype] and str(one) == name)
    cases = [one for one in Wanted((OP[dtype],), dtype).cases() if not one.op.params]
    cases = [one for one in cases if one.family in LABELS or one.op.name == "softmax"]
    questions, facts = tuple((case, (target,)) for case in cases), tuple(sorted(found.facts.items()))
    piece.answer(
        Piece(framework, questions, (rows[0], rows[0] + 1), facts)
    )  # what is compiled or read is, from then on
    done = [piece.answer(Piece(framework, questions, (row, row + 1), facts)) for row in rows]
    whole = line.shape(FORMATS[dtype])[0] / len(rows)
    return whole * sum(one.seconds for one in done), whole * sum(one.asking_seconds for one in done)


def main(framework: str, name: str, dtype: str = "float32") -> None:
    """Print the figures."""
    seconds, asking = measure(framework, name, dtype)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = f"{seconds / 60:.3g} minutes of a processor, {asking / 60:.3g} of them in the framework's calls"
    every = f"{len(ROWS[dtype])} of {line.shape(FORMATS[dtype])[0]} rows"
    print(f"{name}: from {every}, all of {dtype} takes {whole}; largest memory {peak:.0f} MiB")  # noqa: T201
    if dtype == "float32":
        beside.main()
        workers.main(framework, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
