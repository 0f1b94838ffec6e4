"""Double-double arithmetic against mpmath at 400 bits (more where it cancels): no error beyond its stated bound."""

import mpmath
import numpy as np
import pytest

from reference.fast import doubledouble as dd
from reference.fast import words

COUNT = 1500


@pytest.fixture(autouse=True)
def many_bits():
    """Give mpmath bits to spare, for e**-1e9 and for sums that cancel."""
    with mpmath.workprec(2500):
        yield


def pairs(rng, hi):
    """Make pairs of random numbers: tails of all sizes up to half an ulp, and none."""
    tail = hi * 2.0**-53 * rng.uniform(-1, 1, len(hi)) * 2.0 ** -rng.integers(0, 60, len(hi))
    return words.fast_two_sum(hi, np.where(rng.random(len(hi)) < 0.2, 0.0, tail))


def exactly(pair):
    """Return the values of a pair of arrays."""
    return [mpmath.mpf(hi) + mpmath.mpf(lo) for hi, lo in zip(pair[0].tolist(), pair[1].tolist(), strict=True)]


def worst(got, expected, bound):
    """Return the largest |got / expected - 1| in units of the bound; 0 where both are 0."""
    bounds = np.broadcast_to(bound, len(expected)).tolist()
    off = [abs(g - e) / (abs(e) * b) for g, e, b in zip(got, expected, bounds, strict=True) if g != e]
    return float(max(off, default=0.0))


@pytest.fixture
def operands():
    """Make operands of many sizes and both signs, some nearly opposite."""
    rng = np.random.default_rng(1)
    a = pairs(rng, rng.standard_normal(COUNT) * 2.0 ** rng.integers(-60, 60, COUNT))
    b = pairs(rng, rng.standard_normal(COUNT) * 2.0 ** rng.integers(-60, 60, COUNT))
    near = rng.random(COUNT) < 0.3
    opposite = pairs(rng, -a[0] * (1 + 2.0 ** -rng.integers(1, 52, COUNT)))
    return a, (np.where(near, opposite[0], b[0]), np.where(near, opposite[1], b[1]))


def test_transforms_are_exact(operands):
    """two_sum and two_prod lose nothing."""
    (a, _), (b, _) = operands

    assert exactly(dd.two_sum(a, b)) == [mpmath.mpf(x) + mpmath.mpf(y) for x, y in zip(a, b, strict=True)]
    assert exactly(words.two_prod(a, b)) == [mpmath.mpf(x) * mpmath.mpf(y) for x, y in zip(a, b, strict=True)]


@pytest.mark.parametrize(
    ("function", "truth", "bound"),
    [
        (dd.add, lambda x, y: x + y, words.ADD),
        (dd.multiply, lambda x, y: x * y, words.MULTIPLY),
        (dd.divide, lambda x, y: x / y, words.DIVIDE),
    ],
    ids=["add", "multiply", "divide"],
)
def test_operations_keep_their_bounds(operands, function, truth, bound):
    """Sums, however much cancels, products and quotients of pairs stay within what is charged for them."""
    a, b = operands
    expected = [truth(x, y) for x, y in zip(exactly(a), exactly(b), strict=True)]

    assert worst(exactly(function(a, b)), expected, bound) <= 1


def test_products_with_a_float_keep_their_bound(operands):
    """A pair times a float64 stays within TIMES and is exact by a power of two."""
    a, (b, _) = operands
    expected = [x * y for x, y in zip(exactly(a), b.tolist(), strict=True)]

    assert worst(exactly(dd.times(a, b)), expected, words.TIMES) <= 1
    assert exactly(dd.times(a, np.full(COUNT, -0.25))) == [x / -4 for x in exactly(a)]


def test_sums_of_one_sign_keep_their_bound(operands):
    """The quicker sum is good to ADD where nothing cancels."""
    a, b = ((np.abs(hi), np.copysign(1.0, hi) * lo) for hi, lo in operands)
    expected = [x + y for x, y in zip(exactly(a), exactly(b), strict=True)]

    assert worst(exactly(dd.add_same_sign(a, b)), expected, words.ADD) <= 1


def test_a_sum_knows_what_it_lost(operands):
    """The bound of add_bounded holds for every element, and is 0 for exact sums."""
    a, b = operands
    pair, bound = dd.add_bounded(a, b)
    off = [abs(g - x - y) for g, x, y in zip(exactly(pair), exactly(a), exactly(b), strict=True)]

    assert all(error <= most for error, most in zip(off, bound.tolist(), strict=True))
    assert not dd.add_bounded((a[0], 0 * a[0]), (b[0], 0 * b[0]))[1].any()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("count", [1, 2, 7, 64, 1000, 9000])
