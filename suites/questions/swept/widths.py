"""Rows of every width whose answers are known exactly: one logit 0, and all others equal to it or below."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from harness.model import FORMATS, Array, Case, Inputs, Op
from harness.ops import OPS
from suites.questions import families

MOST = 70_000  # classes
ASKED = ("softmax", "log_softmax", "logsumexp", "sparse_xent")
DESCRIPTIONS: Mapping[str, str] = {
    "width_equal": "Rows of every width, all logits 0: a softmax is 1 / n, a logsumexp log n.",
    "width_peak": "Rows of every width, the first logit 0, all others too far below to count: its softmax is 1.",
    "width_swamp": "Rows of every width, the first logit 0, all others just below -log 2**p: together they count.",
}
WIDTHS = tuple(DESCRIPTIONS)


def cases(name: str, dtype: str) -> Iterator[Case]:
    """Yield the questions of an op that are swept over the width."""
    if name in ASKED:
        for family in WIDTHS:
            yield Case(Op.of(name), "value", family, dtype, MOST, MOST)


def gap(case: Case) -> float:
    """Return how far the other logits lie below the first, a number of the format."""
    form = FORMATS[case.dtype]
    size = {
        "width_equal": 0.0,
        "width_peak": -families.far(form),
        "width_swamp": math.log(2) * form.precision + 0.1,
    }[case.family]
    return float(families.to_dtype(np.array([size]), case.dtype)[0])


def outputs(case: Case) -> int:
    """Return how many different numbers answer a row: of the first class and of the others, or one of the row."""
    return 1 if OPS[case.op.name].one_a_row else 2


def inputs(case: Case, logits: Array) -> Inputs:
    """Return a row, (1, n) in the case's dtype, as a framework is asked."""
    one_a_row = OPS[case.op.name].one_a_row
    labels = np.zeros(1, np.int64) if OPS[case.op.name].labels == "index" else None
    return Inputs(logits, labels, np.ones(1 if one_a_row else logits.shape, logits.dtype))


def longest(case: Case) -> Array:
    """Return the widest row, (1, MOST): narrower ones are its beginnings."""
    logits = np.full((1, MOST), 0.0 - gap(case))
    logits[0, 0] = 0
    return families.to_dtype(logits, case.dtype)


def recipe(case: Case, width: int) -> str:
    """Return Python that makes a row, for reports; needs numpy alone."""
    return f"# python\nimport numpy as np\n\nrow = np.full({width}, {0.0 - gap(case)!r})\nrow[0] = 0\n"


def width_of(text: str) -> int:
    """Return the width of a row that is told by its recipe, or by its numbers."""
    found = re.search(r"np\.full\((\d+),", text)
    return int(found[1]) if found else len(text.split())
