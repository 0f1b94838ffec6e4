"""Columns of integers: the balls they stand for, and how they split."""

from fractions import Fraction

import numpy as np
import pytest

from reference.arbiter import column
from reference.arbiter.ball import EXACT, Ball, integer
from reference.arbiter.column import Column


def values(split):
    """Return hi + lo times the power, exactly."""
    hi, lo, exponent, _ = split
    return [
        (Fraction(float(a)) + Fraction(float(b))) * Fraction(2) ** int(e)
        for a, b, e in zip(hi, lo, exponent, strict=True)
    ]


def test_an_element_is_a_ball():
    """An index, a slice and a loop make balls, of an odd middle and an error that is no longer relative to it."""
    three = Column([12, -5, 1], [-3, 0, 7], [1, 2, 0])
    balls = [Ball((0, 3, -1, 2), -2), Ball((1, 5, 0, 3), 2), Ball((0, 1, 7, 1), 7)]

    assert list(three) == balls
    assert three[-1] == balls[2]
    assert three[1:] == balls[1:]
    assert integer(-5).mid == three[1].mid


@pytest.mark.parametrize("bits", [1, 53, 54, 120, 400, 999, 1100, 3000])
def test_splitting_keeps_the_value_within_the_radius(bits):
    """hi is the nearest float64, and hi + lo lies within the radius of the digits, however long these are."""
    rng = np.random.default_rng(bits)
    drawn = [int.from_bytes(rng.bytes(bits // 8 + 1)) | 1 for _ in range(50)]
    digits = [d if i % 2 else -d for i, d in enumerate(drawn)]
    hi, lo, exponent, radius = split = Column(digits, [-bits] * 50, [0] * 50).split()
    off = [abs(found / Fraction(d, 1 << bits) - 1) for found, d in zip(values(split), digits, strict=True)]
    unsure = np.isinf(radius)

    assert all(a <= Fraction(float(r)) for a, r in zip(off, np.where(unsure, 2.0**60, radius), strict=True))
    assert (hi + lo == hi).all()
    assert ((np.abs(hi) >= 1) & (np.abs(hi) < 2)).all()
    assert bits < 54 or not unsure.any()
    assert exponent.dtype == np.int64


@pytest.mark.parametrize("size", [60, 300, 450])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_tiny_tail_keeps_its_side(size, side):
    """1 and 2**-size more or less, known to 2**-20 of that: lo says which, however small it is."""
    hi, lo, exponent, radius = Column([(1 << (size + 40)) + (side << 40)], [-size - 40], [20]).split()

    assert (hi[0], exponent[0]) == (1, 0)
    assert lo[0] == side * max(2.0**-size, column.SMALLEST_TAIL)
    assert 0 < radius[0] <= abs(lo[0])


@pytest.mark.parametrize(
    ("digits", "error"),
    [
        pytest.param(0, 3, id="0"),
        pytest.param(1 << 200, 100, id="1"),
        pytest.param((1 << 200) + (1 << 90), 100, id="1 and a hair"),
        pytest.param((1 << 1200) + 1, 0, id="1 and what is cut off"),
    ],
)
def test_an_unknown_sign_or_binade_is_undecided(digits, error):
    """Neither 0 nor a power of two is certain, as long as the value may lie on both sides of it."""
    assert np.isinf(Column([digits], [-200], [error]).split()[3][0])


def test_end_to_end():
    """Columns of several rows make one."""
    one = column.end_to_end([Column([1], [2], [3]), Column([4, 5], [6, 7], [8, 9])])

    assert (one.digits, one.exponents, one.errors) == ([1, 4, 5], [2, 6, 7], [3, 8, 9])


@pytest.mark.parametrize("side", [-1, 0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_tie_goes_to_the_side_that_is_known(side, sign):
    """1 + 3/2 ulp and a hair: hi is the neighbour on the hair's side, or the even one where there is none."""
    digits = sign * ((1 << 54) + 6)  # in quarter ulps
    hi, lo, exponent, _ = column.split([digits], [-54], [EXACT if side == 0 else -900], [side])
    up = side * sign > 0 or side == 0  # 1 + 2 ulp is the even one

    assert hi[0] == sign * (1 + (2 if up else 1) * 2.0**-52)
    assert lo[0] == sign * (-1 if up else 1) * 2.0**-53
    assert exponent[0] == 0


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_an_exact_number_has_no_radius_but_for_its_side(side):
    """3 is 3: a side is a tail of the smallest size, and a column of sides claims no more."""
    hi, lo, exponent, radius = Column([3, 0], [0, 0], [EXACT, EXACT], [side, 0]).split()

    assert (hi.tolist(), exponent.tolist()) == ([1.5, 0.0], [1, 0])
    assert lo.tolist() == [side * column.SMALLEST_TAIL, 0]
    assert radius.tolist() == [abs(side) * column.SMALLEST_TAIL, 0]


@pytest.mark.parametrize(("gap", "sure"), [(10, False), (11, False), (12, True), (1100, True)])
def test_beside_a_power_of_two_the_whole_numbers_are_compared(gap, sure):
    """1 less 2**-2000 times 2**gap, known to 2**11 of that: far below what float64 holds, and yet in a binade."""
    digits = (1 << 2000) - (1 << gap)
    split = Column([digits], [-2000], [11], [0]).split()

    assert np.isfinite(split[3][0]) == sure
    assert split[0][0] == 1
    assert split[1][0] < 0


def test_columns_with_and_without_sides_make_one():
    """Where one column tells sides, those of the other are unknown."""
    one = column.end_to_end([Column([1], [2], [3]), Column([4], [5], [6], [-1])])

    assert one.sides == [0, -1]
    assert [ball.side for ball in one] == [0, -1]
