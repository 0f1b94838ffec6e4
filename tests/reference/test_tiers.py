"""The two tiers together: same roundings, and no disagreement goes unseen."""

import dataclasses
import re

import numpy as np
import pytest

from harness.model import FORMATS, Inputs, Op
from reference import fast, golden, rounding, tiers
from suites import cases
from tests import questions

SOFTMAX = Op.of("softmax")
KINDS = [(op, quantity) for op, (quantities, _) in cases.OPS.items() for quantity in quantities]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("op", "quantity"), KINDS, ids=[f"{op}-{quantity}" for op, quantity in KINDS])
def test_tiers_round_alike(op, quantity, dtype):
    """Both tiers' goldens of every family round to the same bits in the case's dtype and in float64."""
    for family in questions.families_of(op):
        inputs = cases.inputs(questions.small(op, quantity, family, dtype))

        quick, arbiter = tiers.certify(op, quantity, inputs), golden.certify(op, quantity, inputs)

        assert quick.radius <= 2.0**-tiers.RADIUS_BITS
        for form in (FORMATS[dtype], FORMATS["float64"]):
            one, other = rounding.nearest(quick, form), rounding.nearest(arbiter, form)
            assert one.shape == other.shape
            assert (one.view(np.uint64) == other.view(np.uint64)).all(), family


def inputs_of(rows=200):
    """Return normal rows of five classes."""
    logits = np.random.default_rng(3).standard_normal((rows, 5))
    return Inputs(logits, None, np.ones_like(logits))


def test_one_in_64_rows_is_audited():
    """The audit draws some of the rows, and the same ones again."""
    inputs = inputs_of(6400)

    drawn = tiers.audited(SOFTMAX, "value", inputs, 6400)

    assert 50 < drawn.sum() < 200
    assert (drawn == tiers.audited(SOFTMAX, "value", inputs, 6400)).all()


def head(answer):
    """Move every head to the next float64."""
    return dataclasses.replace(answer, hi=np.nextafter(answer.hi, 2))


def tail(answer):
    """Move every tail by 2**-80 of its head."""
    return dataclasses.replace(answer, lo=answer.lo + answer.hi * 2.0**-80)


@pytest.mark.parametrize("fault", [head, tail])
def test_wrong_certificate_stops_the_run(monkeypatch, fault):
    """A fast tier that is off by more than it says is found out by the audit, with the row in hand."""
    honest = fast.answer
    monkeypatch.setattr(fast, "answer", lambda *question: fault(honest(*question)))

    inputs = inputs_of()

    with pytest.raises(tiers.Disagreement, match=r"softmax/value, row \d+, element 0") as stopped:
        tiers.certify(SOFTMAX, "value", inputs)

    row = int(re.search(r"row (\d+)", str(stopped.value))[1])
    assert str(stopped.value).endswith(" ".join(x.hex() for x in inputs.logits[row].tolist()))


def test_rows_that_are_open_go_to_the_arbiter():
    """What the fast tier has no radius for is certified all the same."""
    logits = np.array([[1e300, 0.0, -1e300], [0.5, 0.25, 0.0]])

    made = tiers.certify(SOFTMAX, "value", Inputs(logits, None, np.ones_like(logits)))

    assert made.radius <= 2.0**-tiers.RADIUS_BITS
    assert made.hi[0].tolist()[0] == 1.0
