"""Sweeps: the numbers that are asked, the same sums however the work is cut, and what is kept of a broken one."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from harness.model import FORMATS, Case, Op, Score, Target
from harness.running.spread.pieces import Pieces
from harness.running.spread.workers import Mismatch
from harness.scoring import cells, line, swept, ulp
from reference.fast.float64 import single
from suites.judging.sweeps import account, piece, run
from suites.judging.sweeps.run import NotSwept, Wanted

SIGMOID = Wanted(("sigmoid",), "float32", ("value",), (381, 383))


class Here(ThreadPoolExecutor):
    """An executor of this process; it may give up after some calls."""

    def __init__(self, most=1000):
        """Begin."""
        super().__init__(1)
        self.asked, self.most = [], most

    def submit(self, call, /, *arguments):
        """Call at once."""
        future = Future()
        if call is piece.answer:
            self.asked.append(arguments[0])
            if len(self.asked) > self.most:
                future.set_exception(KeyboardInterrupt())
                return future
        try:
            future.set_result(call(*arguments))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let a chunk, and a row of the line, be short."""
    monkeypatch.setattr(account, "PER_ROW", 1 << 12)
    monkeypatch.setattr(piece, "CHUNK", 1 << 10)
    monkeypatch.setattr(account, "numbers", numbers)


def numbers(row, start, stop):
    """Return some of the numbers of a row, as many as a short one has."""
    return WHOLE_NUMBERS(row, 0, 1 << 23)[:: 1 << 11][start:stop]


WHOLE_NUMBERS = account.numbers


def cut(wanted=SIGMOID):
    """Return the pieces of the textbook's functions."""
    found = piece.describe("numpy")
    return run.cut(wanted, "numpy", found, (), ("control",))


def swept_by(executor, pieces, folder, wanted=SIGMOID):
    """Run a sweep and return it."""
    with Pieces(folder / "pieces.sqlite") as kept:
        return run.run(wanted, pieces, executor, kept, lambda *_: None)


def test_numbers_of_a_row_are_its_binade():
    """Rows hold float32's numbers in order, the negative ones first."""
    form = FORMATS["float32"]
    for row in (0, 254, 255, 256, 382, 509):
        found = WHOLE_NUMBERS(row, 0, 1 << 23).astype(np.float64)
        sign, exponent = line.binade(form, row)
        low = 0.0 if exponent < form.emin else 2.0**exponent

        assert (np.diff(found) > 0).all()
        assert np.abs(found).min() == low
        assert np.abs(found).max() < 2.0 ** max(exponent + 1, form.emin)
        assert (np.copysign(1, found) == sign).all()


def test_pieces_come_to_what_the_judge_measures(tmp_path):
    """A line that is asked in pieces has the errors that the same numbers have when they are judged at once."""
    ((case, target, outcome),) = swept_by(Here(), cut(), tmp_path).results()
    x = np.concatenate([numbers(row, 0, 1 << 12) for row in (381, 382)])
    got = piece.loaded("numpy").ask(case.op, case.quantity, account.column(case, x), target).ravel()
    exact = account.golden(case, x)
    ulps = ulp.error(got.astype(np.float64), exact, FORMATS["float32"])

    assert isinstance(outcome, Score)
    assert outcome.elements == x.size
    assert outcome.max_ulp == pytest.approx(np.abs(ulps).max(), abs=1e-6)
    assert outcome.mean_ulp == pytest.approx(np.abs(ulps).mean(), abs=swept.FINE)
    assert outcome.bias_ulp == pytest.approx(ulps.mean(), abs=swept.FINE)
    assert swept.unpack(outcome.swept).histogram()[0] == np.count_nonzero(np.abs(ulps) <= 0.5)
    assert float.fromhex(outcome.worst.logits) == x[np.abs(ulps).argmax()]
    assert outcome.over_bound["S"] <= 1


def test_work_may_be_cut_anywhere(tmp_path):
    """One piece of two rows and two pieces of one row each give the same result, to the last bit."""
    (whole,) = cut()
    halves = [replace(whole, rows=rows) for rows in ((381, 382), (382, 383))]

    one = list(swept_by(Here(), [whole], tmp_path / "a").results())
    two = list(swept_by(Here(), halves, tmp_path / "b").results())

    assert one[0][2].swept == two[0][2].swept
    assert replace(one[0][2], bits="") == replace(two[0][2], bits="")


def test_broken_sweep_goes_on(tmp_path):
    """What was done before an interruption is not asked again, and the result is that of one go."""
    (whole,) = cut()
    halves = [replace(whole, rows=rows) for rows in ((381, 382), (382, 383))]
    with pytest.raises(KeyboardInterrupt):
        swept_by(Here(most=1), halves, tmp_path)
    second = Here()

    found = swept_by(second, halves, tmp_path)

    assert found.kept == 1
    assert second.asked == halves[1:]
    assert list(found.results()) == list(swept_by(Here(), halves, tmp_path / "new").results())


