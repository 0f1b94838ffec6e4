"""Intervals of a median by order statistics."""

import numpy as np
import pytest

from harness import statistics


@pytest.mark.parametrize(
    ("count", "ranks"),
    [(1, (0, 0)), (5, (0, 4)), (6, (0, 5)), (9, (1, 7)), (10, (1, 8)), (20, (5, 14)), (100, (39, 60))],
)
def test_limits_of_a_median_are_order_statistics(count, ranks):
    """The limits are the samples that the table of the sign test names; of five or fewer, the outermost."""
    shuffled = np.random.default_rng(count).permutation(count)

    assert statistics.interval(list(shuffled)) == (*ranks, count >= 6)
