"""Intervals of a median by order statistics, and Student's t quantiles."""

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


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [
        (0.975, 2, 4.3027),
        (0.995, 3, 5.8409),
        (0.9, 4, 1.5332),
        (0.999, 4, 7.1732),
        (0.9975, 8, 3.8325),
        (0.975, 8.7, 2.2741),
        (0.995, 28, 2.7633),
        (0.975, 1e6, 1.9600),
    ],
)
def test_quantile(probability, freedom, expected):
    """Student's t quantiles are those of the tables."""
    assert statistics.quantile(probability, freedom) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("probability", "freedom"), [(0.4, 5), (1.0, 5), (0.9, 1.5)])
def test_quantile_outside(probability, freedom):
    """Outside its range the formula is refused."""
    with pytest.raises(ValueError, match=r"expected 0\.5 to 1"):
        statistics.quantile(probability, freedom)