def test_another_version_is_refused():
    """A worker whose framework is another one says which, and what was expected."""
    (whole,) = cut()
    other = replace(whole, facts=tuple((name, "0.1" if name == "numpy" else fact) for name, fact in whole.facts))

    with pytest.raises(Mismatch, match=r"has numpy '.*', expected '0.1' as the first worker of numpy"):
        piece.answer(other)


def test_op_of_more_numbers_is_refused():
    """A loss of distributions has more inputs than can be asked one by one."""
    with pytest.raises(NotSwept, match="op is 'dense_xent', expected one whose answer is of one number: sigmoid"):
        Wanted(("dense_xent",), "float32").cases()


def test_whole_lines_are_asked_at_once(tmp_path):
    """A line of a 16-bit format is a piece, and is answered as the suites do."""
    wanted = Wanted(("log_sigmoid",), "bfloat16", ("value",))
    ((case, target, outcome),) = swept_by(Here(), cut(wanted), tmp_path, wanted).results()

    assert case == Case(Op.of("log_sigmoid"), "value", "every", "bfloat16", 510, 128)
    assert isinstance(target, Target)
    assert outcome.elements == 510 * 128
    assert swept.unpack(outcome.swept).mean_ulp == pytest.approx(outcome.mean_ulp, abs=swept.FINE)


def test_faults_are_left_to_the_definitions(tmp_path, monkeypatch):
    """An answer of nan, of 0 and of the other sign is counted, told where it is, and judged."""
    adapter = piece.loaded("numpy")
    asked = type(adapter).ask

    def faulty(self, *arguments, **options):
        got = asked(self, *arguments, **options)
        got.reshape(-1)[5], got.reshape(-1)[7], got.reshape(-1)[8] = np.nan, 0, -1
        return got

    (whole,) = cut(replace(SIGMOID, binades=(381, 382)))
    monkeypatch.setattr(type(adapter), "ask", faulty)
    ((_, _, outcome),) = swept_by(Here(), [whole], tmp_path).results()

    assert outcome.verdicts == {"nan": 4, "zero_for_nonzero": 4, "wrong_sign": 4}
    assert outcome.max_ulp == outcome.over_bound["S"] == float("inf")
    first = swept.unpack(outcome.swept).regions[:3]
    assert [(one.verdict, one.first - 381 * (1 << 12)) for one in first] == [
        ("nan", 5),
        ("zero_for_nonzero", 7),
        ("wrong_sign", 8),
    ]


@pytest.mark.parametrize("row", [0, 1, 2, 60, 122, 123, 124, 125])
@pytest.mark.parametrize("family", ["every_half", "every_yes"])
def test_halfway_cases_and_infinities_are_told_by_the_kernel(family, row, monkeypatch):
    """Where pos_weight makes a loss lie halfway but for a vanishing logarithm, or overflow, nearly all is told at once.

    The verdicts and errors are those of certified exact values.
    """
    case = replace(CASE, op=Op.of("sigmoid_xent", pos_weight=3.0), family=family)
    x = WHOLE_NUMBERS(row, 0, 1 << 23)[5 :: (1 << 12) + 1]
    exact = account.golden(case, x)
    with np.errstate(over="ignore"):
        got = (exact.hi + exact.hi * np.resize([0, 2e-8, -2e-8, 3e-7], x.size)).astype(np.float32)
    plan = single.plan(case.op, "value", account.label(case))
    truth = single.truth(plan, single.basis(x.astype(np.float64)))
    asked = []
    monkeypatch.setattr(account, "golden", lambda case, x: asked.append(len(x)) or GOLDEN(case, x))

    known = account.Account()
    account.add(known, case, got, truth, x, 0)

    ulps, codes = cells.judged(got, exact, FORMATS["float32"], np.full(x.size, 2.0**-126))
    halfway = np.count_nonzero(np.abs(np.abs(ulps) - 0.5) < 2.0**-20)
    assert halfway > 100 or row not in {1, 2, 60}
    assert sum(asked) < x.size / 32  # these are beside a halfway case by what float64 hardly shows
    expected = cells.some(ulps, np.arange(x.size))
    (found,) = known.cells
    assert (found.elements, found.bins, found.place) == (expected.elements, expected.bins, expected.place)
    assert (found.size, found.lean) == pytest.approx((expected.size, expected.lean), abs=2 * len(x))
    assert sum(known.verdicts.values()) == np.count_nonzero(codes)


GOLDEN = account.golden
CASE = Case(Op("sigmoid_xent"), "value", "every", "float32", 510, 1 << 23)
