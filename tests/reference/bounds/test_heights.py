"""Heights of sums: which rows are exact, where e**-d is 0, and what chance, pairs and the worst case come to."""

import itertools
import math

import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Golden, Inputs, Op
from harness.scoring import metrics
from reference import bounds
from reference.bounds import heights

FLOAT32, FLOAT64 = FORMATS["float32"], FORMATS["float64"]
CLASSES = 32_768


@pytest.mark.parametrize(("dtype", "by_hand"), [("float32", 105.36), ("float64", 746.52)])
def test_beyond_the_cut_an_exponential_is_zero(dtype, by_hand):
    """A quarter of half the smallest subnormal lies at 152 log 2 and 1077 log 2, and rounds to 0 four times over."""
    cut = heights.cut(FORMATS[dtype])

    assert cut == pytest.approx(by_hand, abs=0.01)
    assert np.exp(-np.longdouble(cut)) * 3.9 < np.longdouble(2) ** (FORMATS[dtype].emin - FORMATS[dtype].precision)
    assert np.array(4 * math.exp(-cut / 2)).astype(dtype) * np.array(math.exp(-cut / 2)).astype(dtype) == 0


def test_rows_of_ones_and_zeros_are_exact():
    """All 0, one 0 before others beyond the cut, and masked ones; not a shifted row, nor one with a logit between."""
    rows = np.array([[0, 0, 0], [0, -106, -300], [0, -np.inf, 0], [1, 1, 1], [0, -105, -300], [-200, -200, -200]])

    assert heights.exact(rows, FLOAT32)[:, 0].tolist() == [True, True, True, False, False, False]
    assert not heights.exact(rows[1:2], FLOAT64).any()


@pytest.mark.parametrize("order", ["forwards", "pairs", "blocks"])
def test_whole_sums_are_exact_in_any_order(order):
    """2**24 ones add up exactly in float32, one by one, in pairs or in blocks; one more does not."""
    ones = np.ones(2**24, np.float32)
    sums = {
        "forwards": lambda x: np.add.accumulate(x)[-1],
        "pairs": np.sum,
        "blocks": lambda x: np.add.accumulate(np.add.reduce(x.reshape(-1, 64), axis=1))[-1],
    }

    assert sums[order](ones) == 2**24
    assert np.float32(2**24) + np.float32(1) == 2**24


def test_heights_by_hand():
    """At 32 768 classes: 32 767 one by one, 23 in pairs, 5 sqrt(32 767 / 3) = 522.6 by chance, 1 in 134 000 more."""
    assert heights.worst(CLASSES) == 32_767
    assert heights.pairwise(CLASSES) == 23
    assert heights.chance(CLASSES) == pytest.approx(522.55, abs=0.01)
    assert pytest.approx(1 / 134_000, rel=0.01) == heights.FALSE_ALARM


def test_running_sums_of_chance_stay_within_chance():
    """200 running float32 sums of exponentials of normal logits reach a quarter of what is allowed, none all of it."""
    rng = np.random.default_rng(0)
    e = np.exp(rng.standard_normal((200, 4096))).astype(np.float32)
    sums = e.astype(np.float64).sum(axis=1)
    off = np.abs(np.add.accumulate(e, axis=1)[:, -1] / sums - 1) / FLOAT32.unit

    assert 0.1 < off.max() / heights.chance(4096) < 0.5


def of_exact_row(name, quantity, k, n, dtype="float32", **given):
    """Return the budgets of one row of n classes, k of them 0."""
    logits = np.full((1, n), -300.0 if dtype != "float64" else -1000.0)
    logits[0, :k] = 0
    x = logits.astype(np.float32).astype(dtype) if dtype != "bfloat16" else logits.astype(np.float32)
    upstream = np.ones(1 if name == "logsumexp" else (1, n), x.dtype)
    inputs = Inputs(x, given.get("labels"), upstream)
    shape = upstream.shape if quantity == "value" else x.shape
    blank = Golden(np.ones(shape), np.zeros(shape), None, 0.0)
    return bounds.budget(Op.of(name), quantity, inputs, blank).error


@pytest.mark.parametrize("n", [8, 262_144])
def test_width_costs_an_exact_row_nothing(n):
    """log k is bounded by 3 log k + KE, softmax, as exp(-log k), by 3 log k + 2 KE, at any n; with k = 1 by 2 KE."""
    u = FLOAT32.unit
    log = math.log(3)

    assert of_exact_row("logsumexp", "value", 3, n)["S"][0] == pytest.approx(
        (3 * log + 2 + log * 0) * u + u * 0, rel=1e-6
    )
    assert of_exact_row("softmax", "value", 3, n)["S"][0, 0] == pytest.approx((3 * log + 4) * u / 3, rel=1e-6)
    assert of_exact_row("softmax", "value", 1, n)["S"][0, 0] == pytest.approx(4 * u, rel=1e-6)


