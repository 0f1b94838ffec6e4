"""What goldens too large to be held at once cost: `python -m tests.bench.large [ROWS CLASSES]`.

Log-softmax of normal float32 rows, 10 000 of 32 768 classes by default: drawn, certified and let go block by block, a
sample of the rows by the arbiter too. Prints CPU seconds and the most memory the process ever held.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator

import numpy as np

from harness.model import Inputs, Op
from reference import tiers
from suites.questions.families import SAMPLE

AT_ONCE = 1 << 19  # elements drawn at a time
LOG_SOFTMAX = Op("log_softmax")


def drawn(rows: int, classes: int) -> Iterator[Inputs]:
    """Draw rows, some at a time; their gradients are not asked for and take no memory."""
    rng = np.random.default_rng(0)
    step = max(1, AT_ONCE // classes)
    for start in range(0, rows, step):
        logits = rng.standard_normal((min(step, rows - start), classes), dtype=np.float32)
        yield Inputs(logits, None, np.broadcast_to(np.float32(1), logits.shape))


def certified(rows: int, classes: int) -> tuple[int, float]:
    """Certify as many rows; return how many elements that was and the widest radius of one."""
    elements, radius = 0, 0.0
    for seed, inputs in enumerate(drawn(rows, classes)):
        for _, block in tiers.blocks(LOG_SOFTMAX, "value", inputs, SAMPLE, seed):
            elements += block.hi.size
            radius = max(radius, block.radius)
    return elements, radius


def main() -> None:
    """Print the line."""
    rows, classes = (int(text) for text in sys.argv[1:] or ("10000", "32768"))
    elements, radius = certified(rows, classes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
    print(  # noqa: T201
        f"{rows} rows of {classes} classes: {elements} elements within 2**{np.log2(radius):.1f}, "
        f"{time.process_time():.1f} CPU seconds, {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
