"""Errors of cells: by numpy, by the compiled loop and by the definitions they are the same."""

import numpy as np
import pytest

from harness import jit
from harness.model import FORMATS, Golden
from harness.scoring import cells, swept
from harness.scoring.ulp import Truth

FORM = FORMATS["float32"]


def truth(values, radius=2.0**-50, *, below=False):
    """Return exact values."""
    values = np.asarray(values, np.float64)
    return Truth(np.zeros_like(values), values, np.full(values.shape, radius), np.full(values.shape, below))


def test_sums_are_those_of_hand():
    """Errors of 0, 1/4, 3/4 and -3 ulps of numbers in [1, 2)."""
    got = np.array([1.5, 1.5, 1.25, 1.75], np.float32)
    exact = truth(got - np.array([0, 0.25, 0.75, -3]) * 2.0**-23)

    sums, left = cells.measure(got, exact, FORM)

    assert not len(left)
    assert sums.elements == 4
    assert sums.bins == (2, 1, 0, 1, 0, 0, 0, 0)
    assert (sums.worst, sums.place, sums.low, sums.high) == (-3.0, 3, -3.0, 0.75)
    assert (sums.size * swept.FINE, sums.lean * swept.FINE) == (4.0, -2.0)


@pytest.mark.parametrize(
    ("got", "exact", "radius"),
    [
        (0.0, 1e-3, 2.0**-50),
        (-1.0, 1.0, 2.0**-50),
        (np.inf, 1.5, 2.0**-50),
        (np.nan, 1.5, 2.0**-50),
        (1.5, 1.5 + 2.0**-24, 2.0**-50),
        (1.5, 1.5, 2.0**-20),
        (1.5, 1.5, np.inf),
    ],
    ids=["lost", "sign", "inf", "nan", "midpoint", "vague", "no radius"],
)
def test_what_is_not_plain_and_certain_is_left(got, exact, radius):
    """A flushed, infinite or nan answer, one near a midpoint and a vague exact value are left to the definitions."""
    sums, left = cells.measure(np.array([1.0, got], np.float32), truth([1.0, exact], np.array([0, radius])), FORM)

    assert left.tolist() == [1]
    assert sums.elements == 1


def test_binade_below_a_power_of_two():
    """Just below 1 an ulp is half of what it is at 1."""
    got = np.array([1 - 2.0**-24], np.float32)

    assert cells.apart(got, truth([1.0]), FORM)[0] == [-0.5]
    assert cells.apart(got, truth([1.0], below=True), FORM)[0] == [-1.0]


def test_compiled_loop_gives_the_same(monkeypatch):
    """The loop's sums and what it leaves are numpy's, for errors of all sizes and what is no number."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(3)
    values = np.ldexp(rng.uniform(1, 2, 5000), rng.integers(-160, 120, 5000)) * rng.choice([-1, 1], 5000)
    got = (values * (1 + rng.choice([0, 1e-7, 1e-5, 1.0], 5000) * rng.standard_normal(5000))).astype(np.float32)
    got[::97], got[::89], got[::83] = 0, np.inf, np.nan
    base = np.where(rng.random(5000) < 0.3, got.astype(np.float64), 0.0)  # beside which a part is as small as can be
    base[~np.isfinite(base) | (np.abs(values) < np.abs(base))] = 0.0
    exact = Truth(base, values - base, rng.choice([2.0**-50, 2.0**-20], 5000), rng.random(5000) < 0.5)
    expected = cells._by_numpy(got, exact, FORM)
    monkeypatch.setattr(jit, "CHOICE", "always")

    for _ in range(2):  # the first answer is numpy's
        sums, left = cells.measure(got, exact, FORM)

    assert "measure" in cells.LOOPS.believed
    assert sums == expected[0]
    assert left.tolist() == expected[1].tolist()
    assert 50 < len(left) < 4000


def test_order_changes_nothing():
    """Two halves added in either order are the whole."""
    rng = np.random.default_rng(4)
    ulps = rng.standard_normal(1000) * 1e3
    first, second = cells.some(ulps[:300], np.arange(300)), cells.some(ulps[300:], np.arange(300, 1000))

    assert first.plus(second) == second.plus(first) == cells.some(ulps, np.arange(1000))
    assert first.plus(cells.NONE) == first


def test_line_is_summed_by_cell_with_its_regions():
    """A whole line has a digest a row, and the ends of what is no plain distance."""
    exact = np.linspace(1, 2, 8 * 1024).reshape(8, 1024)
    got = exact.astype(np.float32)
    got[2, 1000:], got[3, :10] = 0, 0
    got[7, 5] = np.nan

    found = cells.whole(got, Golden(exact, np.zeros_like(exact), None, 0.0), FORM, np.zeros_like(exact))

    assert found.rows == len(set(found.digests)) == 8
    assert found.elements == exact.size
    regions = [(one.verdict, one.first, one.last) for one in found.regions]
    assert regions == [("zero_for_nonzero", 3048, 3081), ("nan", 7173, 7173)]
    assert found.places[found.furthest] == 7173
