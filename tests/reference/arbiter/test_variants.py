"""Ops that are asked apart: values worked by hand, what is exact, and the second witness on rows that hurt."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import libmp

from harness.model import DTYPES, Case, Inputs, Op
from harness.ops import APART
from reference import tiers
from reference.arbiter import settle
from reference.arbiter.ball import magnitude
from reference.question import Question
from suites.questions import cases

BITS = 240


def answered(name, quantity, given, labels, upstream=(), **options):
    """Return the arbiter's answers as mpmath numbers."""
    balls = settle.answer(Op.of(name, **options), quantity, (given, labels, upstream), BITS)
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
    quantity = APART[op][-1]
    (family, shape), *_ = cases.apart_families(op).items()
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
    for family, shape in cases.apart_families(op).items():
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


def close(got, expected):
    """Tell whether numbers are equal to 60 digits."""
    return all(abs(one - other) < 1e-60 for one, other in zip(got, expected, strict=True))


def test_focal_and_poly_losses_worked_by_hand():
    """At p = 1/2 the loss is log 2: a focal one is a quarter of it, at gamma 3/2 less, and a poly one is 1 more."""
    even, label = (0.0, 0.0), (1.0, 0.0)
    with mpmath.workprec(BITS):
        two = mpmath.log(2)
        assert close(answered("sigmoid_focal_xent", "value", even, label), [two / 4, two / 4])
        assert close(answered("focal_xent", "value", even, label), [two / 4])
        assert close(answered("focal_xent", "value", even, label, gamma=1.5, alpha=0.25), [two / 4 / mpmath.sqrt(8)])
        assert close(answered("poly_xent", "value", even, label), [two + 1])
        assert close(answered("poly_xent", "value", even, label, epsilon=-1.0), [two - mpmath.mpf(1) / 2])
        weighed = [two / 4 / mpmath.sqrt(8), 3 * two / 4 / mpmath.sqrt(8)]
        assert close(answered("sigmoid_focal_xent", "value", even, label, gamma=1.5, alpha=0.25), weighed)


def test_focal_gradients_worked_by_hand():
    """The derivative of m**2 y is 2 m m' y + m**2 y'; that by a label at one half has no part through m."""
    with mpmath.workprec(BITS):
        two = mpmath.log(2)
        slope = two / 4 + mpmath.mpf(1) / 8
        assert close(
            answered("sigmoid_focal_xent", "grad_logits", (0.0, 0.0), (1.0, 0.0), (1.0, 2.0)), [-slope, 2 * slope]
        )
        assert close(answered("focal_xent", "grad_logits", (0.0, 0.0), (1.0, 0.0), (1.0,)), [-slope, slope])
        assert close(answered("poly_xent", "grad_logits", (0.0, 0.0), (1.0, 0.0), (1.0,)), [-1, 1])
        assert close(answered("sigmoid_focal_xent", "grad_labels", (0.0,), (1.0,), (3.0,)), [0])


def test_gradients_of_equal_logits_are_exactly_zero_where_they_are():
    """Labels of equal logits are summed before anything is multiplied by a logarithm."""
    labels = (0.25, 0.25, 0.25, 0.25)
    for name in ("focal_xent", "poly_xent"):
        (piece,) = settle.settled(
            [lambda bits, name=name: settle.answer(Op.of(name), "grad_logits", ((3.0,) * 4, labels, (1.0,)), bits)], str
        )
        assert not piece[0].any()


def test_two_steps_worked_by_hand():
    """Of logits 0 the head's three cost log 3, a tail of two log 2 more; a head's label leaves the tail alone."""
    zeros = (0.0,) * 4
    with mpmath.workprec(BITS):
        assert close(answered("adaptive_xent", "value", zeros, (1.0,)), [mpmath.log(3)])
        assert close(answered("adaptive_xent", "value", zeros, (3.0,)), [mpmath.log(6)])
        third = mpmath.mpf(1) / 3
        assert close(answered("adaptive_xent", "grad_logits", zeros, (1.0,), (1.0,)), [third, third - 1, 0, 0])
        half = mpmath.mpf(1) / 2
        assert close(answered("adaptive_xent", "grad_logits", zeros, (3.0,), (1.0,)), [third, third, half, -half])


def test_roots_of_squares_are_exact():
    """p = 9/16 has the root 3/4: its loss is a tie in two bits, which no precision of an inexact root would decide."""
    assert answered("generalized_prob_xent", "value", (0.5625, 0.4375), (0.0,)) == [0.5]
    assert answered("generalized_prob_xent", "grad_logits", (0.25, 0.75), (0.0,), (3.0,)) == [-6, 0]
    (ball,) = settle.answer(Op.of("generalized_prob_xent"), "value", ((2.0**-18,), (0.0,), ()), BITS)
    assert mpmath.mpf(ball.mid) == 2 - 2.0**-8
    assert ball.error < -1e6


def test_divergences_of_logarithms_and_their_sums():
    """A label e**w has the terms of the label; a sum is theirs; a Bernoulli's entropy at one half is log 2."""
    with mpmath.workprec(BITS):
        assert close(answered("kl_div", "value", (-1.0,), (0.0,), log_target=True), [1])
        assert close(answered("kl_div", "grad_labels", (-1.0,), (0.0,), (2.0,), log_target=True), [4])
        parts = answered("kl_div", "value", (-1.0, -2.0), (0.5, 0.25))
        assert close(answered("kl_div", "value", (-1.0, -2.0), (0.5, 0.25), reduction="sum_axis"), [sum(parts)])
        assert answered("kl_div", "grad_logits", (-1.0, -2.0), (0.5, 0.25), (2.0,), reduction="sum_axis") == [-1, -0.5]
        assert close(answered("bernoulli_entropy", "value", (0.0,), ()), [mpmath.log(2)])
