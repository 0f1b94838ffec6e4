"""Rows of one logit and equal others: what stands for all classes is what the tiers answer class by class."""

import numpy as np
import pytest

from harness.model import Inputs, Op
from harness.scoring import ulp
from reference import tiers
from reference.arbiter import alone


@pytest.mark.parametrize("gap", [0.0, 16.75, 300.0, 1000.0])
@pytest.mark.parametrize("name", alone.OUTPUTS)
def test_answers_are_those_of_the_tiers(name, gap):
    """The first class's answer, and any other's, at widths from 1 on, wherever float64 holds them."""
    widths = (1, 2, 3, 1000)
    found = alone.answers(name, gap, widths)
    mine = ulp.scaled(found, np.zeros(found.hi.shape, np.int64))

    for row, width in enumerate(widths):
        logits = np.full((1, width), -gap)
        logits[0, 0] = 0
        labels = np.zeros(1, np.int64) if name == "sparse_xent" else None
        upstream = np.ones(1 if alone.OUTPUTS[name] == 1 else logits.shape)
        exact = tiers.certify(Op.of(name), "value", Inputs(logits, labels, upstream))
        theirs = ulp.scaled(exact, np.zeros(exact.hi.shape, np.int64))
        for output in range(min(alone.OUTPUTS[name], width)):
            hi, lo = (part.ravel()[output] for part in theirs)
            assert mine[0][row, output] == hi
            assert mine[1][row, output] == pytest.approx(lo, abs=2.0**-64 * abs(hi) + 2.0**-1000)
