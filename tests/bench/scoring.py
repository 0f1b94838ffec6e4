"""How many float32 elements are scored a second, on one core: `python -m tests.bench.scoring`.

Work: a float32 softmax of every family beside its golden and its classes of bounds. Times are of this process's CPU,
the median of so many calls in a row.

    ruler     `harness.scoring.ruler.make`, made once a case for all of its targets
    distance  `metrics.against` a ruler without bounds, by numpy: max, mean and bias in ulps, and verdicts
    numpy     `metrics.against` a ruler: error over bound in each class as well; all that a target costs
    numba     the same by compiled loops, where numba is installed: the same figures

What limits the whole is memory. An element has 26 bytes to read (the answer, 1 / ulp in 16 bits, hi and lo, and
steep), whatever the number of classes. Where it is not known to be regular it has 9 more, and 8 a class where its block
may have a ratio larger than all before it: of families where many elements share the largest ratio, or where classes
are unlike each other (near_ties, ones, extremes, wide_spread, normal_large), that is a fifth to a half of all ratios.
numpy passes over an element 13 times in the L2 cache at 0.1 to 0.3 ns each, compiled loops once. 2 x 32 768 elements
are the longest rows of the suites and lie in or near that cache from call to call; a ruler sixteen times as large does
not. A call costs some 13 us beside its elements by compiled loops, and 25 by numpy, making a ruler some 70. An element
that is neither regular nor flushed to 0 (see `harness.scoring.ruler`) costs some 100 ns; no answer here has one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from harness import jit
from harness.model import FORMATS, Array, Case, Op
from harness.scoring import metrics, ruler
from reference import bounds, golden
from reference.fast import answers
from suites.questions import cases
from tests.bench import tier

OP, FORM = Op("softmax"), FORMATS["float32"]
ASKED = (("normal", 32, 32_768), *((family, 2, 32_768) for family in cases.ROW_FAMILIES))  # family, rows, classes
TURNS = 25


def answer(logits: Array) -> Array:
    """Answer as the textbook does, and as hardware does that flushes subnormal results."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return np.where(p < np.finfo(p.dtype).tiny, p.dtype.type(0), p)


def contenders(family: str, rows: int, classes: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield (name, work)."""
    inputs = cases.inputs(Case(OP, "value", family, FORM.name, rows, classes))
    quick = answers.answer(OP, "value", inputs)
    truth = golden.join([(quick.hi, quick.lo, quick.exponent, quick.radius)], quick.hi.shape)
    budget = bounds.budget(OP, "value", inputs, truth)
    got = answer(inputs.logits)
    yield "ruler", partial(ruler.make, truth, FORM, budget.error, budget.flushed)
    yield "distance", partial(metrics.against, ruler.make(truth, FORM, {}, budget.flushed), got)
    yield from tier.both(partial(metrics.against, ruler.make(truth, FORM, budget.error, budget.flushed), got))


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(family: str, rows: int, classes: int, turns: int = TURNS) -> dict[str, float]:
    """Return each contender's CPU seconds an element, the median of so many calls after one to warm up."""
    return {
        name: statistics.median([seconds(work) for _ in range(turns + 1)][1:]) / (rows * classes)
        for name, work in contenders(family, rows, classes)
    }


def main() -> None:
    """Print the table."""
    print(f"{'family':>13} {'elements':>9} {'contender':>9} {'ns/element':>11} {'elements/s':>11}")  # noqa: T201
    for family, rows, classes in ASKED:
        for name, each in measure(family, rows, classes).items():
            print(f"{family:>13} {rows * classes:9} {name:>9} {each * 1e9:11.2f} {1 / each:11.2e}")  # noqa: T201
    print(f"numpy {np.__version__}, numba {jit.version() or 'missing'}, one core")  # noqa: T201


if __name__ == "__main__":
    main()
