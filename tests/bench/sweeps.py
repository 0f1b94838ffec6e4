"""What a sweep of all float32 takes of the processor: `python -m tests.bench.sweeps FRAMEWORK TARGET`.

The sigmoid cross-entropy, value and gradient, labels 0 and 1, of one target: some rows of the line, spread over small,
middle and large logits of both signs, from which the whole line is told by proportion; the framework's own calls apart.
"""

from __future__ import annotations

import resource
import sys

from harness.model import FORMATS
from harness.scoring import line
from suites.judging.sweeps import piece
from suites.judging.sweeps.piece import Piece
from suites.judging.sweeps.run import Wanted

ROWS = (100, 240, 255, 300, 380, 382, 384, 500)  # of 510
LABELS = ("every_no", "every_yes")


def measure(framework: str, name: str) -> tuple[float, float]:
    """Return the seconds of the processor that all rows would take, and those in the framework's calls."""
    found = piece.describe(framework)
    target = next(one for one in found.targets if one.implementation.op == "sigmoid_xent" and str(one) == name)
    cases = [one for one in Wanted(("sigmoid_xent",), "float32").cases() if one.family in LABELS and not one.op.params]
    questions, facts = tuple((case, (target,)) for case in cases), tuple(sorted(found.facts.items()))
    piece.answer(
        Piece(framework, questions, (ROWS[0], ROWS[0] + 1), facts)
    )  # what is compiled or read is, from then on
    done = [piece.answer(Piece(framework, questions, (row, row + 1), facts)) for row in ROWS]
    whole = line.shape(FORMATS["float32"])[0] / len(ROWS)
    return whole * sum(one.seconds for one in done), whole * sum(one.asking_seconds for one in done)


def main(framework: str, name: str) -> None:
    """Print the figures."""
    seconds, asking = measure(framework, name)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = f"{seconds / 60:.3g} minutes of a processor, {asking / 60:.3g} of them in the framework's calls"
    print(f"{name}: from {len(ROWS)} of 510 rows, all of float32 takes {whole}; largest memory {peak:.0f} MiB")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
