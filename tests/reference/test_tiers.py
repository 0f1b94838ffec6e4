"""The two tiers together: same roundings, no disagreement goes unseen, and no more memory than a block's."""

import dataclasses
import re
import tracemalloc

import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Inputs, Op
from harness.ops import ASKED
from reference import rounding, tiers
from reference.arbiter import settle
from reference.fast import values
from suites.questions import cases
from suites.questions.families import EVERY, SAMPLE
from tests.made import questions

SOFTMAX = Op.of("softmax")
KINDS = [(op, quantity) for op, quantities in ASKED.items() for quantity in quantities]
MEAN = Op.of("dense_xent", reduction="mean")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("op", "quantity"), KINDS, ids=[f"{op}-{quantity}" for op, quantity in KINDS])
def test_tiers_round_alike(op, quantity, dtype):
    """Without an audit, both tiers' goldens of every family round to the same bits in every format."""
    for family in questions.families_of(op):
        inputs = cases.inputs(questions.small(op, quantity, family, dtype))

        quick, arbiter = tiers.certify(op, quantity, inputs, audit=0.0), settle.certify(op, quantity, inputs)

        assert quick.radius <= 2.0**-tiers.RADIUS_BITS
        for form in (FORMATS[name] for name in DTYPES):
            one, other = rounding.nearest(quick, form), rounding.nearest(arbiter, form)
            assert one.shape == other.shape
            assert (one.view(np.uint64) == other.view(np.uint64)).all(), family


def inputs_of(rows=200, classes=5):
    """Return normal rows."""
    logits = np.random.default_rng(3).standard_normal((rows, classes))
    return Inputs(logits, None, np.ones_like(logits))


def mean_of(rows=200, classes=5):
    """Return normal rows and labels for a mean."""
    logits = inputs_of(rows, classes).logits
    return Inputs(logits, np.abs(logits), np.ones(()))


@pytest.fixture
def settled(monkeypatch):
    """Return the list of all rows that the arbiter is asked, as they are asked."""
    rows, honest = [], settle.settle

    def spied(op, quantity, inputs, chosen):
        rows.extend(map(tuple, inputs.logits[list(chosen)].tolist()))
        return honest(op, quantity, inputs, chosen)

    monkeypatch.setattr(settle, "settle", spied)
    return rows


def test_share_of_the_rows_is_audited(settled):
    """A sample draws about one row in 64, the same ones again for a seed, and others for another."""
    inputs, drawn = inputs_of(6400), []
    for seed in (7, 7, 8):
        tiers.certify(SOFTMAX, "value", inputs, SAMPLE, seed)
        drawn.append(tuple(settled))
        settled.clear()

    assert 50 < len(drawn[0]) < 200
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0]) & set(drawn[2])) < 20


def test_every_row_is_audited(settled):
    """Of rows built to provoke, none is left out, and the golden is the arbiter's."""
    inputs = inputs_of(70)

    made, arbiter = tiers.certify(SOFTMAX, "value", inputs, EVERY), settle.certify(SOFTMAX, "value", inputs)

    assert settled[:70] == list(map(tuple, inputs.logits.tolist()))
    assert (made.lo == arbiter.lo).all()
    assert made.radius == arbiter.radius


@pytest.mark.parametrize("chunk", [1, 64, 1000])
def test_blocks_draw_the_same_rows(monkeypatch, settled, chunk):
    """How many rows are done at a time changes nothing about which are audited."""
    tiers.certify(SOFTMAX, "value", inputs_of(), SAMPLE, seed=5)
    whole = tuple(settled)
    settled.clear()
    monkeypatch.setattr(values, "BLOCK", chunk)

    tiers.certify(SOFTMAX, "value", inputs_of(), SAMPLE, seed=5)

    assert whole
    assert tuple(settled) == whole


def head(answer):
    """Move every head to the next float64."""
    return dataclasses.replace(answer, hi=np.nextafter(answer.hi, 2))


def tail(answer):
    """Move every tail by 2**-80 of its head."""
    return dataclasses.replace(answer, lo=answer.lo + answer.hi * 2.0**-80)


def plant(monkeypatch, fault):
    """Make the fast tier answer with a fault and radii as ever."""
    honest = tiers._quick
    monkeypatch.setattr(tiers, "_quick", lambda *question: ((rows, fault(part)) for rows, part in honest(*question)))


@pytest.mark.parametrize("audit", [SAMPLE, EVERY])
@pytest.mark.parametrize("fault", [head, tail])
def test_wrong_certificate_stops_the_run(monkeypatch, fault, audit):
    """A fast tier that is off by more than it says is found out by the audit, with the row in hand."""
    monkeypatch.setattr(values, "BLOCK", 100)
    plant(monkeypatch, fault)
    inputs = inputs_of()

    with pytest.raises(tiers.Disagreement, match=r"softmax/value, row \d+, element 0") as stopped:
        tiers.certify(SOFTMAX, "value", inputs, audit)

    row = int(re.search(r"row (\d+)", str(stopped.value))[1])
    assert str(stopped.value).endswith(" ".join(x.hex() for x in inputs.logits[row].tolist()))


