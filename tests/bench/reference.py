"""How much faster the reference is than a plain mpmath loop, in one run: `python -m tests.bench.reference`.

Work: softmax, log-softmax and logsumexp of rows of normal float64 logits. Times are of this process's CPU, a median of
turns in which every contender is asked once; only the ratios carry over to another machine.

    plain    mpmath at 50 digits, Python floats in, mpf out
    flint    python-flint's arb at 113 bits, where it is installed
    arbiter  `reference.arbiter.rows` at the precision that goldens start with: every value with its certificate
    numpy    `reference.fast.answers`: hi, lo and a certified radius of every value, in arrays
    numba    the same by compiled loops, where numba is installed: the same bits
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from harness import jit
from harness.model import Array, Inputs, Op
from reference.arbiter import rows as exact
from reference.arbiter import settle
from reference.fast import answers
from tests.bench import plain, tier

SHAPES = {10: (200, 20_000), 1_000: (2, 200), 100_000: (1, 2)}  # classes: rows for the loops, rows for the fast tier
TURNS = 5
OPS = ("softmax", "log_softmax", "logsumexp")


def seconds_per_row(work: Callable[[], object], rows: int) -> float:
    """Return the CPU seconds of a call, over its rows."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / rows


def arbiter(rows: list[tuple[float, ...]]) -> None:
    """Answer rows with the arbiter, none of them from its cache."""
    exact.forget()
    for row in rows:
        for name in OPS:
            exact.answer(Op(name), "value", row, (), (), settle.START_BITS)


def contenders(classes: int) -> Iterator[tuple[str, Callable[[], object], int]]:
    """Yield (name, work, rows)."""
    few, many = SHAPES[classes]
    logits: Array = np.random.default_rng(classes).standard_normal((many, classes))
    rows = [tuple(row) for row in logits[:few].tolist()]
    yield "plain", lambda: [plain.with_mpmath(row) for row in rows], few
    if plain.WITH_FLINT:
        yield "flint", lambda: [plain.with_flint(row) for row in rows], few
    yield "arbiter", partial(arbiter, rows), few
    upstreams = {"logsumexp": np.ones(many)}
    questions = [
        answers.Request(Op(name), "value", Inputs(logits, None, upstreams.get(name, np.ones_like(logits))))
        for name in OPS
    ]
    for name, work in tier.both(partial(answers.answers, questions)):
        yield name, work, many


def measure(classes: int, turns: int = TURNS) -> dict[str, float]:
    """Return each contender's CPU seconds a row, the median of so many turns after one to warm up."""
    entries = list(contenders(classes))
    samples: dict[str, list[float]] = {name: [] for name, _, _ in entries}
    for turn in range(turns + 1):
        for name, work, rows in entries:
            seconds = seconds_per_row(work, rows)
            if turn:
                samples[name].append(seconds)
    return {name: statistics.median(values) for name, values in samples.items()}


def main() -> None:
    """Print the table."""
    print(f"{'classes':>8} {'contender':>9} {'rows/s':>12} {'elements/s':>12} {'x plain':>8} {'x flint':>8}")  # noqa: T201
    for classes in SHAPES:
        rates = {name: 1 / seconds for name, seconds in measure(classes).items()}
        for name, rate in rates.items():
            over = [f"{rate / rates[base]:8.2f}" if base in rates else f"{'-':>8}" for base in ("plain", "flint")]
            print(f"{classes:8} {name:>9} {rate:12.2f} {rate * classes:12.0f} {' '.join(over)}")  # noqa: T201
    print(f"{settle.backend()}, numpy {np.__version__}, numba {jit.version() or 'missing'}, one core")  # noqa: T201


if __name__ == "__main__":
    main()
