"""Correct rounding, against exact fractions, against numpy's casts where those round once, and by hand."""

import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from harness.model import FORMATS, Golden
from reference import rounding
from tests.made.exactly import fraction, golden_of, rounded

each_format = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
INFINITE = {name: form for name, form in FORMATS.items() if form.infinite}
each_infinite_format = pytest.mark.parametrize("form", INFINITE.values(), ids=INFINITE)


def nearest(value, form, exponent=None):
    """Round one Fraction."""
    return rounding.nearest(golden_of(Fraction(value), exponent=exponent), form)[0]


@each_format
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(Fraction(1, 2), 0, id="tie to even, down"),
        pytest.param(Fraction(3, 2), 2, id="tie to even, up"),
        pytest.param(Fraction(1, 2) + Fraction(1, 2**40), 1, id="above a tie"),
        pytest.param(Fraction(1, 2) - Fraction(1, 2**40), 0, id="below a tie"),
        pytest.param(Fraction(3, 2) - Fraction(1, 2**40), 1, id="below the next tie"),
        pytest.param(Fraction(-1, 4), 0, id="tie below a power of two"),
        pytest.param(Fraction(-1, 4) - Fraction(1, 2**40), Fraction(-1, 2), id="beyond that tie"),
    ],
)
@pytest.mark.parametrize("sign", [1, -1], ids=["plus", "minus"])
def test_ties_go_to_even_and_tails_decide(form, steps, expected, sign):
    """Around 1 every tie goes to even, and the smallest tail on either side of it decides."""
    step = Fraction(2) ** (1 - form.precision)

    assert nearest(sign * (1 + steps * step), form) == float(sign * (1 + expected * step))


@each_format
def test_tie_is_decided_by_a_tail_far_below(form):
    """A tail 400 bits down still moves a value off its tie."""
    tie = 1 + 2.0**-form.precision if form.precision < 53 else 1.0
    golden = Golden(np.array([tie] * 3), np.array([0.0, 2.0**-400, -(2.0**-400)]), None, 0.0)
    up = 1 + 2.0 ** (1 - form.precision)

    assert rounding.nearest(golden, form).tolist() == ([1.0, up, 1.0] if form.precision < 53 else [1.0] * 3)


@each_format
@pytest.mark.parametrize("exponent", [None, -900], ids=["plain", "with exponents"])
def test_one_value_is_rounded_as_all_are(form, exponent):
    """One of many exact values is the same number by itself; so is the only one of a mean, whose shape is ()."""
    hi = np.random.default_rng(3).standard_normal((4, 5)) * 2.0 ** np.arange(-10, 10).reshape(4, 5)
    golden = Golden(hi, hi * 2.0**-55, exponent and np.full(hi.shape, exponent), 0.0)
    alone = Golden(*(part if part is None else part[2, 3] for part in (golden.hi, golden.lo, golden.exponent)), 0.0)

    found = [[rounding.nearest_at(golden, form, (row, column)) for column in range(5)] for row in range(4)]

    assert found == rounding.nearest(golden, form).tolist()
    assert rounding.nearest_at(alone, form, ()) == found[2][3]


@each_format
def test_subnormals_round_on_their_own_spacing(form):
    """Halves of the smallest number go to even: to 0, 2 and 2 of it."""
    tiny = form.emin - form.precision + 1
    halves = [nearest(Fraction(k, 2), form, tiny) for k in (1, 3, 5)]

    assert halves == [0.0, 2 * 2.0**tiny, 2 * 2.0**tiny]
    assert nearest(Fraction(1, 2) + Fraction(1, 2**60), form, tiny) == 2.0**tiny
    assert np.signbit(nearest(Fraction(-1, 4), form, tiny))