@pytest.mark.parametrize("fault", [head, tail])
@pytest.mark.parametrize("quantity", ["value", "grad_logits"])
def test_wrong_mean_stops_the_run(monkeypatch, fault, quantity):
    """The audit finds out a wrong mean, and a wrong share of its gradient."""
    plant(monkeypatch, fault)

    with pytest.raises(tiers.Disagreement, match=rf"mean\)/{quantity}, row 0, element 0"):
        tiers.certify(MEAN, quantity, mean_of(), EVERY)


def test_rows_that_are_open_go_to_the_arbiter():
    """What the fast tier has no radius for is certified all the same."""
    logits = np.array([[1e300, 0.0, -1e300], [0.5, 0.25, 0.0]])

    made = tiers.certify(SOFTMAX, "value", Inputs(logits, None, np.ones_like(logits)), audit=0.0)

    assert made.radius <= 2.0**-tiers.RADIUS_BITS
    assert made.hi[0].tolist()[0] == 1.0


@pytest.mark.parametrize("op", ["softmax", "logsumexp", "sigmoid"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_logits_that_are_not_finite_are_refused(op, bad):
    """Special values are refused, audited or not, in every dtype and wherever they stand."""
    for dtype in (np.float16, np.float32, np.float64):
        logits = np.zeros((3, 4), dtype)
        logits[2, 1] = bad
        upstream = np.ones(3 if op == "logsumexp" else (3, 4), dtype)

        with pytest.raises(ValueError, match="logits hold inf or nan, expected finite numbers"):
            tiers.certify(Op.of(op), "value", Inputs(logits, None, upstream), audit=0.0)


def parts_of(op, quantity, inputs, audit=0.0):
    """Return a golden block by block, with exponents filled in."""
    return [
        (rows, (part.hi, part.lo, np.zeros(part.hi.shape) if part.exponent is None else part.exponent))
        for rows, part in tiers.blocks(op, quantity, inputs, audit)
    ]


@pytest.mark.parametrize("wide", [False, True], ids=["inside float64", "with exponents"])
def test_blocks_are_the_golden_in_parts(monkeypatch, wide):
    """What comes block by block is the golden, whether or not only some of the blocks need exponents."""
    monkeypatch.setattr(values, "BLOCK", 20)
    inputs = inputs_of(12)
    inputs.logits[6, 2] = -3000.0 if wide else 0.0
    whole, arbiter = tiers.certify(SOFTMAX, "value", inputs, 0.0), settle.certify(SOFTMAX, "value", inputs)
    parts = parts_of(SOFTMAX, "value", inputs)

    assert [(rows.start, rows.stop) for rows, _ in parts] == [(0, 4), (4, 8), (8, 12)]
    assert (whole.exponent is not None) == wide
    for rows, part in parts:
        exponent = np.zeros((12, 5)) if whole.exponent is None else whole.exponent
        assert all((one == all_[rows]).all() for one, all_ in zip(part, (whole.hi, whole.lo, exponent), strict=True))
    for form in FORMATS.values():
        assert (rounding.nearest(whole, form) == rounding.nearest(arbiter, form)).all()


def test_mean_is_one_block():
    """A mean's value comes at once; its gradient comes row by row, each its share of all."""
    ((rows, value),) = tiers.blocks(MEAN, "value", mean_of(40))
    gradient, arbiter = (by(MEAN, "grad_logits", mean_of(40)) for by in (tiers.certify, settle.certify))

    assert (rows.start, rows.stop) == (0, 40)
    assert value.hi.shape == ()
    assert (gradient.hi == arbiter.hi).all()


def most(work):
    """Return the most bytes that were held at once beside what was there before."""
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


CLASSES = 32_768
LOG_SOFTMAX = Op.of("log_softmax")


def rows_of(rows, classes=CLASSES):
    """Return float32 rows whose gradients take no memory."""
    logits = np.random.default_rng(rows).standard_normal((rows, classes), dtype=np.float32)
    return Inputs(logits, None, np.broadcast_to(np.float32(1), logits.shape))


@pytest.fixture(scope="module")
def block_bytes():
    """Return what two blocks of rows take, once the tables are made."""
    inputs = rows_of(2 * values.BLOCK // CLASSES)
    return [most(lambda: [0 for _ in tiers.blocks(LOG_SOFTMAX, "value", inputs, 0.0)]) for _ in range(2)][1]


def test_memory_of_blocks_does_not_grow_with_rows(block_bytes):
    """Whoever takes block by block holds no more for 200 rows of 32k classes than for 16."""
    inputs = rows_of(200)

    held = most(lambda: [0 for _ in tiers.blocks(LOG_SOFTMAX, "value", inputs, 0.0)])

    assert block_bytes < 25 * 8 * values.BLOCK
    assert held < 1.1 * block_bytes


def test_memory_beside_a_golden_does_not_grow_with_rows(block_bytes):
    """A golden as a whole takes its own memory and that of a block."""
    inputs = rows_of(64)

    held = most(lambda: tiers.certify(LOG_SOFTMAX, "value", inputs, 0.0))

    assert held - 2 * 8 * inputs.logits.size < 1.1 * block_bytes


def test_memory_of_a_long_row_is_bounded():
    """One row of a million classes is a block, and takes no more for each class than a shorter one."""
    inputs = rows_of(1, 1_000_000)

    assert most(lambda: tiers.certify(LOG_SOFTMAX, "value", inputs, 0.0)) < 40 * 8 * 1_000_000
