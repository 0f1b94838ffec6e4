"""How options are written: patterns, shapes, and the two ways between rows and an op's layout."""

import numpy as np
import pytest

from harness import options
from harness.model import Op

LAYOUTS = [(rank, axis) for rank in range(1, 6) for axis in range(-rank, rank)]


@pytest.mark.parametrize(
    ("pattern", "count", "numbers"),
    [("1 0.5", 5, (1, 0.5, 1, 0.5, 1)), ("3", 2, (3, 3)), ("1 2 4", 2, (1, 2)), ("1", 0, ())],
)
def test_patterns_repeat(pattern, count, numbers):
    """A pattern is as long as what it is along."""
    assert options.repeated(pattern, count) == numbers


@pytest.mark.parametrize(
    ("rows", "rank", "lengths"),
    [(24, 2, (24,)), (24, 3, (2, 12)), (24, 5, (2, 2, 2, 3)), (8, 5, (2, 2, 2, 1)), (1, 1, ()), (7, 3, (7, 1))],
)
def test_rows_are_spread_over_the_other_axes(rows, rank, lengths):
    """Their lengths multiply to the rows."""
    assert options.outer(rows, rank) == lengths


def test_rank_one_holds_one_row():
    """More rows than one are refused."""
    with pytest.raises(ValueError, match="rows are 2, expected 1"):
        options.outer(2, 1)


@pytest.mark.parametrize(("rank", "axis"), LAYOUTS)
def test_layouts_there_and_back(rank, axis):
    """An arranged array has its classes along the axis, and comes back as it was."""
    op = Op.of("softmax", rank=rank, axis=axis)
    rows = np.arange(5.0)[None] if rank == 1 else np.arange(120.0).reshape(24, 5)

    array = options.arranged(op, rows)

    assert array.ndim == rank
    assert array.shape[axis] == 5
    assert (options.along_rows(op, array) == rows).all()
    assert (array.take(3, axis=axis).ravel() == rows[:, 3]).all()


def test_no_layout_is_rows_as_they_are():
    """Without the options an array is rows and classes."""
    rows = np.arange(6.0).reshape(2, 3)

    assert (options.arranged(Op.of("softmax"), rows) == rows).all()


@pytest.mark.parametrize("reduction", options.REDUCTIONS)
def test_reductions_to_one_number(reduction):
    """All but `none`, and a mean or sum over an axis, leave one number."""
    assert options.reduces(Op.of("sparse_xent", reduction=reduction)) == (
        reduction not in {"none", "mean_axis", "sum_axis"}
    )