@pytest.mark.parametrize(("value", "rounded"), [(1.75, 448), (1.8125, 448), (1.6875, 448), (1.65625, 416)])
def test_format_without_infinities_ends_at_an_even_number(value, rounded):
    """Ties go to 448 from either side, and what lies beyond them is nan."""
    form = FORMATS["float8_e4m3fn"]

    assert nearest(Fraction(value), form, form.emax) == rounded
    assert math.isnan(nearest(Fraction(value) + Fraction(1, 8), form, form.emax)) == (value > 1.6875)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_eight_bits_round_as_ml_dtypes_does(name):
    """Of float32 numbers, whose cast rounds once: the same patterns, subnormals and zeros of either sign included."""
    form, dtype = FORMATS[name], getattr(ml_dtypes, name)
    rng = np.random.default_rng(8)
    values = (rng.choice([-1, 1], 4000) * 2.0 ** rng.uniform(form.emin - 5, form.emax, 4000)).astype(np.float32)
    golden = Golden(values.astype(np.float64), np.zeros(4000), None, 0.0)

    assert (rounding.bits(rounding.nearest(golden, form), form) == values.astype(dtype).view(np.uint8)).all()


@each_infinite_format
def test_overflow_begins_half_an_ulp_above_the_largest(form):
    """Below the threshold the largest number is nearest; on and above it, infinity."""
    step = Fraction(2) ** (1 - form.precision)
    hair = step / 2**50
    threshold = 2 - step / 2

    assert nearest(threshold - hair, form, form.emax) == float((2 - step) * Fraction(2) ** form.emax)
    assert nearest(threshold, form, form.emax) == float("inf")
    assert nearest(-threshold - hair, form, form.emax) == float("-inf")


