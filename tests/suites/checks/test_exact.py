"""Exact rows of many widths: what each is held to does not depend on the others, and a wrong element is found."""

import numpy as np
import pytest

from harness.model import Op
from harness.ops import OPS
from suites.checks.laws import exact

WIDTHS = (9, 2047, 2048, 4097)  # to either side of where a row counts as long
QUESTIONS = [(op, quantity) for op in exact.BY_ROW for quantity in OPS[op.name].quantities]


@pytest.mark.parametrize(("op", "quantity"), QUESTIONS, ids=[f"{op}-{quantity}" for op, quantity in QUESTIONS])
@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_widths_together_are_held_to_what_each_is_alone(op, quantity, dtype):
    """Exact answers, budgets and groups are those of a width by itself, to the last bit."""
    together = exact._truths(op, quantity, dtype, WIDTHS, "within")

    for n in WIDTHS:
        (alone, budget, there), (golden, other, some) = (
            exact._truths(op, quantity, dtype, (n,), "within")[n],
            together[n],
        )
        assert np.array_equal(golden.hi, alone.hi)
        assert np.array_equal(golden.lo, alone.lo)
        assert other.error.keys() == budget.error.keys()
        assert all(np.array_equal(other.error[kind], budget.error[kind]) for kind in budget.error)
        assert np.array_equal(other.flushed, budget.flushed)
        assert np.array_equal(some, there)


@pytest.mark.parametrize("dtype", exact.ALL_DTYPES)
@pytest.mark.parametrize("wrong", [0.5, np.nan, -0.0], ids=str)
def test_least_and_largest_of_a_group_hold_a_wrong_element(dtype, wrong):
    """Of answers that are alike but for one, its group has that one; a zero of the other sign is the same number."""
    rows = exact.rows_of_width(Op.of("softmax"), "value", dtype, 65)
    right = (rows.one / rows.k[:, None]).astype(rows.inputs.logits.dtype)
    got = right.copy()
    row = 1  # half of its logits are 0
    at = next(i for i in np.flatnonzero(~rows.one[row]) if i not in (rows.alone[0][row], rows.alone[1][row]))
    got[row, at] = wrong

    there = rows.groups.counts > 0  # what a group that stands for no class has is not looked at
    expected = np.stack([rows.grouped(right)[0]] * 2)
    expected[0, row, 3], expected[1, row, 3] = min(wrong, 0.0), max(wrong, 0.0)
    assert np.array_equal(rows.grouped(got)[:, there], expected[:, there], equal_nan=True)