def test_an_exact_row_of_16_bits_is_held_to_its_last_digit():
    """With k = 1 class N has nothing left to round; beyond 2048 ones of float16 a sum in pairs is allowed for."""
    one = of_exact_row("softmax", "value", 1, 4096, "float16")["N"][0, 0]
    many, more = (of_exact_row("logsumexp", "value", k, 8192, "float16")["N"][0] for k in (2048, 2049))

    assert one <= 2.0**-22
    assert many == pytest.approx(3 * math.log(2048) * 2.0**-11, rel=1e-3)
    assert more - many == pytest.approx((8 + 13 + 1) * 2.0**-11, rel=0.1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_heights_are_told_apart_on_long_rows_alone(dtype):
    """From 2048 classes on P and C stand beside S, tighter in this order."""
    logits = np.random.default_rng(0).standard_normal((2, 2048)).astype(np.float32)
    x = logits if dtype == "bfloat16" else logits.astype(dtype)
    for n, told in ((2047, False), (2048, True)):
        golden = Golden(np.ones(2), np.zeros(2), None, 0.0)
        error = bounds.budget(Op.of("logsumexp"), "value", Inputs(x[:, :n], None, np.ones(2)), golden).error
        assert ({"P", "C"} <= error.keys()) is told
    assert (error["P"] < error["C"]).all()
    assert (error["C"] < error["S"]).all()


def powers_of_two(d):
    """Return e**-d in float32 as hardware takes it: the product and the constant rounded."""
    return np.exp2(-(d * np.float32(1.44269504)).astype(np.float64)).astype(np.float32)


def test_exponentials_by_powers_of_two_reach_their_class():
    """Over gaps up to 87 the rounded product and constant reach 0.6 of class E's slope, and no more than it."""
    d = np.random.default_rng(1).uniform(0, 87, 100_000).astype(np.float32)
    off = np.abs(powers_of_two(d) / np.exp(-d.astype(np.float64)) - 1) / FLOAT32.unit
    how = bounds.POWERS["float32"]

    assert 0.6 < (off / how.exp(d.astype(np.float64))).max() <= 1
    assert how.slope == pytest.approx(
        1 + abs(float(np.float32(1.4426950408889634)) / 1.4426950408889634 - 1) / 2.0**-24, abs=1e-3
    )


@pytest.mark.parametrize("name", ["softmax", "sigmoid"])
def test_powers_of_two_are_class_e(name):
    """A softmax and a sigmoid made of such exponentials exceed class S and meet E."""
    op = Op.of(name)
    x = np.linspace(-87, 0, 20_000, dtype=np.float32)
    e = powers_of_two(-x)
    logits = np.stack([np.zeros_like(x), x], axis=1) if name == "softmax" else x[None]
    got = np.stack([1 / (1 + e), e / (1 + e)], axis=1) if name == "softmax" else (e / (1 + e))[None]
    wide = np.exp(x.astype(np.float64))
    exact = wide / (1 + wide)
    hi = np.stack([1 / (1 + wide), exact], axis=1) if name == "softmax" else exact[None]
    golden = Golden(hi, np.zeros_like(hi), None, 2.0**-50)
    budget = bounds.budget(op, "value", Inputs(logits, None, np.ones_like(logits)), golden)
    distance = metrics.measure(got, golden, FLOAT32, budget.error, budget.flushed)

    assert distance.budget_class == "E"
    assert distance.over_bound["S"] > (5 if name == "sigmoid" else 1)


def test_a_sum_that_loses_its_tail_meets_the_worst_case_alone():
    """One 0 before 32 767 terms that are each lost when added to it: no chance, and no less than the worst case."""
    x = np.full((1, CLASSES), np.float32(-(24 * math.log(2) + 0.4)))
    x[0, 0] = 0
    exact = math.log1p((CLASSES - 1) * math.exp(float(x[0, 1])))
    golden = Golden(np.array([exact]), np.zeros(1), None, 2.0**-50)
    budget = bounds.budget(Op.of("logsumexp"), "value", Inputs(x, None, np.ones(1)), golden)
    distance = metrics.measure(np.zeros(1, np.float32), golden, FLOAT32, budget.error, budget.flushed)

    assert distance.budget_class == "S"
    assert distance.over_bound["C"] > 10


@pytest.mark.parametrize(("k", "n"), list(itertools.product([1, 2, 3], [7, 1024])))
def test_equal_classes_put_together_have_the_same_budgets(k, n):
    """A row by groups has the budgets of the row by classes."""
    x = np.full((1, n), -300.0)
    x[0, :k] = 0
    apart = of_exact_row("softmax", "value", k, n)
    both = np.array([[0.0, -300.0]])
    groups = bounds.Groups(both, 0 * both, np.ones((1, 1)), np.array([[k, n - k]]), n)
    golden = Golden(np.ones((1, 2)), np.zeros((1, 2)), None, 0.0)
    together = bounds.grouped(Op.of("softmax"), "value", groups, FLOAT32, golden).error

    for kind, error in apart.items():
        if kind in together:
            assert np.allclose(together[kind][0], [error[0, 0], error[0, -1]], rtol=1e-12, atol=0)
