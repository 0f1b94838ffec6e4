"""What goldens of a linear op cost beside those of its logits' loss, in one run: `python -m tests.bench.linear`.

Work: value and both gradients of `linear_xent`, 32 rows of 64 float32 features times 1000 classes, and value and
gradient of the sparse loss of its logits rounded to float32, with the audit of a family that chance draws. Times are of
this process's CPU, over turns in which both are made; only their ratio, golden by golden, carries over.
"""

from __future__ import annotations

import time

import numpy as np

from harness.model import Inputs, Op
from reference import tiers
from suites.questions.families import SAMPLE

ROWS, FEATURES, CLASSES = 32, 64, 1000
TURNS = 9
LINEAR, SPARSE = ("value", "grad_hidden", "grad_weight"), ("value", "grad_logits")


def drawn(seed: int) -> tuple[Inputs, Inputs]:
    """Return the arrays of both."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((ROWS, FEATURES)).astype(np.float32)
    weight = (rng.standard_normal((CLASSES, FEATURES)) * 3 / np.sqrt(FEATURES)).astype(np.float32)
    labels, upstream = rng.integers(0, CLASSES, ROWS), rng.standard_normal(ROWS).astype(np.float32)
    logits = (hidden.astype(np.float64) @ weight.T.astype(np.float64)).astype(np.float32)
    return Inputs(hidden, labels, upstream, weight=weight), Inputs(logits, labels, upstream)


def seconds(op: str, quantities: tuple[str, ...], inputs: Inputs, seed: int) -> tuple[float, float]:
    """Return the CPU seconds of a golden, on average, and the widest radius."""
    start = time.process_time()
    goldens = [tiers.certify(Op(op), quantity, inputs, SAMPLE, seed) for quantity in quantities]  # type: ignore[arg-type]
    return (time.process_time() - start) / len(quantities), max(golden.radius for golden in goldens)


def main() -> None:
    """Print both, and the ratio."""
    linear, sparse, widest = [], [], 0.0
    for seed in range(TURNS + 1):
        of_linear, of_sparse = drawn(seed)
        (one, radius), (other, _) = (
            seconds("linear_xent", LINEAR, of_linear, seed),
            seconds("sparse_xent", SPARSE, of_sparse, seed),
        )
        if seed:
            linear.append(one)
            sparse.append(other)
            widest = max(widest, radius)
    print(f"linear_xent {1e3 * min(linear):.2f} ms a golden, its logits' sparse loss {1e3 * min(sparse):.2f} ms")  # noqa: T201
    print(f"{min(linear) / min(sparse):.2f} times; the medians {np.median(linear) / np.median(sparse):.2f}")  # noqa: T201
    print(f"widest radius 2**{np.log2(widest):.1f}")  # noqa: T201


if __name__ == "__main__":
    main()
