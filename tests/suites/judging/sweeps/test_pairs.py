"""Pairs of logits: their sums are those of the definitions, however the work is cut, and by the compiled loop too."""

from dataclasses import replace

import numpy as np
import pytest

from harness import jit
from harness.model import FORMATS, Score
from harness.scoring import cells, line, swept
from reference.fast.float64 import pairs as formulas
from suites.judging.sweeps import account, pair_sums, pair_sweep, piece, run
from suites.judging.sweeps.run import Wanted
from suites.questions.swept import pairs
from tests.suites.judging.sweeps.test_sweeps import Here, swept_by

EVERY = tuple((name, quantity) for name, quantities in pairs.ASKED.items() for quantity in quantities)


def some(dtype):
    """Return 144 numbers of a short format in order: of all sizes, most within 32 of one another, both zeros."""
    rng, whole = np.random.default_rng(8), WHOLE_NUMBERS(dtype)
    middle = whole[np.abs(whole) < 32]
    found = np.sort(np.concatenate([rng.choice(whole, 50), rng.choice(middle[np.abs(middle) > 2**-9], 92)]))
    zero = np.searchsorted(found, 0)
    return np.concatenate([found[:zero], np.float32([-0.0, 0.0]), found[zero:]])


WHOLE_NUMBERS = pairs.numbers


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Let a format have few numbers, and a line of gaps few of each binade."""
    monkeypatch.setattr(jit, "CHOICE", "never")
    monkeypatch.setattr(pairs, "numbers", some)
    monkeypatch.setattr(account, "PER_ROW", 1 << 11)
    monkeypatch.setattr(pair_sweep, "CELL", 1 << 10)
    adapter, numbers = type(piece.loaded("numpy")), account.numbers
    monkeypatch.setattr(adapter, "ask", with_gradients(adapter.ask))
    monkeypatch.setattr(account, "numbers", lambda row, *ends: numbers(row, 0, 1 << 23)[:: 1 << 12][slice(*ends)])


def with_gradients(asked):
    """Return how the textbook is asked, gradients in float32 beside its values."""

    def ask(self, op, quantity, inputs, target):
        if quantity == "value":
            return asked(self, op, quantity, inputs, target)
        x = inputs.logits.astype(np.float32)
        e = np.exp(x - x.max(axis=1, keepdims=True))
        shares = e / e.sum(axis=1, keepdims=True) - (np.float32([1, 0]) if op.name == "sparse_xent" else 0)
        return shares.astype(inputs.logits.dtype)

    return ask


def cut(wanted, adapter="numpy"):
    """Return the first piece of the textbook's functions for each family."""
    found = piece.describe(adapter)
    first = {one.questions[0][0].family: one for one in run.cut(wanted, adapter, found, (), ("control",))[::-1]}
    return list(first.values())


def definitions(case, target, x, y):
    """Return an answer, its errors and its verdicts by the definitions, (n, outputs)."""
    got = piece.loaded("numpy").ask(case.op, case.quantity, pairs.inputs(case, x, y), target)
    got = got.astype(np.float64).reshape(len(x), -1)
    form = FORMATS[case.dtype]
    return got, *cells.judged(got, pair_sweep.golden(case, x, y), form, np.full(got.shape, 2.0**form.emin))


@pytest.mark.parametrize("dtype", pairs.SHORT)
@pytest.mark.parametrize(("name", "quantity"), EVERY)
def test_every_pair_comes_to_what_the_definitions_measure(name, quantity, dtype, tmp_path):
    """All pairs of some numbers: count, errors and their extremes are those of the same pairs judged one by one."""
    wanted = Wanted((name,), dtype, (quantity,), (0, 2 if dtype == "bfloat16" else 1))
    ((case, target, outcome),) = swept_by(Here(), cut(wanted), tmp_path, wanted).results()
    numbers = some(dtype)
    x, y = np.repeat(numbers, len(numbers)), np.tile(numbers, len(numbers))
    got, ulps, codes = definitions(case, target, x, y)
    sizes = np.where(np.isnan(ulps), np.inf, np.abs(ulps))
    whole = swept.unpack(outcome.swept)

    assert isinstance(outcome, Score)
    assert whole.elements == outcome.elements == sizes.size
    found = zip(*np.unique(codes[codes > 0], return_counts=True), strict=True)
    assert outcome.verdicts == {cells.CODES[code]: count for code, count in found}
    assert outcome.max_ulp == pytest.approx(sizes.max(), rel=1e-6)
    assert whole.histogram()[0] == np.count_nonzero(sizes <= 0.5)
    assert whole.histogram()[1] == np.count_nonzero((sizes > 0.5) & (sizes <= 1))
    assert outcome.mean_ulp == pytest.approx(np.minimum(sizes, swept.MOST).mean(), abs=swept.FINE)
    rows = np.array([line.gap_row(FORMATS[dtype], gap) for gap in (x.astype(np.float64) - y).tolist()])
    assert whole.counts == tuple((np.bincount(rows, minlength=whole.rows) * sizes.shape[1]).tolist())
    for row in np.unique(rows):
        assert abs(whole.worst[row]) == pytest.approx(sizes[rows == row].max(), rel=1e-6, abs=1e-9)
    worst = outcome.worst
    place = sizes.argmax() if np.isfinite(sizes.max()) else np.flatnonzero(~np.isfinite(sizes))[0]
    row, output = divmod(int(place), sizes.shape[1])
    if np.count_nonzero(sizes >= sizes.max() * (1 - 1e-9)) == 1:
        assert worst.logits == f"{float(x[row]).hex()} {float(y[row]).hex()}"
        assert float.fromhex(worst.got) == got[row, output]