@each_format
def test_random_values_agree_with_fractions(form):
    """Random values, ties and edges of binades round as exact rational arithmetic does."""
    rng = np.random.default_rng(2)
    exponent = rng.integers(max(form.emin - form.precision - 1, -480), min(form.emax, 480), 2000)
    mantissa = 1 + rng.integers(0, 2 ** (form.precision - 1), 2000) * 2.0 ** (1 - form.precision)
    tie = rng.choice([0.0, 0.5, 0.5, 0.25], 2000) * 2.0 ** (1 - form.precision)  # 53 bits hold no tie of float64
    hi = np.ldexp((mantissa + tie) * rng.choice([-1, 1], 2000), exponent)
    lo = np.abs(hi) * rng.choice([0.0, 0.0, 2.0**-56, -(2.0**-56), 2.0**-300, -(2.0**-300)], 2000)
    golden = Golden(hi, lo, None, 0.0)

    expected = [rounded(fraction(golden, i), form) for i in range(2000)]

    assert rounding.nearest(golden, form).tolist() == expected


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_float64_values_agree_with_numpys_casts(dtype):
    """A float64 number rounds as numpy casts it, which rounds once."""
    rng = np.random.default_rng(3)
    values = np.ldexp(1 + rng.random(20_000), rng.integers(-180, 140, 20_000)) * rng.choice([-1, 1], 20_000)
    if dtype == "float16":
        values = np.ldexp(values, -(np.frexp(values)[1] // 2))
    with np.errstate(over="ignore", under="ignore"):
        cast = values.astype(dtype).astype(np.float64)

    assert (rounding.nearest(Golden(values, np.zeros(20_000), None, 0.0), FORMATS[dtype]) == cast).all()


def test_every_midpoint_of_float16():
    """All midpoints of float16, on the tie and a hair to either side, round as they must."""
    numbers = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    below, above = numbers[:-1], numbers[1:]
    middle = (below + above) / 2
    even = np.where(np.arange(len(middle)) % 2 == 0, below, above)

    for tail, expected in ((0.0, even), (2.0**-200, above), (-(2.0**-200), below)):
        golden = Golden(middle, middle * tail, None, 0.0)
        assert (rounding.nearest(golden, FORMATS["float16"]) == expected).all()


def test_value_that_casts_round_twice():
    """1 + 2**-8 + 2**-40 lies above a bfloat16 tie; the way through float32 forgets it, the reference does not."""
    value = 1 + 2.0**-8 + 2.0**-40

    assert float(np.float64(value).astype(np.float32).astype(ml_dtypes.bfloat16)) == 1
    assert nearest(value, FORMATS["bfloat16"]) == 1 + 2.0**-7


@pytest.mark.parametrize(
    ("hi", "lo", "radius", "expected"),
    [
        pytest.param(1 + 2.0**-24 + 2.0**-50, 0.0, 2.0**-40, True, id="near a midpoint, coarse radius"),
        pytest.param(1 + 2.0**-24 + 2.0**-50, 0.0, 2.0**-60, False, id="near a midpoint, fine radius"),
        pytest.param(1 + 2.0**-24, 0.0, 0.0, False, id="on a midpoint, exact"),
        pytest.param(1 + 2.0**-24, 0.0, 2.0**-100, True, id="on a midpoint, not exact"),
        pytest.param(1 + 2.0**-24, 2.0**-90, 2.0**-100, False, id="tail decides"),
        pytest.param(1.0, -(2.0**-60), 2.0**-50, False, id="on a number"),
        pytest.param(1.0, -(2.0**-60), 2.0**-20, True, id="radius reaches a midpoint"),
        pytest.param(-1 - 2.0**-24, 2.0**-90, 2.0**-80, True, id="negative"),
    ],
)
def test_undecided(hi, lo, radius, expected):
    """A value is undecided where an error of the radius could carry it over a float32 midpoint."""
    golden = Golden(np.array([hi]), np.array([lo]), None, radius)

    assert rounding.undecided(golden, [FORMATS["float32"]], np.array([radius]))[0, 0] == expected


@pytest.mark.parametrize(
    ("value", "dtype", "pattern"),
    [
        pytest.param(1.0, "float16", 0x3C00, id="float16-one"),
        pytest.param(-(2.0**-24), "float16", 0x8001, id="float16-smallest"),
        pytest.param(1.0, "bfloat16", 0x3F80, id="bfloat16-one"),
        pytest.param(2.0**-133, "bfloat16", 0x0001, id="bfloat16-smallest"),
        pytest.param(float("-inf"), "bfloat16", 0xFF80, id="bfloat16-infinity"),
        pytest.param(-2.0, "float32", 0xC0000000, id="float32-minus-two"),
        pytest.param(-0.0, "float32", 0x80000000, id="float32-minus-zero"),
        pytest.param(2.0**-1074, "float64", 1, id="float64-smallest"),
    ],
)
def test_bit_patterns(value, dtype, pattern):
    """Numbers of a format have the bit patterns of IEEE 754."""
    assert rounding.bits(np.array([value]), FORMATS[dtype])[0] == pattern


@each_format
@pytest.mark.parametrize("exponent", [0, -14, -127, -149, -1021, -1060, -1074, 900])
def test_whatever_is_near_a_midpoint_is_looked_at(form, exponent):
    """No value that Ziv's test leaves open at an error of 2**-60 is passed over: midpoints, and a hair beside them."""
    rng = np.random.default_rng(abs(exponent))
    steps = 2.0 ** -rng.integers(0, form.precision + 1, 4000)  # midpoints of as many bits, subnormal ones of fewer
    middles = np.concatenate([1 + np.floor(rng.random(4000) / steps) * steps, rng.uniform(1, 2, 2000), [0.0]])
    ulp = 2.0**-52
    hi = np.concatenate([middles, -middles, middles + ulp, middles - ulp / 2])
    lo = rng.choice([0, 1, -1], hi.size) * ulp / 2 * rng.choice([0, 0.5, 1, 1 - 2.0**-9, 2.0**-30, 2.0**-400], hi.size)
    golden = Golden(hi, lo, np.full(hi.size, exponent), 0.0)
    (left,) = rounding.undecided(golden, [form], np.full(hi.size, 2.0**-60))

    assert left.any() == (form.emin - form.precision <= exponent <= form.emax)
    assert set(np.flatnonzero(left).tolist()) <= set(rounding.near_midpoints(golden).tolist())


def test_most_values_are_passed_over():
    """Values of no special bits are near no midpoint."""
    rng = np.random.default_rng(0)
    hi = rng.uniform(1, 2, 1000)
    found = rounding.near_midpoints(Golden(hi, rng.uniform(-0.4, 0.4, 1000) * 2.0**-52, None, 0.0))

    assert len(found) == 0
