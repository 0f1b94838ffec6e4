"""The stream past a ruler gives, bit for bit, what the definitions give; and it is what nearly all elements take."""

from dataclasses import replace

import numpy as np
import pytest

from harness import jit
from harness.model import DTYPES, FORMATS, Golden
from harness.scoring import metrics, ruler, ulp
from reference import rounding
from tests.made import textbook

NAN, INF = float("nan"), float("inf")
COUNT = 1500
each_format = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
# Of 3 or 4 bits, numbers of a few ulps lie too near 0 to be regular.
each_wide_format = pytest.mark.parametrize("form", [FORMATS[name] for name in DTYPES], ids=DTYPES)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Let a few elements be many chunks, the last of them not full, whose blocks are looked at one by one."""
    monkeypatch.setattr(ruler, "CHUNK", 2 * ruler.BLOCK)
    monkeypatch.setattr(metrics, "FEW", 0)


@pytest.fixture
def judged(monkeypatch):
    """Return a list that collects how many elements are asked about by the definitions, a chunk at a time."""
    counts = []

    def spy(tally, truth, got, where, judge=metrics._judge):
        counts.append(len(got))
        return judge(tally, truth, got, where)

    monkeypatch.setattr(metrics, "_judge", spy)
    return counts


def plain(rng, form):  # noqa: ARG001 - drawn with the same arguments as the others
    """Draw exact values well inside a format, none of them special."""
    hi = rng.choice([-1, 1], COUNT) * np.ldexp(1 + rng.random(COUNT), rng.integers(-9, 9, COUNT))
    return Golden(hi, hi * 2.0**-55 * rng.random(COUNT), None, 0.0)


def edges(rng, form):
    """Draw exact values at the edges: zeros, powers of two and what lies just below, subnormals, overflow."""
    highest = min(form.emax, 1022)  # the largest numbers of float64 are left to `far`
    tails = [0.0, 2.0**-55, -(2.0**-55), 2.0**-60, -(2.0**-100), -(2.0**-400)]
    threshold = 2 - 2.0**-form.precision
    hi = rng.choice([0.0, 1.0, 1.0, 1.5, 2 - 2.0**-52, threshold], COUNT) * rng.choice([-1, 1], COUNT)
    lowest = max(form.emin - form.precision - 4, -1022)
    exponent = rng.integers(lowest, highest + 1, COUNT)
    exponent[::3] = highest
    exponent[1::3] = rng.integers(lowest, max(form.emin, -1000) + 3, len(exponent[1::3]))
    return Golden(np.ldexp(hi, exponent), np.ldexp(hi * rng.choice(tails, COUNT), exponent), None, 0.0)


def far(rng, form):
    """Draw exact values with exponents of their own, many beyond float64."""
    inside = plain(rng, form)
    exponents = [0, 0, form.emin, form.emax, form.emin - form.precision, 5000, -5000, -(2**30)]
    return replace(inside, exponent=rng.choice(exponents, COUNT))


def answers(rng, golden, form, wild):
    """Answer correctly, or a few steps off, or with a share of answers that are no plain distance."""
    with np.errstate(all="ignore"):
        near = rounding.nearest(golden, form)
        off = near * (1 + form.unit * rng.integers(-8, 9, COUNT) * (rng.random(COUNT) < 0.5))
        smallest = np.ldexp(1.0, form.emin - form.precision + 1)
        odd = rng.choice([NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 5e4, smallest, -smallest], COUNT)
        off = np.where(rng.random(COUNT) < wild, np.where(rng.random(COUNT) < 0.3, -near, odd), off)
        return off.astype(textbook.DTYPES[form.name])


def usual(golden, form):
    """Make a ruler with bounds of three ulps."""
    bounds = {"S": ulp.scale(3.0, ulp.ulp_exponent(golden, form))}
    return ruler.make(golden, form, bounds, np.full(golden.hi.shape, 2.0**form.emin))


def unusual(rng, golden, form, odd):
    """Make a ruler with bounds of any width, from far below an ulp, and a share of them without a quotient."""
    unit = ulp.ulp_exponent(golden, form)
    bounds = {
        kind: np.where(
            rng.random(COUNT) < odd, rng.choice([0.0, INF], COUNT), ulp.scale(1 + rng.random(COUNT), unit + power)
        )
        for kind, power in (("S", rng.integers(-30, 60, COUNT)), ("U", 3))
    }
    return ruler.make(golden, form, bounds, rng.choice([0.0, 1.0, 64.0], COUNT) * 2.0**form.emin)


def by_definition(truth):
    """Return a ruler past which nothing is regular."""
    none = {name: np.zeros_like(getattr(truth, name)) for name in ("reach", "flushes", "least")}
    return replace(truth, **none)


@each_format
@pytest.mark.parametrize("draw", [plain, edges, far])
@pytest.mark.parametrize("wild", [0.0, 0.01, 0.5])
@pytest.mark.parametrize("odd", [0.0, 0.01], ids=["bounds", "odd bounds"])
def test_stream_and_definitions_agree_bit_for_bit(form, draw, wild, odd):
    """Every figure of a Distance is the same, whether an element is regular or not."""
    rng = np.random.default_rng(7)
    golden = draw(rng, form)
    truth = unusual(rng, golden, form, odd)
    got = answers(rng, golden, form, wild)

    assert repr(metrics.against(truth, got)) == repr(metrics.against(by_definition(truth), got))


@each_wide_format
def test_distances_are_those_of_the_definition(form, judged):
    """Without one element asked about, the largest distance is that of `ulp.error`, and so are the sums."""
    rng = np.random.default_rng(8)
    golden = plain(rng, form)
    got = answers(rng, golden, form, wild=0.0)
    distance = metrics.against(usual(golden, form), got)
    ulps = ulp.error(got.astype(np.float64), golden, form)
    worst = int(np.abs(ulps).argmax())

    assert judged == []
    assert (distance.worst, distance.worst_ulp) == ((worst,), ulps[worst])
    assert distance.max_ulp == abs(ulps[worst])
    assert distance.mean_ulp == pytest.approx(np.abs(ulps).mean(), rel=1e-14)
    assert distance.bias_ulp == pytest.approx(ulps.mean(), rel=1e-12)


@each_wide_format
def test_only_what_is_not_regular_is_asked_about(form, judged):
    """A nan, an infinity, a wrong sign and a zero are asked about; their neighbours are not."""
    rng = np.random.default_rng(9)
    golden = plain(rng, form)
    got = answers(rng, golden, form, wild=0.0)
    got[[3, 270, 271, 1400]] = [NAN, INF, -got[271], 0.0]
    distance = metrics.against(usual(golden, form), got)

    assert judged == [1, 2, 1]
    assert distance.verdicts.keys() >= {"nan", "overflow", "wrong_sign", "zero_for_nonzero"}


@each_format
def test_right_answers_at_the_edges_are_regular(form, judged):
    """Zeros and subnormal numbers that are right are streamed too, unless float64 does not hold 1 / ulp."""
    rng = np.random.default_rng(10)
    golden = edges(rng, form)
    keep = np.isfinite(rounding.nearest(golden, form)) & (-ulp.ulp_exponent(golden, form) <= 1023)
    golden = ruler.chosen(golden, np.resize(np.flatnonzero(keep | (golden.hi == 0)), COUNT))
    got = rounding.nearest(golden, form).astype(textbook.DTYPES[form.name])
    distance = metrics.against(usual(golden, form), got)

    assert distance.max_ulp <= 0.5
    assert sum(judged) == 0


def test_answers_between_the_numbers_of_the_format_are_never_regular(judged):
    """A tiny float64 of the wrong sign lies within half a float32 ulp of nothing, and is found."""
    golden = Golden(np.full(3, 1e-60), np.zeros(3), None, 0.0)
    distance = metrics.measure(np.full(3, -1e-60), golden, FORMATS["float32"], {}, np.zeros(3))

    assert judged == [3]
    assert distance.verdicts == {"wrong_sign": 3}


def test_first_of_the_worst_is_pointed_at():
    """Of equal distances in several chunks the first is the worst, as in one array."""
    golden = Golden(np.ones(900), np.zeros(900), None, 0.0)
    got = np.ones(900, np.float32)
    got[[300, 301, 600]] += np.float32(2.0**-22)

    assert metrics.against(usual(golden, FORMATS["float32"]), got).worst == (300,)


@pytest.mark.parametrize("width", [1.0, 2.0**-130, 2.0**120], ids=["an ulp", "narrow", "wide"])
@pytest.mark.parametrize("power", [-45, -176, -400, -1074])
@pytest.mark.parametrize("kinds", [("P", "C"), ("C", "P")], ids="".join)
@pytest.mark.parametrize("choice", ["never", "always"])
def test_ratios_that_float32_cannot_hold(monkeypatch, width, power, kinds, choice):
    """The largest ratio is found, block after block, however small the distance or odd the bound."""
    monkeypatch.setattr(jit, "CHOICE", choice)
    lo = np.repeat(np.ldexp([20.0, 21.0, 20.0], power), ruler.CHUNK // 2)
    widths = dict(zip(kinds, (width, 2.0**60), strict=True))
    bounds = {kind: np.full(len(lo), wide * 2.0**-23) for kind, wide in widths.items()}
    truth = ruler.make(Golden(np.ones(len(lo)), lo, None, 0.0), FORMATS["float32"], bounds, lo)
    distance = metrics.against(truth, np.ones(len(lo), np.float32))

    assert distance.over_bound == {kind: np.ldexp(21.0, power + 23) / wide for kind, wide in widths.items()}


def scattered(rng, spread):
    """Make a ruler whose three classes have widths apart by some powers of two, and an answer."""
    hi = np.ldexp(1 + rng.random(COUNT), rng.integers(-9, 9, COUNT))
    hi[::7] = 0
    unit = ulp.ulp_exponent(golden := Golden(hi, hi * 2.0**-55, None, 0.0), FORMATS["float32"])
    bounds = {
        kind: np.ldexp(1 + rng.random(COUNT), unit + rng.integers(low, spread + 1, COUNT))
        for kind, low in (("U", -spread), ("P", -spread), ("C", 0))
    }
    got = (hi * (1 + 2.0**-23 * rng.integers(-8, 9, COUNT))).astype(np.float32)
    return ruler.make(golden, FORMATS["float32"], bounds, np.zeros(COUNT)), got


@pytest.mark.parametrize("spread", [0, 1, 5, 30, 120])
@pytest.mark.parametrize("choice", ["never", "always"])
def test_no_block_hides_a_larger_ratio(monkeypatch, spread, choice):
    """However unlike the classes are, the largest quotient of all elements is found, to the last bit."""
    monkeypatch.setattr(jit, "CHOICE", choice)
    for seed in range(20):
        truth, got = scattered(np.random.default_rng(seed), spread)
        size = np.abs(ulp.error(got.astype(np.float64), truth.golden, truth.form))
        width = {
            kind: ulp.scale(bound, -ulp.ulp_exponent(truth.golden, truth.form)) for kind, bound in truth.bounds.items()
        }

        assert metrics.against(truth, got).over_bound == {kind: (size / one).max() for kind, one in width.items()}
    assert not (jit.version() and metrics.LOOPS.failed)


@pytest.mark.parametrize("spread", [0, 1, 5, 30, 120])
def test_no_ratio_of_a_block_is_above_what_is_said_of_it(spread):
    """The largest distance * steep over `narrowest` is no less than any ratio, and tight where classes are alike."""
    truth, got = scattered(np.random.default_rng(12), spread)
    size = np.abs(ulp.error(got.astype(np.float64), truth.golden, truth.form))
    starts = ruler.starts(COUNT)
    steepest = np.maximum.reduceat(size.astype(np.float32) * truth.steep, starts)
    above = np.maximum(steepest, ruler.FAINT) / truth.narrowest
    ratios = np.maximum.reduceat(size / truth.widths, starts, axis=1)

    assert (above >= ratios).all()
    if spread <= 30:  # else float32 does not hold steep
        assert (above[2] <= (1 + 2.0**-18) * ratios[2]).all()  # steep is like this class


def test_ruler_of_another_shape_is_refused():
    """An answer is measured against its own golden alone."""
    truth = ruler.make(Golden(np.ones(3), np.zeros(3), None, 0.0), FORMATS["float32"], {}, np.zeros(3))

    with pytest.raises(ValueError, match=r"shape is \(4,\), expected \(3,\)"):
        metrics.against(truth, np.ones(4, np.float32))
