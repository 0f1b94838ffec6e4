"""Balls: what they enclose, what they keep exact, and which sides they remember."""

import mpmath
import numpy as np
import pytest
from mpmath import libmp

from reference.arbiter import ball
from reference.arbiter.ball import EXACT, ONE, ZERO, Ball, Undecided

WIDE = 2000  # bits of the value that a ball must enclose
LOW = 40  # bits at which balls are computed


def mpf(number):
    """Turn libmp's tuple into an mpmath number."""
    return mpmath.mp.make_mpf(number)


def encloses(result, truth):
    """Tell whether a ball holds a value computed at WIDE bits, and keeps what it says of its side."""
    with mpmath.workprec(WIDE):
        off = truth - mpf(result.mid)
        if result.error == EXACT:
            return off == 0
        if result.side and mpmath.sign(off) != result.side:
            return False
        return abs(off) < mpmath.ldexp(1, result.error)


def leaf(rng):
    """Draw an exact number, or e to the power of one."""
    value = float(rng.choice([0.0, 1.0, -3.0, rng.standard_normal(), 8 * rng.standard_normal(), 2.0**-30]))
    if rng.random() < 0.5:
        return ball.exact(value), mpmath.mpf(value)
    return ball.exp(ball.exact(value), LOW), mpmath.exp(value)


def grow(rng, depth):
    """Build a random expression as a ball of few bits, beside its value at many."""
    if depth == 0:
        return leaf(rng)
    (a, x), (b, y) = grow(rng, depth - 1), grow(rng, depth - 1)
    match rng.integers(0, 6):
        case 0:
            return ball.add(a, b, LOW), x + y
        case 1:
            return ball.subtract(a, b, LOW), x - y
        case 2:
            return ball.multiply(a, b, LOW), x * y
        case 3:
            square = ball.add(ball.multiply(b, b, LOW), ONE, LOW)  # clear of zero, and at least 1
            if square.error > ball.magnitude(square.mid) - 5:
                return b, y
            return ball.divide(a, square, LOW), x / (y * y + 1)
        case 4:
            square = ball.add(ball.multiply(b, b, LOW), ball.integer(3), LOW)
            if square.error > ball.magnitude(square.mid) - 5:
                return a, x
            return ball.log(square, LOW), mpmath.log(y * y + 3)
        case _:
            return ball.total([a, b, a, ball.negative(b), b], LOW), 2 * x + y


@pytest.mark.parametrize("seed", range(8), ids=lambda seed: f"seed {seed}")
def test_random_expressions_are_enclosed(seed):
    """What is computed at 40 bits holds the value computed at 2000, however operations are nested."""
    rng = np.random.default_rng(seed)
    with mpmath.workprec(WIDE):
        grown = [grow(rng, int(rng.integers(1, 5))) for _ in range(150)]

    assert [i for i, (result, truth) in enumerate(grown) if not encloses(result, truth)] == []


@pytest.mark.parametrize("value", [1e-300, 2.0**-60, 2.0**-40, 1e-5, 0.3, 1.0, 7.0, 1e10], ids=str)
def test_log1p_is_enclosed_to_full_relative_accuracy(value):
    """log(1 + a) keeps its leading digits however small a is."""
    of_exact = ball.log1p(ball.exact(value), LOW)
    term = ball.exp(ball.exact(-1 / value if value < 0.1 else -value), LOW)
    of_ball = ball.log1p(term, LOW)
    with mpmath.workprec(WIDE):
        truths = mpmath.log1p(value), mpmath.log1p(mpmath.exp(-1 / value if value < 0.1 else -value))

    assert encloses(of_exact, truths[0])
    assert encloses(of_ball, truths[1])
    assert of_exact.error <= ball.magnitude(of_exact.mid) - LOW + 4