def test_totals_keep_their_bounds(count, axis):
    """Long sums of either kind are within their bounds, whatever the sizes, and exact where the numbers are short."""
    rng = np.random.default_rng(count)
    hi = rng.standard_normal((3, count)) * 2.0 ** -rng.integers(0, 300, (3, count))
    pair = tuple(part.reshape(3, count) for part in pairs(rng, hi.ravel()))
    positive = (np.abs(pair[0]), np.copysign(1.0, pair[0]) * pair[1])
    turned = [tuple(part.T.copy() if axis == 0 else part for part in both) for both in (pair, positive)]
    sums, bound = dd.total(turned[0], axis)
    quick = dd.total_positive(turned[1], axis)

    for row in range(3):
        expected = mpmath.fsum(exactly(tuple(part[row] for part in pair)))
        got = exactly(tuple(part.ravel()[row : row + 1] for part in sums))[0]
        assert abs(got - expected) <= bound.ravel()[row]
        expected = mpmath.fsum(exactly(tuple(part[row] for part in positive)))
        got = exactly(tuple(part.ravel()[row : row + 1] for part in quick))[0]
        assert abs(got / expected - 1) <= dd.total_positive_bound(count)
    short = rng.integers(-64, 65, (1, count)) / 256
    assert dd.total((short, 0 * short), 1)[1] == 0
    assert dd.total((short, 0 * short), 1)[0][0] == short.sum()


ARGUMENTS = {
    "below the table": lambda rng: rng.uniform(0, 2.0**-15, COUNT),
    "at the table's edges": lambda rng: (
        np.log(2) / words.STEPS * (rng.integers(0, 1 << 20, COUNT) + 0.5) * (1 + rng.uniform(-1, 1, COUNT) * 2.0**-48)
    ),
    "to 1": lambda rng: rng.uniform(0, 1, COUNT),
    "to 40": lambda rng: rng.uniform(0, 40, COUNT),
    "to 1400": lambda rng: rng.uniform(0, 1400, COUNT),
    "reduced twice": lambda rng: 10.0 ** rng.uniform(np.log10(1400), np.log10(words.DEEPEST), COUNT),
    "tiny": lambda rng: 10.0 ** rng.uniform(-320, 0, COUNT),
}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("tails", [False, True], ids=["float64", "pairs"])
def test_exp_keeps_its_bound(name, tails):
    """e**-d is within exp_radius from d = 0 down to 2**-1e9."""
    rng = np.random.default_rng(len(name))
    hi = ARGUMENTS[name](rng)
    d = pairs(rng, hi) if tails else (hi, np.zeros(COUNT))
    got, q = dd.exp_minus(d)
    with mpmath.workprec(300):
        expected = [mpmath.exp(-x) for x in exactly(d)]
        scaled = [mpmath.ldexp(x, -int(n)) for x, n in zip(exactly(got), q, strict=True)]

        assert worst(scaled, expected, words.exp_radius(d[0])) <= 0.5
        assert got[0].max() <= 1
        assert got[0].min() > 0.499


@pytest.mark.parametrize("name", ["tiny", "at the table's edge", "to 1", "to 1e6", "to the limit"])
def test_log_keeps_its_bound(name):
    """log(1 + a) is within its own radius, relative, and that is below 2**-81 from 2**-480 to 2**480."""
    rng = np.random.default_rng(len(name))
    hi = {
        "tiny": 2.0 ** rng.uniform(-480, 0, COUNT),
        "at the table's edge": 2.0 ** rng.uniform(-17, -14, COUNT),
        "to 1": rng.uniform(0, 1, COUNT),
        "to 1e6": rng.uniform(0, 1e6, COUNT),
        "to the limit": 2.0 ** rng.uniform(0, 480, COUNT),
    }[name]
    a = pairs(rng, hi)
    got, radius = dd.log1p(a)
    with mpmath.workprec(900):
        expected = [mpmath.log(1 + x) for x in exactly(a)]

        assert worst(exactly(got), expected, radius) <= 0.5
    assert radius.max() < 2.0**-81


def test_exact_points():
    """e**0 is 1 and log 1 is 0, both without a tail."""
    zero = np.zeros(1)

    assert dd.exp_minus((zero, zero))[0] == (1.0, 0.0)
    assert dd.log1p((zero, zero))[0] == (0.0, 0.0)