def test_work_may_be_cut_anywhere(tmp_path):
    """Two pieces of one binade each, one of them kept from before, give what one of two does, to the last bit."""
    wanted = Wanted(("log_softmax",), "bfloat16", (), (0, 2))
    (whole,) = cut(wanted)
    halves = [replace(whole, rows=rows) for rows in ((1, 2), (0, 1))]

    one = list(swept_by(Here(), [whole], tmp_path / "a", wanted).results())
    with pytest.raises(KeyboardInterrupt):
        swept_by(Here(most=1), halves, tmp_path / "b", wanted)
    again = swept_by(Here(), halves, tmp_path / "b", wanted)
    two = list(again.results())

    assert again.kept == 1
    assert swept.unpack(one[0][2].swept) == swept.unpack(two[0][2].swept)
    assert replace(one[0][2], worst=None, swept="") == replace(two[0][2], worst=None, swept="")


@pytest.mark.parametrize("family", pairs.LEVELS)
def test_gaps_of_float32_are_a_line(family, tmp_path):
    """Every gap of a binade at a level: errors are those of the definitions, and places those of the gap."""
    wanted = Wanted(("softmax",), "float32", (), (383, 384))
    ((case, target, outcome),) = swept_by(
        Here(), [one for one in cut(wanted) if one.questions[0][0].family == family], tmp_path, wanted
    ).results()
    gap, level = account.numbers(383, 0, 1 << 11), np.float32(pairs.LEVELS[family])
    _, ulps, _ = definitions(case, target, level + gap, np.full_like(gap, level))
    whole = swept.unpack(outcome.swept)

    assert whole.elements == outcome.elements == 1 << 12
    assert (whole.rows, whole.first, whole.cells) == (1, 383, 2)
    assert outcome.max_ulp == pytest.approx(np.abs(ulps).max(), rel=1e-6)
    assert outcome.mean_ulp == pytest.approx(np.abs(ulps).mean(), abs=swept.FINE)
    assert whole.histogram()[0] == np.count_nonzero(np.abs(ulps) <= 0.5)
    place = np.abs(ulps).argmax()
    assert whole.places[whole.furthest] == 383 * (1 << 12) + place
    assert outcome.worst.logits.split()[0] == float(level + gap[place // 2]).hex()


def test_faults_are_told_where_they_are(tmp_path, monkeypatch):
    """Answers of nan, of 0 and of the other sign are counted, their gaps are told, and the answer deviates."""
    adapter = piece.loaded("numpy")
    asked = type(adapter).ask

    def faulty(self, op, quantity, inputs, target):
        got = asked(self, op, quantity, inputs, target)
        gap = inputs.logits[:, 0].astype(np.float64) - inputs.logits[:, 1].astype(np.float64)
        got[gap == 0] = np.nan
        got[(gap >= 1) & (gap < 6), 0] = -1
        return got

    monkeypatch.setattr(type(adapter), "ask", faulty)
    wanted = Wanted(("softmax",), "bfloat16", (), (0, 2))
    ((_, _, outcome),) = swept_by(Here(), cut(wanted), tmp_path, wanted).results()
    numbers = some("bfloat16").astype(np.float64)
    gaps = (numbers[:, None] - numbers).ravel()
    wrong = gaps[(gaps >= 1) & (gaps < 6)]

    assert outcome.verdicts == {"nan": 2 * np.count_nonzero(gaps == 0), "wrong_sign": len(wrong)}
    assert outcome.max_ulp == outcome.over_bound["S"] == float("inf")
    found = {
        one.verdict: (line.gap_at(one.first), line.gap_at(one.last)) for one in swept.unpack(outcome.swept).regions
    }
    assert found == {"nan": (0.0, 0.0), "wrong_sign": (wrong.min(), wrong.max())}


@pytest.mark.parametrize(("name", "quantity"), EVERY)
def test_compiled_loop_gives_the_same(name, quantity, monkeypatch):
    """The loop's sums, digests and what it leaves are numpy's, of right answers and of faulty ones."""
    pytest.importorskip("numba")
    (case,) = (one for one in pairs.cases(name, "float16") if one.quantity == quantity)
    (chunk, *_) = pair_sweep.chunks(case, 0, 1)
    rng = np.random.default_rng(2)
    shape = (len(chunk.x), pairs.outputs(case))
    target = next(one for one in piece.describe("numpy").targets if one.implementation.op == name)
    got = piece.loaded("numpy").ask(case.op, quantity, pairs.inputs(case, chunk.x, chunk.y), target)
    with np.errstate(invalid="ignore"):
        got = (got.astype(np.float32).reshape(shape) * rng.choice([1, 1.001, 0, -1, np.nan], shape)).astype(np.float16)
    plan = formulas.plan(case.op, quantity)
    given = (chunk.x, chunk.y, got.astype(np.float32), got.view(np.uint16), chunk.runs, plan, FORMATS["float16"], 7)
    expected = pair_sums._by_numpy(*given)
    monkeypatch.setattr(jit, "CHOICE", "always")

    for _ in range(2):  # the first answer is numpy's
        sums, left = pair_sums.measure(*given)

    assert pair_sums.LOOPS.believed
    for one, other in zip(sums, expected[0], strict=True):
        assert one.tobytes() == np.ascontiguousarray(other).tobytes()
    assert left.tolist() == expected[1].tolist()
    assert 100 < len(left) < got.size
