"""Would upstream's own tests notice? What the comparisons that people test with let pass by default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.model import DTYPES, Checked, Outcome, Score


@dataclass(frozen=True)
class Tolerance:
    """What one comparison takes for equal: abs(got - expected) <= atol + rtol * abs(expected)."""

    rtol: float
    atol: float

    def passes(self, got: float, expected: float) -> bool:
        """Tell whether two numbers count as equal; infinities and nan only where both are the same."""
        if not (math.isfinite(got) and math.isfinite(expected)):
            return got == expected or (math.isnan(got) and math.isnan(expected))
        return abs(got - expected) <= self.atol + self.rtol * abs(expected)


# Their defaults, by dtype.
COMPARISONS: Mapping[str, Mapping[str, Tolerance]] = {
    "torch.testing.assert_close": {  # torch/testing/_comparison.py, _DTYPE_PRECISIONS, as of torch 2.13
        "float16": Tolerance(1e-3, 1e-5),
        "bfloat16": Tolerance(1.6e-2, 1e-5),
        "float32": Tolerance(1.3e-6, 1e-5),
        "float64": Tolerance(1e-7, 1e-7),
    },
    # numpy/testing/_private/utils.py, the signature of assert_allclose, as of numpy 2.3
    "numpy.testing.assert_allclose": dict.fromkeys(DTYPES, Tolerance(1e-7, 0.0)),
    # chex/_src/asserts.py, the signature of assert_trees_all_close, as of chex 0.1.90
    "chex.assert_trees_all_close": dict.fromkeys(DTYPES, Tolerance(1e-6, 0.0)),
    # tensorflow/python/framework/test_util.py, the signature of assertAllClose, as of tensorflow 2.21
    "tf.test.TestCase.assertAllClose": dict.fromkeys(DTYPES, Tolerance(1e-6, 1e-6)),
}


def noticed(dtype: str, outcome: Outcome) -> dict[str, bool]:
    """Return which comparisons, by name, would notice the worst element; none of a dtype that they do not name."""
    worst = outcome.worst if isinstance(outcome, Score | Checked) else None
    if worst is None or not worst.got or not worst.expected:
        return {}
    got, expected = float.fromhex(worst.got), float.fromhex(worst.expected)
    known = {name: by_dtype[dtype] for name, by_dtype in COMPARISONS.items() if dtype in by_dtype}
    return {name: not tolerance.passes(got, expected) for name, tolerance in known.items()}


def in_words(seen: Mapping[str, bool]) -> str:
    """Say which comparisons would notice and which would not."""
    would = [name for name, notices in seen.items() if notices]
    would_not = [name for name, notices in seen.items() if not notices]
    if not would_not:
        return "each of " + ", ".join(would) if would else ""
    return f"{', '.join(would) or 'none'}; not {', '.join(would_not)}"
