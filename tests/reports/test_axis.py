"""A logarithmic axis in a line of a table."""

import pytest

from reports.axis import MARGIN, WIDTH, Axis


def test_decades_hold_all_numbers():
    """An axis of times runs over whole decades, at least one, from margin to margin."""
    axis = Axis.decades([3e-6, 4e-4])

    assert (axis.low, axis.high) == (pytest.approx(1e-6), pytest.approx(1e-3))
    assert (axis.at(axis.low), axis.at(axis.high)) == (MARGIN, WIDTH - MARGIN)
    assert axis.at(1e-5) - axis.at(1e-6) == pytest.approx(axis.at(1e-4) - axis.at(1e-5), abs=0.2)
    assert Axis.decades([1e-3]).high == pytest.approx(1e-2)


@pytest.mark.parametrize(
    ("numbers", "low", "high"),
    [
        ([1, 1], 1, 2),
        ([1, 1.9], 1, 2),
        ([1, 2.1], 1, 5),
        ([0.97, 12], 0.5, 20),
        ([0.64, 123], 0.5, 200),
        ([1, 1000], 1, 1000),
    ],
)
def test_steps_hold_all_numbers(numbers, low, high):
    """An axis of ratios runs between two of 1, 2, 5, 10, ..., as near as they hold all."""
    axis = Axis.steps(numbers)

    assert (axis.low, axis.high) == (low, high)


@pytest.mark.parametrize(
    ("axis", "written"),
    [
        (Axis(1, 5), [1, 2, 5]),
        (Axis(1, 50), [1, 2, 5, 10, 20, 50]),
        (Axis(1, 1000), [1, 10, 100, 1000]),
        (Axis(1, 1e7), [1, 100, 1e4, 1e6]),
        (Axis(0.5, 200), [1, 10, 100]),
    ],
)
def test_numbers_that_are_written(axis, written):
    """Steps are written where there is room, else decades, else every second one."""
    assert [number for _, number in axis.ticks] == pytest.approx(written)
