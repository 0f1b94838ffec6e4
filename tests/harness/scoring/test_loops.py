"""The compiled stream past a ruler gives the figures of numpy's, to the last bit, and leaves what numpy judges."""

from dataclasses import replace

import numpy as np
import pytest

from harness import jit
from harness.model import DTYPES, FORMATS, Golden
from harness.scoring import metrics, ruler
from reference import bounds
from reference.fast import answers
from suites.questions import cases
from tests.made.questions import EVERY, families_of, small
from tests.made.textbook import DTYPES as NUMPY

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Let a few elements be many chunks, the last of them not full, whose blocks are looked at one by one."""
    monkeypatch.setattr(ruler, "CHUNK", 2 * ruler.BLOCK)
    monkeypatch.setattr(metrics, "FEW", 0)


@pytest.fixture
def same(monkeypatch):
    """Return a comparison of both tiers' figures."""

    def compare(truth, got):
        figures = []
        for choice in ("never", "always"):
            monkeypatch.setattr(jit, "CHOICE", choice)
            figures.append(repr(metrics.against(truth, got)))
        assert metrics.LOOPS.failed == ""
        assert figures[0] == figures[1]

    return compare


def spoilt(rng, right, dtype, share):
    """Move answers by some steps, and make a share of them zero, infinite, nan or of the other sign."""
    with np.errstate(all="ignore"):
        got = (right * (1 + 1e-3 * rng.standard_normal(right.shape))).astype(NUMPY[dtype])
        odd = rng.choice([0.0, -0.0, np.inf, np.nan, -1.0], right.shape)
        return np.where(rng.random(right.shape) < share, odd, got).astype(NUMPY[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_question_has_the_same_figures(same, dtype):
    """Answers to every op, quantity and family, good and bad, are measured alike."""
    rng = np.random.default_rng(1)
    for op, quantity in EVERY:
        for family in families_of(op):
            given = cases.inputs(small(op, quantity, family, dtype))
            quick = answers.answer(op, quantity, given)
            golden = Golden(quick.hi, quick.lo, quick.exponent, 0.0)
            budget = bounds.budget(op, quantity, given, golden)
            truth = ruler.make(golden, FORMATS[dtype], budget.error, budget.flushed)
            for share in (0.0, 0.2):
                same(truth, spoilt(rng, golden.hi, dtype, share))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3])
@pytest.mark.parametrize("flushing", [False, True])
def test_many_chunks_have_the_same_figures(same, monkeypatch, dtype, share, flushing):
    """Sums over chunks, the first of the worst elements and flushed ones are the same, whatever the chunks' size."""
    rng = np.random.default_rng(2)
    form, count = FORMATS[dtype], 4001
    hi = rng.choice([-1, 1], count) * 2.0 ** rng.uniform(max(form.emin - 20, -1000), 5, count)
    golden = Golden(hi, hi * 2.0**-55, None, 0.0)
    bounds = {kind: np.abs(hi) * width for kind, width in (("S", 1e-3), ("U", 1e-2))}
    got = spoilt(rng, hi, dtype, share)
    if flushing:
        got[np.abs(hi) < 2.0**form.emin] = 0
    for blocks in (1, 3, 4, 40):
        monkeypatch.setattr(ruler, "CHUNK", blocks * ruler.BLOCK)
        same(ruler.make(golden, form, bounds, np.full(count, 2.0**form.emin)), got)


@pytest.mark.parametrize("count", [*range(1, 40), 127, 128, 129, 136, 256, 257, 1000, 2048, 4096, 16_384, 9_999])
def test_sums_are_rounded_as_numpy_rounds(monkeypatch, count):
    """Distances of all sizes add up to what numpy's sum of them is."""
    monkeypatch.setattr(jit, "CHOICE", "always")
    monkeypatch.setattr(ruler, "CHUNK", 1 << 14)
    rng = np.random.default_rng(count)
    numbers = rng.standard_normal(count) * 10.0 ** rng.integers(-9, 9, count)
    ones = np.ones(count)
    truth = ruler.make(Golden(ones, 0 * ones, None, 0.0), FORMATS["float32"], {"S": ones}, ones)
    truth = replace(truth, lo=-numbers, least=np.full(truth.least.shape, np.inf))

    found = metrics._measured(truth, ones.astype(np.float32), metrics.LOOPS.get(1))

    assert (found.ulp_sum, found.size_sum) == (numbers.sum(), np.abs(numbers).sum())


@pytest.mark.parametrize("count", [1, 128])
def test_a_ratio_is_larger_from_one_float64_on(monkeypatch, count):
    """Whether a ratio is larger than one that is known is told to the last bit, however its quotient was rounded."""
    monkeypatch.setattr(jit, "CHOICE", "always")
    loops, rng = metrics.LOOPS.get(1), np.random.default_rng(4)
    for size, width in rng.uniform(0.5, 9, (500, 2)):
        ulps, widths, ratio = np.zeros(count), np.full((2, count), 9.0), size / width
        ulps[-1], widths[1] = -size, width
        known = (np.nextafter(ratio, 0), ratio, np.nextafter(ratio, np.inf))
        assert [loops._larger(ulps, widths, 1, 0, one) for one in known] == [True, False, False]


def test_a_wrong_stream_is_not_believed(same, monkeypatch):
    """A stream whose mean is an ulp off is given up, and numpy's figures are returned."""
    golden = Golden(np.ones(50), np.zeros(50), None, 0.0)
    truth = ruler.make(golden, FORMATS["float32"], {"S": np.ones(50)}, np.zeros(50))
    got = np.full(50, 1 + 2.0**-20, np.float32)
    same(truth, got)
    loops, honest = metrics.LOOPS.get(1), metrics.LOOPS.get(1).stream

    def off(*arguments):
        left = honest(*arguments)
        arguments[-1][0] = np.nextafter(arguments[-1][0], 0)
        return left

    monkeypatch.setattr(loops, "stream", off)
    monkeypatch.setattr(metrics.LOOPS, "believed", set())
    monkeypatch.setattr(metrics.LOOPS, "failed", "")

    assert metrics.against(truth, got).mean_ulp == 8.0
    assert metrics.LOOPS.failed.endswith("stream is not what numpy answers")
