"""The compiled loops of the fast tier against numpy: the same bits everywhere, and what is not the same is found."""

import numpy as np
import pytest

from harness import jit
from harness.model import DTYPES, Case, Inputs, Op
from harness.ops import ASKED
from reference import tiers
from reference.fast import answers, doubledouble, passes, sums, values, words
from suites.questions import cases

pytest.importorskip("numba")


@pytest.fixture
def tier(monkeypatch):
    """Return a switch between the two tiers."""
    return lambda name: monkeypatch.setattr(jit, "CHOICE", {"numba": "always", "numpy": "never"}[name])


def same(tier, work):
    """Tell whether numpy and the loops answer with the same numbers; every nan is the same one."""
    answers._kept.clear()
    tier("numpy")
    expected = work()
    answers._kept.clear()
    tier("numba")
    got = work()
    assert passes.LOOPS.failed == ""
    return jit._same(got, expected)


def bits_of(answer):
    """Return an answer's arrays."""
    return answer.hi, answer.lo, answer.exponent, answer.radius


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", {**cases.ROW_FAMILIES, **cases.POINT_FAMILIES})
def test_every_question_has_the_same_answer(tier, family, dtype):
    """Values, tails, exponents and radii of every op and quantity are the same to the last bit."""
    for op, quantities in ASKED.items():
        for quantity in quantities:
            for shape in ((3, 150), (4, 20)):
                given = cases.inputs(Case(op, quantity, family, dtype, *shape))
                assert same(tier, lambda: bits_of(answers.answer(op, quantity, given))), (op, quantity)  # noqa: B023


@pytest.mark.parametrize("family", ["normal", "near_ties", "all_equal", "lse_near_zero", "at_zero"])
@pytest.mark.parametrize("shape", [(3, 2500), (2, 128), (600, 10), (2, 2), (1, 70)], ids=str)
def test_whole_rows_are_written_alike(tier, monkeypatch, family, shape):
    """Rows of several strips and tiles, turned or not, come out as numpy has them, and by loops that are believed."""
    monkeypatch.setattr(values, "CHUNK", 1000)
    for op in ("softmax", "log_softmax", "logsumexp"):
        given = cases.inputs(Case(Op(op), "value", family, "float64", *shape))
        for _ in range(2):  # the first answer in a process is numpy's
            assert same(tier, lambda: bits_of(answers.answer(Op(op), "value", given))), op  # noqa: B023
    turned = int(shape[1] >= sums.TURN)
    assert shape == (2, 2) or {f"{name}_{turned}" for name in ("terms", "softmax", "log_softmax")} <= (
        passes.LOOPS.believed
    )


def wild(rng, count=2000):
    """Draw float64 numbers of all sizes, with zeros, subnormals, infinities and nan."""
    drawn = rng.choice([-1.0, 1.0], count) * 2.0 ** rng.uniform(-1074, 1023, count)
    drawn[::7] = rng.standard_normal(len(drawn[::7]))
    drawn[::31] = rng.choice([0.0, -0.0, 5e-324, np.inf, -np.inf, np.nan, 2.0**1023], len(drawn[::31]))
    return drawn


ARITIES = {  # formula: p for a pair, a for an array
    "two_sum": "aa",
    "difference": "aa",
    "add": "pp",
    "add_bounded": "pp",
    "add_same_sign": "pp",
    "multiply": "pp",
    "times": "pa",
    "divide": "pp",
    "cut": "paa",
    "power_of_two": "a",
}


@pytest.mark.parametrize("name", ARITIES)
@pytest.mark.parametrize("draw", [wild, lambda rng: rng.standard_normal(2000)], ids=["wild", "normal"])
@pytest.mark.parametrize("shape", [(2000,), (40, 50), (50, 40)], ids=str)
def test_formulas_have_the_same_bits(tier, name, draw, shape):
    """Any float64 numbers, in any shape, broadcast or not, come out as numpy has them."""
    rng = np.random.default_rng(len(name))

    def drawn(kind, at):
        part = draw(rng).reshape(shape)
        part = part[:, :1] if at and len(shape) == 2 else part
        return (part, part * 2.0**-54) if kind == "p" else part

    arguments = [drawn(kind, at) for at, kind in enumerate(ARITIES[name])]
    with np.errstate(all="ignore"):
        assert same(tier, lambda: getattr(doubledouble, name)(*arguments))