@pytest.mark.parametrize("seed", range(3), ids=lambda seed: f"seed {seed}")
def test_quotients_are_enclosed(seed):
    """(whole + part) / (below + below_part) holds its value where `below` divides `whole` and where not."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(100):
        whole, below = int(rng.integers(-6, 7)), int(rng.integers(1, 5))
        powers = [float(-rng.integers(1, 300)) for _ in range(2)]
        part, below_part = (ball.exp(ball.exact(power), LOW) for power in powers)
        result = ball.quotient(ball.integer(whole), part, ball.integer(below), below_part, LOW)
        with mpmath.workprec(WIDE):
            truth = (whole + mpmath.exp(powers[0])) / (below + mpmath.exp(powers[1]))
        found.append(encloses(result, truth))

    assert all(found)


@pytest.mark.parametrize(
    ("result", "value"),
    [
        pytest.param(ball.add(ball.exact(1e308), ball.exact(2.0**-1074), LOW), None, id="sum"),
        pytest.param(ball.subtract(ball.exact(0.1), ball.exact(0.1), LOW), 0.0, id="difference"),
        pytest.param(ball.multiply(ball.exact(0.1), ball.exact(0.3), LOW), None, id="product"),
        pytest.param(ball.multiply(ZERO, ball.exp(ball.ONE, LOW), LOW), 0.0, id="zero times anything"),
        pytest.param(ball.divide(ball.exact(0.75), ball.integer(3), LOW), 0.25, id="quotient that comes out even"),
        pytest.param(ball.divide(ZERO, ball.exp(ball.ONE, LOW), LOW), 0.0, id="zero over anything"),
        pytest.param(ball.exp(ZERO, LOW), 1.0, id="exp of 0"),
        pytest.param(ball.log1p(ZERO, LOW), 0.0, id="log1p of 0"),
        pytest.param(ball.total([ball.exact(1e308), ball.exact(1e-308), ball.exact(-1e308)], LOW), 1e-308, id="total"),
        pytest.param(ball.total([], LOW), 0.0, id="empty total"),
        pytest.param(ball.quotient(ball.integer(6), ZERO, ball.integer(3), ZERO, LOW), 2.0, id="exact quotient"),
    ],
)
def test_exactness_is_kept(result, value):
    """What is a short exact number in mathematics stays one, without an error."""
    assert result.error == EXACT
    assert value is None or libmp.to_float(result.mid) == value


def test_one_third_is_not_exact():
    """A quotient that does not come out even carries its rounding error."""
    third = ball.divide(ONE, ball.integer(3), LOW)

    assert third.error != EXACT
    assert encloses(third, mpmath.fdiv(1, 3, prec=WIDE))


HAIR = ball.exp(ball.exact(-1e38), LOW)
HALF = ball.exact(0.5)
BESIDE = ball.add(HALF, HAIR, LOW)


@pytest.mark.parametrize(
    ("result", "mid", "side"),
    [
        pytest.param(BESIDE, 0.5, 1, id="1/2 + e**-1e38"),
        pytest.param(ball.subtract(HALF, HAIR, LOW), 0.5, -1, id="1/2 - e**-1e38"),
        pytest.param(ball.subtract(HAIR, HALF, LOW), -0.5, 1, id="e**-1e38 - 1/2"),
        pytest.param(ball.negative(BESIDE), -0.5, -1, id="negated"),
        pytest.param(ball.add(BESIDE, ONE, LOW), 1.5, 1, id="exact number added"),
        pytest.param(ball.add(BESIDE, HAIR, LOW), 0.5, 1, id="another hair on the same side"),
        pytest.param(ball.add(ball.negative(HAIR), ball.negative(BESIDE), LOW), -0.5, -1, id="the same, below"),
        pytest.param(ball.subtract(BESIDE, HALF, LOW), 0.0, 1, id="down to nothing but the side"),
        pytest.param(ball.multiply(BESIDE, ball.integer(-3), LOW), -1.5, -1, id="times an exact number"),
        pytest.param(ball.quotient(ONE, ZERO, ball.integer(2), HAIR, LOW), 0.5, -1, id="1 / (2 + e**-1e38)"),
        pytest.param(ball.quotient(ONE, HAIR, ONE, HAIR, LOW), 1.0, 0, id="ratio of two alike"),
    ],
)
def test_side_is_known_where_no_precision_would_show_it(result, mid, side):
    """A short exact number plus something far smaller keeps that number, and the side the sum lies on."""
    assert libmp.to_float(result.mid) == mid
    assert result.side == side
    assert result.error != EXACT


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(ZERO, 0, id="zero"),
        pytest.param(ball.exact(-2.0), -1, id="exact"),
        pytest.param(Ball(libmp.fone, 1), 0, id="error that reaches zero"),
        pytest.param(Ball(libmp.fone, -3), 1, id="certain"),
        pytest.param(Ball(libmp.fzero, -100, -1), -1, id="zero with a side"),
        pytest.param(Ball(libmp.fone, 0, 1), 1, id="a side that points away from zero"),
        pytest.param(Ball(libmp.fone, 0, -1), 0, id="a side that points to zero"),
    ],
)
def test_sign(number, expected):
    """A sign is given only where it is certain."""
    assert ball.sign(number) == expected


def test_division_by_what_may_be_zero_is_refused():
    """A divisor that is not clear of zero asks for more bits."""
    with pytest.raises(Undecided, match="not separated from zero"):
        ball.divide(ONE, Ball(libmp.fone, -2), LOW)


def test_total_of_many_small_terms_beside_a_large_one():
    """Terms far below the last bit of the largest are accounted for in the error."""
    term = ball.exp(ball.exact(-40.0), LOW)
    result = ball.total([ball.exp(ball.ONE, LOW), *[term] * 5000], LOW)
    with mpmath.workprec(WIDE):
        truth = mpmath.e + 5000 * mpmath.exp(-40)

    assert encloses(result, truth)
