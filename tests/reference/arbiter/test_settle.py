"""The arbiter goes on until every rounding is certain, and says where it cannot."""

from fractions import Fraction

import ml_dtypes
import mpmath
import numpy as np
import pytest
from mpmath import libmp

from harness.model import DTYPES, FORMATS, Case, Golden, Inputs, Op
from reference import rounding
from reference.arbiter import column, settle
from reference.arbiter.ball import Ball
from suites.questions import cases
from tests.made.exactly import fraction

SOFTMAX = Op.of("softmax")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_logits_that_are_not_finite_are_refused(bad):
    """Special values have no distance in ulps, and the error says so."""
    inputs = Inputs(np.array([[1.0, bad]]), None, np.ones((1, 2)))

    with pytest.raises(ValueError, match="logits hold inf or nan, expected finite numbers"):
        settle.certify(SOFTMAX, "value", inputs)


def test_undecided_row_is_an_error_that_shows_it(monkeypatch):
    """A row that cancels more bits than may be spent raises, with its logits; with more bits it is certified."""
    logits = np.array([[-np.log(2)] * 2])
    inputs = Inputs(logits, None, np.ones(1))
    certified = settle.certify(Op.of("logsumexp"), "value", inputs)
    monkeypatch.setattr(settle, "MOST_BITS", settle.START_BITS)

    assert 0 < abs(certified.hi[0]) < 2.0**-52
    with pytest.raises(ArithmeticError, match=r"a row is undecided at 144 bits.*-0x1\.62e42fefa39efp-1"):
        settle.certify(Op.of("logsumexp"), "value", inputs)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_hands_each_row_its_share(dtype):
    """The gradient of a mean is that of the sum over the number of rows, certified as one division."""
    kind = getattr(ml_dtypes, dtype, dtype)
    logits = np.array([[0.5, 1.0], [2.0, 0.0], [1.0, 1.0]]).astype(kind)
    labels = np.array([[1, 0], [0, 1], [1, 0]]).astype(kind)
    mean = settle.certify(
        Op.of("dense_xent", reduction="mean"), "grad_logits", Inputs(logits, labels, np.ones((), kind))
    )
    each = settle.certify(Op.of("dense_xent"), "grad_logits", Inputs(logits, labels, np.ones(3, kind)))

    assert np.allclose(mean.hi, each.hi / 3, rtol=2.0**-51, atol=0)
    assert mean.hi[2, 1] == 1 / 6


@pytest.mark.parametrize("seed", range(3), ids=lambda seed: f"seed {seed}")
def test_splitting_keeps_a_ball_within_the_radius(seed):
    """hi is the nearest float64 to hi + lo, and hi + lo lies within the radius of the ball's middle."""
    rng = np.random.default_rng(seed)
    for _ in range(300):
        digits = int(rng.integers(1, 2**62)) << 100 | int(rng.integers(0, 2**62)) << 40 | 1
        exponent = int(rng.integers(-400, 200))
        mid = libmp.from_man_exp(-digits if rng.random() < 0.5 else digits, exponent)
        hi, lo, power, radius = column.split_balls([Ball(mid)])
        split = Golden(hi, lo, power, 0.0)
        exact = (-1 if mid[0] else 1) * fraction(Golden(np.ones(1), np.zeros(1), np.array([mid[2]]), 0.0)) * int(mid[1])
        found = fraction(split)
        assert abs(found - exact) <= abs(exact) * fraction(Golden(radius, np.zeros(1), None, 0.0))
        assert hi[0] + lo[0] == hi[0]
        assert 1 <= abs(hi[0]) <= 2


def ball(value, error=None, side=0):
    """Make a ball around a Fraction with a power of two below."""
    mid = libmp.from_rational(value.numerator, value.denominator, 400, "n")
    return Ball(mid, side=side) if error is None else Ball(mid, error, side)


TIE = 1 + Fraction(1, 2**24)


@pytest.mark.parametrize(
    ("enclosure", "expected"),
    [
        pytest.param(ball(TIE), True, id="exact tie"),
        pytest.param(ball(TIE, -200), False, id="tie with an error"),
        pytest.param(ball(TIE, -200, 1), True, id="tie with a side above"),
        pytest.param(ball(TIE, -200, -1), True, id="tie with a side below"),
        pytest.param(ball(TIE, -10, 1), False, id="side with a wide error"),
        pytest.param(ball(TIE, -(10**40), 1), True, id="side with an error beyond integers"),
        pytest.param(ball(TIE + Fraction(1, 2**100), -101), True, id="clear of the tie"),
        pytest.param(ball(TIE + Fraction(1, 2**100), -99), False, id="reaches the tie"),
        pytest.param(ball(-TIE - Fraction(1, 2**100), -101), True, id="negative, clear"),
        pytest.param(ball(Fraction(1), -200), True, id="on a power of two"),
        pytest.param(ball(Fraction(1, 2**150), -300), False, id="half the smallest subnormal"),
        pytest.param(ball(Fraction(1, 2**149), -300), True, id="smallest subnormal"),
    ],
)
def test_rounds_alike(enclosure, expected):
    """Both ends of a ball round to one float32 exactly where no midpoint lies between them."""
    assert settle.rounds_alike(enclosure, FORMATS["float32"]) == expected


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_goldens_round_as_mpmath_does(dtype):
    """The certified softmax of random rows rounds to each format as its value at 400 bits does."""
    rng = np.random.default_rng(11)
    logits = rng.standard_normal((20, 5))
    certified = settle.certify(SOFTMAX, "value", Inputs(logits, None, np.ones_like(logits)))
    form = FORMATS[dtype]
    expected = []
    with mpmath.workprec(400):
        for row in logits.tolist():
            e = [mpmath.exp(x) for x in row]
            for term in e:
                value = term / mpmath.fsum(e)
                expected.append(float(mpmath.mpf(value, prec=form.precision)))

    assert rounding.nearest(certified, form).ravel().tolist() == expected


def test_mean_over_extreme_rows_is_decided():
    """Losses that are a float16 number plus something far below every precision keep their side through the mean."""
    case = Case(Op.of("dense_xent", reduction="mean"), "value", "extremes", "float16", 8, 12)

    certified = settle.certify(case.op, case.quantity, cases.inputs(case))

    assert certified.hi.shape == ()
    assert certified.radius <= 2.0**-settle.RADIUS_BITS


def test_backend_is_named():
    """The environment says what mpmath counted with."""
    assert settle.backend().startswith(f"mpmath {mpmath.__version__} (")
