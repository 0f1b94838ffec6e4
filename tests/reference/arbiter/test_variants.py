"""Ops that are asked apart: values worked by hand, what is exact, and the second witness on rows that hurt."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import libmp

from harness.model import DTYPES, Case, Inputs, Op
from harness.ops import APART, OPS
from reference import tiers
from reference.arbiter import settle
from reference.arbiter.ball import magnitude
from reference.question import Question
from suites.questions import cases

BITS = 240


def answered(name, quantity, given, labels, upstream=()):
    """Return the arbiter's answers as mpmath numbers."""
    balls = settle.answer(Op.of(name), quantity, (given, labels, upstream), BITS)
    return [mpmath.mpf(ball.mid) for ball in balls]


def test_values_worked_by_hand():
    """p = 1/4 under label 1 costs 2 log 2, and a quarter of it under label 1/8 beside 7/8 of log 4/3."""
    with mpmath.workprec(BITS):
        two = 2 * mpmath.log(2)
        assert abs(answered("sparse_prob_xent", "value", (0.25, 0.75), (0.0,))[0] - two) < 1e-60
        (soft,) = answered("binary_prob_xent", "value", (0.25,), (0.125,))
        assert abs(soft - two / 8 - 7 * mpmath.log(mpmath.mpf(4) / 3) / 8) < 1e-60
        (dense,) = answered("dense_prob_xent", "value", (0.25, 0.5, 0.25), (0.5, 0.5, 0.0))
        assert abs(dense - 3 * mpmath.log(2) / 2) < 1e-60


def test_gradients_are_exact_where_they_are_dyadic():
    """-g z / p and g (p - z) / (p (1 - p)) of powers of two, and no gradient of the odds at one half."""
    assert answered("dense_prob_xent", "grad_logits", (0.25, 0.5, 0.25), (0.5, 0.0, 1.0), (2.0,)) == [-4, 0, -8]
    assert answered("sparse_prob_xent", "grad_logits", (0.25, 0.75), (0.0,), (-1.5,)) == [6, 0]
    assert answered("binary_prob_xent", "grad_logits", (0.5, 0.5), (1.0, 0.0), (1.0, 3.0)) == [-2, 6]
    assert answered("binary_prob_xent", "grad_labels", (0.5,), (1.0,), (1.0,)) == [0]
    assert answered("sparse_prob_xent", "value", (1.0, 0.5), (0.0,)) == [0]


@pytest.mark.parametrize("op", APART, ids=str)
def test_both_references_hand_it_to_the_arbiter(op):
    """The fast tier has no formula of it: what it certifies is the arbiter's."""
    quantity = OPS[op.name].quantities[-1]
    (family, shape), *_ = cases.APART_FAMILIES[OPS[op.name].takes].items()
    inputs = cases.inputs(Case(op, quantity, family, "float32", *shape))
    fast, arbiter = tiers.certify(op, quantity, inputs, 0.0), settle.certify(op, quantity, inputs)

    assert fast.hi.tobytes() == arbiter.hi.tobytes()
    assert fast.radius < 2.0**-100


QUESTIONS = [(op, quantity) for op, quantities in APART.items() for quantity in quantities]


@pytest.mark.parametrize(("op", "quantity"), QUESTIONS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_witness_encloses_what_the_arbiter_says(op, quantity, dtype):
    """Arb's ball has a number in common with the arbiter's, in every family, class by class."""
    witness = pytest.importorskip("reference.witness")
    for family, shape in cases.APART_FAMILIES[OPS[op.name].takes].items():
        inputs = cases.inputs(Case(op, quantity, family, dtype, *shape))
        for row in (0, 1, 2):
            asked = question(op, quantity, dtype, inputs, row)
            arbiter = settle.answer(op, quantity, asked.by_row()[0], 320)
            found = witness.enclose(op, quantity, asked.by_row())
            assert len(found) == len(arbiter)
            for one, other in zip(arbiter, found, strict=True):
                off = magnitude(libmp.mpf_abs(libmp.mpf_sub(one.mid, other.mid, 64, "n")))
                assert off <= max(one.error, other.error) + 2


def question(op, quantity, dtype, inputs: Inputs, row):
    """Return one row of a case as a question."""
    labels = () if inputs.labels is None else tuple(np.atleast_1d(inputs.labels[row]).astype(float).tolist())
    upstream = () if quantity == "value" else tuple(np.atleast_1d(inputs.upstream[row]).astype(float).tolist())
    return Question(op, quantity, dtype, tuple(inputs.logits[row].astype(float).tolist()), labels, upstream)


@pytest.mark.parametrize("p", [2.0**-1022, 5e-324, 1 - 2.0**-53, 2.0**-30, 0.5 - 2.0**-54])
def test_logarithms_lose_nothing_at_either_end(p):
    """-log p to the last bit where p is next to 1, and log p where it is next to nothing."""
    with mpmath.workprec(1400):
        exact = -mpmath.log(mpmath.mpf(p))
        (got,) = answered("sparse_prob_xent", "value", (p,), (0.0,))
        assert abs(got - exact) <= exact * 2.0**-200
        (other,) = answered("binary_prob_xent", "value", (p,), (0.0,))
        assert abs(other + mpmath.log(1 - mpmath.mpf(p))) <= abs(other) * 2.0**-200
    assert math.isclose(float(got), -math.log(p))
