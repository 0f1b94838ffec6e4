"""Functions of two logits in float64: within their radius of the arbiter, and in its binade where that is certain."""

import numpy as np
import pytest

from harness.model import FORMATS, Op
from harness.scoring import ulp
from reference.arbiter import settle
from reference.fast.float64 import pairs, single
from suites.questions.swept import pairs as asked

EACH = [case for name in asked.ASKED for case in asked.cases(name, "bfloat16")]
each_case = pytest.mark.parametrize("case", EACH, ids=lambda case: f"{case.op}-{case.quantity}")


def drawn():
    """Return pairs of bfloat16 numbers: of all sizes, near one another, equal, and where a gap is rounded."""
    rng = np.random.default_rng(4)
    numbers = asked.numbers("bfloat16")
    x, y = rng.choice(numbers, (2, 150))
    close = rng.choice(numbers[np.abs(numbers) < 128], 100)
    middle = rng.uniform(-40, 40, (2, 100)).astype(np.float32)
    middle = np.where(rng.random((2, 100)) < 0.5, np.rint(middle), middle).view(np.uint32)
    near = (middle & np.uint32(0xFFFF0000)).view(np.float32)
    levels = np.float32([0, 1, -1, 2.0**100, -(2.0**100), 2.0**-133, 32, -0.6875])
    some = [(a, b) for a in levels for b in (*levels, 2.0**-30, -(2.0**-60), 87.5, -500)]
    first, second = np.float32(some).T
    return np.concatenate([x, close, near[0], first]), np.concatenate([y, close[::-1], near[1], second])


@each_case
def test_values_are_within_their_radius_of_the_arbiter(case):
    """Base and part are as near as they say, and the binade is the arbiter's."""
    x, y = drawn()
    golden = settle.certify(case.op, case.quantity, asked.inputs(case, x, y))
    hi, lo = (part.reshape(len(x), -1) for part in ulp.scaled(golden, np.zeros(golden.hi.shape, np.int64)))
    binade = np.maximum(ulp.binade(golden), FORMATS["bfloat16"].emin).reshape(len(x), -1)
    d, tail, top = pairs.gap(x.astype(np.float64), y.astype(np.float64))
    given = (d, tail, top, *single.exp_and_log(np.minimum(d, single.FAR)))

    for output, side in enumerate(pairs.plan(case.op, case.quantity)):
        for kind, there in ((side.above, x >= y), (side.below, x < y)):
            base, part, exponent, known = (one[there] for one in pairs.FORMULAS[kind](*given))
            off = np.abs((side.sign * hi[there, output] - base) + side.sign * lo[there, output] - part)

            assert (off <= pairs.RHO * part + 2.0**-53 * np.abs(base) + 2.0**-300).all()
            assert known.mean() > 0.95
            assert (np.maximum(exponent, -126) == binade[there, output])[known].all()


def test_other_ops_are_refused():
    """What is of more than two numbers, or has options, has no formula here."""
    for op in (Op.of("dense_xent"), Op.of("sparse_xent", reduction="mean")):
        with pytest.raises(ValueError, match="expected one of two classes: softmax value, log_softmax value"):
            pairs.plan(op, "value")
