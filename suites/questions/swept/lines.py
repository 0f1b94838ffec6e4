"""Lines: every number of a format, in order, as families of functions of one number."""

from __future__ import annotations

import numpy as np

from harness.model import Array, Format
from suites.questions.families import FAMILIES, SAMPLED, family, sampled


@family
@sampled
def every(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Every finite number of a format in order, a binade a row; of float64 one of each equal part of a binade."""
    parts = np.arange(classes) + (rng.random((rows // 2, classes)) if form.precision > 24 else 0.0)
    powers = np.exp2(form.emin + np.maximum(np.arange(rows // 2) - 1.0, 0.0))
    x = powers[:, None] * ((np.arange(rows // 2) > 0)[:, None] + parts / classes)
    return np.concatenate([-x[::-1, ::-1], x])


# The line of a loss: its labels are all 0, all 1/2 or all 1.
LABELS = {"every_no": 0.0, "every_half": 0.5, "every_yes": 1.0}
LINES = ("every", *LABELS)
FAMILIES |= dict.fromkeys(LABELS, every)
SAMPLED |= set(LABELS)
