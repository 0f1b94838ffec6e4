"""Elementwise ops in integers, against the balls: as certificates at three times the bits, and as goldens."""

import mpmath
import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Case, Inputs, Op
from harness.scoring import ulp
from reference import rounding
from reference.arbiter import integer_points, points, settle
from reference.arbiter.ball import EXACT
from reference.arbiter.integer_points import FAR, FARTHEST, NEAR, Far, Near, Usual
from suites.questions import cases

FAMILIES = sorted(cases.POINT_FAMILIES)
BALLS = 3 * settle.START_BITS  # more than integers certify
DEEP = 6000  # bits that resolve the smallest subnormal's square
ROWS, CLASSES = 4, 7

each_question = pytest.mark.parametrize(
    ("name", "quantity"), [pytest.param(*key, id="-".join(key)) for key in integer_points.BY_POINT]
)

EDGES = [0.0, 5e-324, 2.0**-149, 3 * 2.0**-149, 2.0**-133, 2.0**-80, NEAR / 2, np.nextafter(NEAR, 0), NEAR, 1e-9, 0.5]
EDGES += [1.0, 30.0, 100.0, np.nextafter(FAR, 0), FAR, np.nextafter(FAR, 200), 745.0, 1e4, FARTHEST]
EDGES += [np.nextafter(FARTHEST, 0), 2 * FARTHEST, 3e38]
POINTS = [x for size in EDGES for x in (float(size), -float(size))]
LABELS = [(0.0, 1.0), (1.0, 1.0), (0.5, 1.0), (0.25, 3.0), (0.5, 0.375), (2.0, 1.0)]  # and positive weights


def apart(quick, truth):
    """Tell whether two balls have no number in common, or a side is told that the truth does not lie on."""
    with mpmath.workprec(3 * DEEP):
        off = mpmath.mp.make_mpf(truth.mid) - mpmath.mp.make_mpf(quick.mid)
        own, other = (
            mpmath.mpf(0) if one.error == EXACT else mpmath.ldexp(mpmath.mpf(1), one.error) for one in (quick, truth)
        )
        return abs(off) > own + other or (quick.side * off < 0 and abs(off) > other)


@each_question
def test_certificates_hold_at_every_edge(name, quantity):
    """Of each place of X, at its ends and between, every value lies within its error of the ball, on the side told."""
    for x in POINTS:
        for z, q in LABELS:
            point = integer_points._points_of((x,))[0]
            bits = DEEP if isinstance(point, Near) else BALLS
            truth = points.BY_POINT[name, quantity](points.point_of(x, bits), z, -0.375, q)
            quick = integer_points.answer(
                (name, quantity),
                ((x,), (z,), (-0.375,)),
                q,
                lambda x, z, g, q=q: points.BY_POINT[name, quantity](points.point_of(x, settle.START_BITS), z, g, q),
                fixed=True,
            )[0]

            assert not apart(quick, truth), (x, z, q)


@pytest.mark.parametrize("family", FAMILIES)
@each_question
def test_goldens_are_those_of_the_balls(family, name, quantity, monkeypatch):
    """The value, the binade and the rounding to every format are the same either way."""

    def left(*_):
        raise integer_points.LeftToBalls

    for dtype in DTYPES:
        asked = Case(Op.of(name), quantity, family, dtype, ROWS, CLASSES)
        inputs = cases.inputs(asked)
        quick = settle.certify(asked.op, quantity, inputs)
        with monkeypatch.context() as without:
            without.setitem(integer_points.BY_POINT, (name, quantity), left)
            slow = settle.certify(asked.op, quantity, inputs)

        off = np.abs(np.frexp(quick.hi)[0] - np.frexp(slow.hi)[0])
        assert ((off == 0) | ((np.abs(off) <= 2.0**-53) & (quick.lo == -slow.lo))).all()  # a tie may go either way
        assert (ulp.binade(quick) == ulp.binade(slow)).all()
        assert quick.radius <= 2.0**-settle.RADIUS_BITS
        for form in (FORMATS[name] for name in DTYPES):
            same = np.array_equal(rounding.nearest(quick, form), rounding.nearest(slow, form), equal_nan=True)

            assert same, (dtype, form.name)


def test_a_subnormal_logit_moves_a_half():
    """sigmoid(x) = 1/2 + x/4 for a tiny x: just below 1/2 the binade is another, and no precision has to be raised."""
    x = 2.0**-149
    inputs = Inputs(np.array([[x, -x, 0.0]], np.float32), None, np.ones((1, 3), np.float32))
    golden = settle.certify(Op("sigmoid"), "value", inputs)

    assert golden.hi.tolist() == [[0.5, 0.5, 0.5]]
    assert golden.lo.tolist() == [[x / 4, -x / 4, 0.0]]
    assert ulp.binade(golden).tolist() == [[-1, -2, -1]]


def test_places():
    """X chooses its place, whose numbers are its own: log 2 at 0, e**-1, and beyond FARTHEST nothing."""
    near, usual, far, beyond = integer_points._points_of((0.0, -1.0, 200.0, 1e30))

    assert near == Near(0, 0)
    assert near.curve((0, 0), (1, 0))[0] * 2.0**-integer_points.LOG_BITS == np.log(2)
    assert isinstance(usual, Usual)
    assert usual.v * 2.0**-usual.places == np.exp(-1)
    assert isinstance(far, Far)
    assert far.v * 2.0 ** -(far.n + integer_points.BITS) == pytest.approx(np.exp(-200), rel=1e-15)
    assert beyond == Far(0, 0)


def test_what_is_all_of_a_hidden_exponential_is_left_to_balls():
    """Beyond FARTHEST only the side of e is known: enough beside 1, and not where there is nothing else."""
    (beyond,) = integer_points._points_of((1e30,))

    assert beyond.share((1, 0), (0, 0)) == (1 << integer_points.TINY + 1, -integer_points.TINY - 1, 1, -1)
    assert beyond.bell((0, 0))[2] == 0
    with pytest.raises(integer_points.LeftToBalls):
        beyond.share((0, 0), (1, 0))
