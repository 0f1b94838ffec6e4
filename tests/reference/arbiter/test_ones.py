"""Closed answers of exact rows, held to the tiers, which know nothing of them."""

import numpy as np
import pytest

from harness.model import Inputs, Op
from harness.ops import OPS, plain
from harness.scoring import ulp
from reference import tiers
from reference.arbiter import ones
from reference.bounds import Groups

QUESTIONS = [(op, quantity) for op in plain("class", "row") for quantity in OPS[op.name].quantities]
FAR = -1000.0


@pytest.mark.parametrize(("op", "quantity"), QUESTIONS, ids=[f"{op}-{quantity}" for op, quantity in QUESTIONS])
@pytest.mark.parametrize("zeros", [(0,), (2, 4), (0, 1, 2, 3, 4)], ids=["one", "two", "all"])
def test_closed_answers_are_the_exact_ones(op, quantity, zeros):
    """Rows of five classes, each a group by itself, are answered as by the tiers, what is far below left out."""
    x = np.full((1, 5), FAR)
    x[0, zeros] = 0
    record = OPS[op.name]
    z = np.array([[0.25, 0.0, 0.75, 0.0, 0.0]])
    labels = None
    if record.labels == "index":
        labels, z = np.array([2]), np.array([[0.0, 0.0, 1.0, 0.0, 0.0]])
    elif record.labels == "row":
        labels = z
    g = np.array([[-1.25]]) if record.one_a_row else np.array([[1.0, -0.5, 2.0, 0.0, 0.25]])
    upstream = g[:, 0] if record.one_a_row else g
    truth = tiers.certify(op, quantity, Inputs(x, labels, upstream), 1.0)
    found = ones.golden(op, quantity, Groups(x, z if labels is not None else 0 * z, g, np.ones((1, 5)), 5))
    exponent = 0 if truth.exponent is None else truth.exponent
    hi, lo = ulp.scale(truth.hi, exponent), ulp.scale(truth.lo, exponent)

    assert found.hi.shape == hi.shape
    assert (np.abs((found.hi - hi) + (found.lo - lo)) <= 2.0**-98 * np.abs(hi) + 1e-300).all()


def test_groups_stand_for_their_classes():
    """log 262 144 and 1/262 144, without a row of that length."""
    groups = Groups(np.zeros((1, 1)), np.zeros((1, 1)), np.ones((1, 1)), np.array([[262_144]]), 262_144)

    assert ones.golden(Op.of("logsumexp"), "value", groups).hi[0] == 18 * np.log(2)
    assert ones.golden(Op.of("softmax"), "value", groups).hi.item() == 2.0**-18
