"""The distance in ulps, against values worked by hand and against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from harness.model import FORMATS, Golden
from harness.scoring import ulp
from tests.made.exactly import fraction, golden_of, ulp_of

INF = float("inf")
each_format = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
INFINITE = {name: form for name, form in FORMATS.items() if form.infinite}
each_infinite_format = pytest.mark.parametrize("form", INFINITE.values(), ids=INFINITE)


def error(got, hi, lo, form, exponent=None):
    """Measure one element."""
    scale = None if exponent is None else np.array([exponent])
    with np.errstate(invalid="ignore", over="ignore"):
        return ulp.error(np.array([got]), Golden(np.array([hi]), np.array([lo]), scale, 0.0), form)[0]


def largest(form):
    """Return the largest finite number of a format."""
    return (2 - 2.0 ** (1 - form.precision)) * 2.0**form.emax


@each_format
@pytest.mark.parametrize(
    ("got_steps", "lo_steps", "expected"),
    [
        pytest.param(0, 0.0, 0.0, id="right"),
        pytest.param(1, 0.0, 1.0, id="one step up"),
        pytest.param(-1, 0.0, -1.0, id="one step down"),
        pytest.param(7, 0.0, 7.0, id="seven steps"),
        pytest.param(0, 0.25, -0.25, id="tail of a quarter"),
        pytest.param(0, -0.25, 0.25, id="negative tail"),
        pytest.param(1, 0.5, 0.5, id="tie from above"),
        pytest.param(0, 0.5, -0.5, id="tie from below"),
    ],
)
def test_steps_and_tails_are_counted_in_ulps(form, got_steps, lo_steps, expected):
    """Inside a binade one float step is one ulp, and the tail counts as its fraction of one."""
    step = 2.0 ** (1 - form.precision)

    assert error(1.5 + got_steps * step, 1.5, lo_steps * step, form) == expected
    assert error(-1.5 - got_steps * step, -1.5, -lo_steps * step, form) == -expected


@each_format
def test_power_of_two_opens_its_binade(form):
    """An exact power of two has the ulp of the binade above, so the float below it is half an ulp away."""
    step = 2.0 ** (1 - form.precision)

    assert error(1 + step, 1.0, 0.0, form) == 1
    assert error(1 - step / 2, 1.0, 0.0, form) == -0.5


@each_format
@pytest.mark.parametrize("exponent", [None, -3, 5], ids=lambda e: f"exponent {e}")
def test_negative_tail_below_a_power_of_two_belongs_to_the_finer_binade(form, exponent):
    """A hi of 2**e with a negative lo lies below 2**e: its ulp is half as large."""
    step, size = 2.0 ** (1 - form.precision), 2.0 ** (exponent or 0)

    assert error(size * (1 + step), 1.0, -(2.0**-100), form, exponent) == pytest.approx(2, abs=1e-9)
    assert error(size * (1 + step), 1.0, +(2.0**-100), form, exponent) == pytest.approx(1, abs=1e-9)
    assert error(-size * (1 + step), -1.0, +(2.0**-100), form, exponent) == pytest.approx(-2, abs=1e-9)


def test_tail_too_small_to_multiply_still_chooses_the_binade():
    """The sign of the tail counts even where hi times lo underflows float64."""
    golden = Golden(np.array([2.0**-490, 2.0**-490]), np.array([-(2.0**-890), 2.0**-890]), None, 0.0)

    assert ulp.binade(golden).tolist() == [-491, -490]


@each_format
def test_subnormals_have_one_spacing(form):
    """Below the normal range the ulp is the spacing of the subnormals, 2**(emin - p + 1)."""
    tiny_exponent = form.emin - form.precision + 1
    half_way = Golden(np.array([1.0]), np.array([0.0]), np.array([tiny_exponent - 1]), 0.0)
    tiny = 2.0**tiny_exponent

    assert error(tiny, 3.0, 0.0, form, tiny_exponent) == -2
    assert error(0.0, 1.0, 0.0, form, tiny_exponent) == -1
    assert ulp.error(np.array([0.0]), half_way, form)[0] == -0.5


@each_format
def test_distance_from_zero_is_counted_in_smallest_numbers(form):
    """An exact zero has the subnormal ulp; either zero answers it."""
    tiny = 2.0 ** (form.emin - form.precision + 1)

    assert error(0.0, 0.0, 0.0, form) == error(-0.0, 0.0, 0.0, form) == 0
    assert error(-3 * tiny, 0.0, 0.0, form) == -3
    assert error(tiny, 0.0, 0.0, form, -(2**30)) == 1


@each_format
def test_infinity_stands_for_the_next_power_of_two(form):
    """An infinite answer to a finite question is as far off as 2**(emax + 1) would be."""
    top = largest(form)

    assert error(INF, top / 2, 0.0, form) == 2**form.precision + 1
    assert error(-INF, -top / 2, 0.0, form) == -(2**form.precision) - 1
    assert error(INF, 1.0, 0.0, form, form.emax) == 2 ** (form.precision - 1)
    assert error(-INF, 1.0, 0.0, form, form.emax) == -3 * 2 ** (form.precision - 1)


@each_infinite_format
@pytest.mark.parametrize(
    ("steps", "infinite", "finite"),
    [
        pytest.param(Fraction(0), 1, 0, id="largest number"),
        pytest.param(Fraction(1, 4), 0.75, -0.25, id="below the threshold"),
        pytest.param(Fraction(1, 2) - Fraction(1, 2**50), 0.5, -0.5, id="just below the threshold"),
        pytest.param(Fraction(1, 2), 0, -0.5, id="threshold"),
        pytest.param(Fraction(1, 2) + Fraction(1, 2**50), 0, -0.5, id="just above the threshold"),
        pytest.param(Fraction(3, 4), 0, -0.75, id="above the threshold"),
        pytest.param(Fraction(1), 0, -1, id="next power of two"),
    ],
)
def test_overflow_threshold(form, steps, infinite, finite):
    """From half an ulp above the largest number on, infinity is the right answer, and only there."""
    top = Fraction(2) - Fraction(2) ** (1 - form.precision)
    golden = golden_of(top + steps * Fraction(2) ** (1 - form.precision), exponent=form.emax)

    assert ulp.overflows(golden, form)[0] == (infinite == 0)
    assert ulp.error(np.array([INF]), golden, form)[0] == pytest.approx(infinite, abs=1e-12)
    assert ulp.error(np.array([largest(form)]), golden, form)[0] == pytest.approx(finite, abs=1e-12)


@pytest.mark.parametrize(("value", "beyond"), [(448, False), (464, False), (464 + 2.0**-40, True), (480, True)])
def test_overflow_without_infinities(value, beyond):
    """The largest number of float8_e4m3fn is 448, and 464, half an ulp above it, is rounded to it."""
    golden = golden_of(Fraction(value) / 256, exponent=8)

    assert ulp.overflows(golden, FORMATS["float8_e4m3fn"])[0] == beyond


def test_infinity_of_the_wrong_sign_is_far_off():
    """An infinity answers only an overflow of its own sign."""
    golden = Golden(np.array([1.0]), np.array([0.0]), np.array([200]), 0.0)

    assert ulp.error(np.array([INF]), golden, FORMATS["float32"])[0] == 0
    assert abs(ulp.error(np.array([-INF]), golden, FORMATS["float32"])[0]) > 2**24


@each_format
def test_nan_has_no_distance(form):
    """A nan answer has the distance nan."""
    distance = error(float("nan"), 1.0, 0.0, form)

    assert np.isnan(distance)


@each_format
def test_exponents_beyond_float64(form):
    """2**-5000 is zero within a hair, and 2**5000 is an infinity."""
    golden = Golden(np.array([1.0, -1.5, 1.0, -1.0]), np.zeros(4), np.array([-5000, -5000, 5000, 5000]), 0.0)

    assert ulp.error(np.array([0.0, -0.0, INF, -INF]), golden, form).tolist() == [0, 0, 0, 0]
    assert ulp.binade(golden).tolist() == [-5000, -5000, 5000, 5000]
    assert ulp.overflows(golden, form).tolist() == [False, False, True, True]


@each_format
def test_scaling_reaches_every_exponent(form):
    """The power of two is applied without an intermediate overflow or underflow."""
    exponents = np.array([form.emin - form.precision + 1, form.emax, 0])

    assert ulp.scale(ulp.scale(np.ones(3), exponents), -exponents).tolist() == [1, 1, 1]
    assert ulp.scale(np.array([1.0, 1.0]), np.array([-(2**30), 2**30])).tolist() == [0, INF]


def test_scaling_rounds_once():
    """A product that is a subnormal float64 is rounded from the exact one, and one beyond float64 is an infinity."""
    rng = np.random.default_rng(2)
    values = np.ldexp(1 + rng.random(2000), rng.integers(-1074, 1023, 2000))
    exponents = rng.integers(-1080, 1080, 2000) - np.frexp(values)[1]
    values[::2] = np.ldexp(1 + rng.random(1000), rng.integers(-1040, -1000, 1000))
    exponents[::2] = rng.integers(-60, 0, 1000)

    def exactly(value, exponent):
        try:
            return float(Fraction(value) * Fraction(2) ** exponent)
        except OverflowError:
            return INF

    expected = [exactly(value, exponent) for value, exponent in zip(values.tolist(), exponents.tolist(), strict=True)]

    assert ulp.scale(values, exponents).tolist() == expected


def random_goldens(rng, form, count):
    """Draw exact values, many of them at the edges of binades and at ties, with answers a few steps away."""
    exponent = rng.integers(max(form.emin - form.precision - 2, -480), min(form.emax, 480), count)
    exponent[::5] = max(form.emin, -480)
    hi = rng.choice([1.0, 1.0, 1.5, 1 + 2.0**-52, 2 - 2.0**-52, 0.0], count)
    hi = np.where(hi == 0, 1 + rng.random(count), hi) * rng.choice([-1, 1], count)
    hi = np.ldexp(hi, exponent)
    tails = [0.0, 0.0, 2.0**-55, -(2.0**-55), 2.0**-60, -(2.0**-100), 2.0**-400, -(2.0**-400)]
    lo = np.abs(hi) * rng.choice(tails, count)
    return Golden(hi, lo, None, 0.0)


@each_format
def test_random_values_agree_with_fractions(form):
    """Every distance equals exact rational arithmetic, to float64's own accuracy."""
    rng = np.random.default_rng(1)
    golden = random_goldens(rng, form, 1500)
    exact = [fraction(golden, i) for i in range(1500)]
    units = [ulp_of(y, form) for y in exact]
    near = np.array([float(round(y / unit) * unit) for y, unit in zip(exact, units, strict=True)])
    got = near + rng.integers(-3, 4, 1500) * np.array([float(unit) for unit in units])

    expected = [float((Fraction(a) - y) / unit) for a, y, unit in zip(got.tolist(), exact, units, strict=True)]

    assert np.abs(ulp.error(got, golden, form) - expected).max() < 1e-14
