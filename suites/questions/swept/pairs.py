"""Pairs of logits: all of a short format, or those that are a gap of float32 apart, at some levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np

from harness.model import FORMATS, Array, Case, Inputs, Op, Quantity
from harness.ops import OPS, VALUE_AND_GRADIENT, VALUE_ONLY
from harness.scoring import line
from suites.questions import families
from suites.questions.swept.lines import every

EVERY_PAIR = "every_pair"
LEVELS: Mapping[str, float] = {f"gap_at_{level}": float(level) for level in (0, 1, 100, 2**20)}
PAIRS = (EVERY_PAIR, *LEVELS)
SHORT = ("float16", "bfloat16")
CUT = "float32"  # whose gaps are asked
# An incoming gradient of 1 gives nothing where the probabilities sum to 1.
ASKED: Mapping[str, tuple[Quantity, ...]] = {
    "softmax": VALUE_ONLY,
    "log_softmax": VALUE_ONLY,
    "logsumexp": VALUE_AND_GRADIENT,
    "sparse_xent": VALUE_AND_GRADIENT,
}
DESCRIPTIONS: Mapping[str, str] = {
    EVERY_PAIR: "Every pair of finite numbers of a 16-bit format: all rows of two classes; the first is right.",
    **{
        name: f"Every finite gap of float32: rows of {level:.7g} plus the gap, and {level:.7g}; the first is right."
        for name, level in LEVELS.items()
    },
}


def cases(name: str, dtype: str) -> Iterator[Case]:
    """Yield the questions whose pairs are swept: of a short format all pairs, of float32 every gap at each level."""
    for family in (EVERY_PAIR,) if dtype in SHORT else tuple(LEVELS) if dtype == CUT else ():
        for quantity in ASKED.get(name, ()):
            yield Case(Op.of(name), quantity, family, dtype, rows(family, dtype), 2)


def rows(family: str, dtype: str) -> int:
    """Return how many pairs there are."""
    numbers = line.shape(FORMATS[dtype])
    return (numbers[0] * numbers[1]) ** (2 if family == EVERY_PAIR else 1)


def outputs(case: Case) -> int:
    """Return how many numbers answer a pair."""
    return 1 if OPS[case.op.name].one_a_row and case.quantity == "value" else 2


@cache
def numbers(dtype: str) -> Array:
    """Return all finite numbers of a short format in order, float32, read-only."""
    form = FORMATS[dtype]
    found = every(np.random.default_rng(0), *line.shape(form), form).reshape(-1).astype(np.float32)
    found.setflags(write=False)
    return found


def inputs(case: Case, x: Array, y: Array) -> Inputs:
    """Return pairs of numbers of a format, (n,), as rows."""
    logits = families.to_dtype(np.stack([x, y], axis=1), case.dtype)
    record = OPS[case.op.name]
    labels = np.zeros(len(x), np.int64) if record.labels == "index" else None
    upstream = np.ones(len(x) if record.one_a_row else logits.shape, logits.dtype)
    return Inputs(logits, labels, upstream)
