"""Metrics: the right answer conforms, every planted fault is caught, and every verdict fires where it should alone."""

import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Golden, Op
from harness.scoring import metrics
from reference import rounding
from suites.questions import cases
from tests.kernels.wrong_answers import FAULTS
from tests.made import textbook
from tests.made.questions import EVERY, EVERY_IDS, certified, families_of, measure, small

NAN, INF = float("nan"), float("inf")


def right(case):
    """Return the correctly rounded answer to a case."""
    with np.errstate(over="ignore"):
        return rounding.nearest(certified(case)[0], FORMATS[case.dtype]).astype(textbook.DTYPES[case.dtype])


@pytest.mark.parametrize(("op", "quantity"), EVERY, ids=EVERY_IDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_correctly_rounded_answer_conforms_in_every_family(op, quantity, dtype):
    """The correctly rounded answer is at most half an ulp off, meets class S, and earns no verdict."""
    for family in families_of(op):
        case = small(op, quantity, family, dtype)
        distance = measure(case, right(case))
        assert distance.max_ulp <= 0.5, family
        assert distance.over_bound["S"] <= 1, family
        assert distance.budget_class == "S", family
        assert distance.verdicts == {}, family


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_caught(name):
    """A wrong implementation exceeds every class, and earns the verdict that names its fault."""
    planted = FAULTS[name]
    case = small(Op.of(planted.op), planted.quantity, planted.family, planted.dtype)
    with np.errstate(all="ignore"):
        got = planted.answer(cases.inputs(case), right(case)).astype(textbook.DTYPES[planted.dtype])
    distance = measure(case, got)

    assert min(distance.over_bound.values()) > 1
    assert distance.budget_class is None
    assert planted.verdict is None or planted.verdict in distance.verdicts


FORM = FORMATS["float32"]
TINY = 2.0**-149
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def judged(got, exact, bound=0.0, flushable=2.0**FORM.emin, form=FORM, dtype=np.float64):
    """Measure one element against an exact float64 number; in another dtype than the format's, nothing is regular."""
    golden = Golden(np.array([exact]), np.zeros(1), None, 0.0)
    bounds = {"S": np.array([bound]), "U": np.array([4 * bound])}
    return metrics.measure(np.array([got], dtype), golden, form, bounds, np.array([flushable]))


@pytest.mark.parametrize(
    ("got", "exact", "verdicts"),
    [
        pytest.param(1.0, 1.0, set(), id="right"),
        pytest.param(1 + 2.0**-20, 1.0, set(), id="a plain distance"),
        pytest.param(NAN, 1.0, {"nan"}, id="nan"),
        pytest.param(NAN, 0.0, {"nan"}, id="nan for zero"),
        pytest.param(INF, 1.0, {"overflow"}, id="infinity"),
        pytest.param(-INF, 1.0, {"overflow", "wrong_sign"}, id="infinity of the other sign"),
        pytest.param(INF, 2.0**128, set(), id="infinity that is right"),
        pytest.param(-1.0, 1.0, {"wrong_sign"}, id="wrong sign"),
        pytest.param(1.0, -1.0, {"wrong_sign"}, id="wrong sign, positive"),
        pytest.param(-0.0, 1e-60, set(), id="minus zero for nearly nothing"),
        pytest.param(1e-30, 0.0, {"nonzero_for_zero"}, id="something for zero"),
        pytest.param(-0.0, 0.0, set(), id="minus zero for zero"),
        pytest.param(0.0, 1.0, {"zero_for_nonzero"}, id="zero for one"),
        pytest.param(0.0, 2.0**-126, {"zero_for_nonzero"}, id="zero for the smallest normal number"),
        pytest.param(0.0, 2.0**-127, {"flushed"}, id="zero for a subnormal number"),
        pytest.param(0.0, TINY, {"flushed"}, id="zero for the smallest number"),
        pytest.param(0.0, TINY / 2, set(), id="zero for half the smallest number"),
        pytest.param(TINY, 2.0**-127, set(), id="a wrong subnormal number"),
    ],
)
@each_dtype
def test_verdicts(got, exact, verdicts, dtype):
    """Each verdict fires on its fault, and on nothing else."""
    assert set(judged(got, exact, bound=1.0, dtype=dtype).verdicts) == verdicts


@pytest.mark.parametrize(
    ("got", "exact", "max_ulp", "over"),
    [
        pytest.param(NAN, 1.0, INF, INF, id="nan"),
        pytest.param(INF, 1.0, 2.0**151 - 2**23, INF, id="infinity"),
        pytest.param(1 + 2.0**-23, 1.0, 1.0, 0.5, id="half the bound"),
        pytest.param(1 - 2.0**-21, 1.0, 4.0, 2.0, id="twice the bound"),
        pytest.param(1.0, 1.0, 0.0, 0.0, id="right"),
    ],
)
@each_dtype
def test_distance_and_ratio(got, exact, max_ulp, over, dtype):
    """The distance counts ulps and the ratio counts bounds; what is lost is infinitely far over any bound."""
    distance = judged(got, exact, bound=2.0**-22, dtype=dtype)

    assert (distance.max_ulp, distance.over_bound["S"]) == (max_ulp, over)
    assert distance.over_bound["U"] == over / 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("got", [1e-3, 60000.0, -1.0], ids=str)
def test_something_large_for_zero_exceeds_any_wide_bound(dtype, got):
    """Even where the distance from zero is more ulps than float64 can count, the ratio is that of error and bound."""
    distance = judged(got, 0.0, bound=1e-9, form=FORMATS[dtype])

    assert distance.over_bound["S"] == pytest.approx(abs(got) / 1e-9)


def test_flushed_elements_count_against_no_bound():
    """A flushed element shows in ulps and as a verdict, and leaves the classes to the others."""
    distance = judged(0.0, 2.0**-127, bound=TINY)

    assert distance.max_ulp == 2**22
    assert distance.over_bound == {"S": 0.0, "U": 0.0}
    assert distance.verdicts == {"flushed": 1}


@pytest.mark.parametrize(
    ("error", "expected"),
    [(0.5, "S"), (1.0, "S"), (1.5, "N"), (3.0, "U"), (5.0, None)],
    ids=str,
)
def test_budget_class_is_the_tightest_met(error, expected):
    """The class is the first of S, N, U whose bound holds for every element."""
    golden = Golden(np.ones(3), np.zeros(3), None, 0.0)
    step = 2.0**-23
    bounds = {"S": np.full(3, 8 * step), "U": np.full(3, 32 * step), "N": np.full(3, 16 * step)}
    got = np.array([1, 1 + 8 * error * step, 1])

    assert metrics.measure(got, golden, FORM, bounds, np.zeros(3)).budget_class == expected


def test_statistics_of_an_answer():
    """Maximum, mean and lean are those of all elements, and the worst one is pointed at with its sign."""
    golden = Golden(np.array([[1.0, 1.0], [1.0, 1.0]]), np.zeros((2, 2)), None, 0.0)
    got = 1 + 2.0**-23 * np.array([[0, 1], [-4, 1]])
    distance = metrics.measure(got, golden, FORM, {"S": np.ones((2, 2))}, np.zeros((2, 2)))

    assert (distance.max_ulp, distance.mean_ulp) == (4, 1.5 * 1)
    assert distance.bias_ulp == -0.5
    assert (distance.worst, distance.worst_ulp) == ((1, 0), -4)


def test_nan_among_many_is_the_worst():
    """One nan makes the largest distance infinite, and is the element pointed at."""
    golden = Golden(np.ones(3), np.zeros(3), None, 0.0)
    distance = metrics.measure(np.array([1.0, NAN, 2.0]), golden, FORM, {"S": np.ones(3)}, np.zeros(3))

    assert distance.max_ulp == distance.over_bound["S"] == INF
    assert distance.worst == (1,)
    assert distance.verdicts == {"nan": 1}


def test_every_verdict_says_what_it_means():
    """Reports print a verdict's docstring, so each has one."""
    assert all(decide.__doc__ for decide in metrics.VERDICTS.values())
