"""Formats of 8 bits: what is asked in them, that its roundings are certain, and who is asked."""

import ml_dtypes
import numpy as np
import pytest

from harness.adapters import numpy as textbook
from harness.model import EIGHTS, FORMATS
from reference import rounding, tiers
from suites.questions import cases, plan
from suites.questions.presets import PRESETS

ASKED = [case for case in cases.cases(PRESETS["standard"]) if case.dtype in EIGHTS]


def test_every_plain_op_is_asked_in_both_formats():
    """Values and gradients, in few rows."""
    assert {case.dtype for case in ASKED} == set(EIGHTS)
    assert {(case.rows, case.classes) for case in ASKED} == {cases.FEW}
    assert {case.quantity for case in cases.cases(PRESETS["quick"]) if case.dtype in EIGHTS} == {"value"}


@pytest.mark.parametrize("case", ASKED, ids=str)
def test_roundings_are_certain_and_overflow_none(case):
    """Goldens are certified for the wider formats; of these every rounding is certain too, and a number."""
    inputs = cases.inputs(case)
    golden = tiers.certify(case.op, case.quantity, inputs)
    form = FORMATS[case.dtype]
    rounded = rounding.nearest(golden, form)

    assert inputs.logits.dtype == np.dtype(getattr(ml_dtypes, case.dtype))
    assert not rounding.undecided(golden, [form], np.full(golden.hi.shape, golden.radius)).any()
    assert np.isfinite(rounded).all()
    assert (rounded.astype(inputs.logits.dtype).astype(np.float64) == rounded).all()


def test_who_has_no_such_kernels_is_not_asked():
    """A framework that says nothing of these formats has no questions in them."""
    adapter = textbook.Adapter()
    asked = [case for _, case, _ in plan.questions([adapter], plan.Wanted(PRESETS["standard"]), lambda _: True)]

    assert asked
    assert not [case for case in asked if case.dtype in EIGHTS]


def test_a_framework_with_such_kernels_is_asked():
    """Fused functions alone, in a mode that compiles as its users always do."""

    class Fake(textbook.Adapter):
        """A framework that has them."""

        eights = EIGHTS

    preset = PRESETS["quick"]
    adapter = Fake()
    asked = [case for _, case, _ in plan.questions([adapter], plan.Wanted(preset), lambda _: True)]

    assert not [case for case in asked if case.dtype in EIGHTS]  # its controls are no fused functions
    assert all(preset.asks(case, "usual", "fused") for case in cases.cases(preset) if case.dtype in EIGHTS)
    assert not any(preset.asks(case, "primitives", "fused") for case in cases.cases(preset) if case.dtype in EIGHTS)
