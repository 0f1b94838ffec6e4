"""What counts as worse: by how much an error over its bound has to grow, and whose answers count."""

import math

import pytest

from harness.history import news
from tests.made.records import NAIVE, TORCH, result


@pytest.mark.parametrize(
    ("was", "now", "turn"),
    [
        (0.3, 0.6, "worse"),
        (0.3, 0.59, "different"),
        (0.2, 0.5, "different"),
        (0.0, 0.51, "worse"),
        (0.6, 0.3, "better"),
        (0.5, 0.1, "different"),
        (2.0, math.inf, "worse"),
        (math.inf, math.inf, "different"),
        (0.1, math.nan, "different"),
    ],
)
def test_error_counts_from_twice_and_half_the_bound(was, now, turn):
    """An error counts where it is twice what it was and above half of its bound, and the other way round."""
    assert news.error_turned(was, now) == turn


def test_who_counts():
    """Fused functions count, and what is deviating at all; other forms do not, nor one that is called naive now."""
    fused, naive = result(target=TORCH), result(target=NAIVE, judgement="unjudged")

    assert news.counted(fused, fused)
    assert not news.counted(naive, naive)
    assert not news.counted(fused, naive)
    assert news.counted(naive, result(target=NAIVE, judgement="deviates"))


def test_gates_are_known_news():
    """Every gate fails on news that there is, each on what the one before it fails on."""
    assert set(news.GATES) == set(news.FAIL_ON)
    never, deviation, new, any_ = (set(news.GATES[gate]) for gate in ("never", "deviation", "new", "any"))
    assert never < deviation < new < any_ < set(news.NEWS)


def test_every_news_is_counted_once():
    """Each kind of news is counted under one word."""
    assert sorted(kind for kinds in news.COUNTED.values() for kind in kinds) == sorted(news.NEWS)