@pytest.mark.parametrize("name", ["exp_near", "exp_steps", "log1p"])
def test_exponentials_and_logarithms_have_the_same_bits(tier, name):
    """Arguments from 0 to the end of the range, tiny ones too, come out as numpy has them."""
    rng = np.random.default_rng(3)
    ends = {"exp_near": 332.0, "exp_steps": 1400.0, "log1p": 2.0**480}
    hi = np.concatenate([[0.0], rng.uniform(0, 2, 3000), ends[name] * 2.0 ** -rng.uniform(0, 900, 3000)])

    assert same(tier, lambda: getattr(doubledouble, name)((hi, hi * 2.0**-55)))


def test_strips_change_nothing(tier, monkeypatch):
    """numpy in strips, along either axis, gives the bits of numpy at once."""
    tier("numpy")
    rng = np.random.default_rng(4)
    for shape in ((300, 20), (3, 2000), (6000,)):
        a, b = (tuple(rng.standard_normal((2, *shape))) for _ in range(2))
        whole = words.add_bounded(a, b)
        monkeypatch.setattr(passes, "STRIP", 1000)
        strips = doubledouble.add_bounded(a, b)

        assert all(map(np.array_equal, passes.flat(strips), passes.flat(whole)))


def test_machine_code_fuses_nothing(tier, monkeypatch):
    """No product and sum are one operation: the proofs round each by itself."""
    tier("numba")
    loops = passes.LOOPS.get(1)
    monkeypatch.setattr(jit, "_keep", False)  # kept code cannot be read
    products = jit.loop(loops._products.py_func)
    pair = (np.ones(64), np.zeros(64))
    products(pair, pair, np.empty(64), np.empty(64))
    (code,) = products.inspect_asm().values()

    assert "mul" in code
    assert not any(word in code for word in ("fmadd", "fmsub", "fnmadd", "fnmsub", "fmla", "fmls"))


def test_a_contraction_is_not_believed(tier, monkeypatch):
    """A loop whose product was fused, and whose tail is another, is given up at once for numpy."""
    tier("numba")
    given = Inputs(np.random.default_rng(5).standard_normal((40, 200)), None, np.ones((40, 200)))
    right = answers.answer(Op("softmax"), "value", given)
    loops, honest = passes.LOOPS.get(1), passes.LOOPS.get(1).softmax_1
    monkeypatch.setattr(passes.LOOPS, "believed", passes.LOOPS.believed - {"softmax_1"})
    monkeypatch.setattr(passes.LOOPS, "failed", "")

    def contracted(*given):
        done = honest(*given)
        given[-1][1][...] = np.nextafter(given[-1][1], 1)
        return done

    monkeypatch.setattr(loops, "softmax_1", contracted)

    assert (answers.answer(Op("softmax"), "value", given).lo == right.lo).all()
    assert passes.LOOPS.failed.endswith("softmax_1 is not what numpy answers")


def test_a_loop_that_goes_wrong_later_is_found_by_the_audit(tier, monkeypatch):
    """An exponential that is an ulp off, after it has been believed, contradicts the arbiter."""
    tier("numba")
    rng = np.random.default_rng(6)
    believed, given = (Inputs(rng.standard_normal((4, 200)), None, np.ones((4, 200))) for _ in range(2))
    answers.answer(Op("softmax"), "value", believed)
    loops, honest = passes.LOOPS.get(1), passes.LOOPS.get(1).terms_1

    def off(*given):
        (high, low), *others = honest(*given)
        return ((np.nextafter(high, 2), low), *others)

    monkeypatch.setattr(loops, "terms_1", off)

    with pytest.raises(tiers.Disagreement):
        tiers.certify(Op("softmax"), "value", given)
