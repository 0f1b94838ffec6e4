"""Usual rows in integers, against the balls: as certificates at three times the bits, and as goldens."""

import mpmath
import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Case, Inputs, Op
from harness.scoring import ulp
from reference import rounding
from reference.arbiter import integers, rows, settle
from reference.arbiter.column import Column
from suites.questions import cases
from suites.questions.families import FAMILIES
from suites.questions.swept.lines import LINES

BALLS = 3 * settle.START_BITS  # more than integers certify
USUAL = {"normal_small", "normal", "normal_large", "confident", "near_ties", "swamp", "lse_near_zero", "two_class_gap"}
ROWS, CLASSES = 4, 7

each_family = pytest.mark.parametrize("family", [name for name in FAMILIES if name not in LINES])  # rows, not points
each_question = pytest.mark.parametrize(
    ("name", "quantity"), [pytest.param(*key, id="-".join(key)) for key in integers.BY_ROW]
)


@pytest.fixture(autouse=True)
def _no_row_is_left_over():
    rows.forget()
    yield
    rows.forget()


def pair(asked, inputs):
    """Yield each row's answer in integers, and by balls."""
    for row in settle._rows(asked.quantity, inputs, range(len(inputs.logits))):
        yield tuple(rows.answer(asked.op, asked.quantity, *row, bits) for bits in (settle.START_BITS, BALLS))


def apart(quick, truth):
    """Tell whether two balls have no number in common."""
    with mpmath.workprec(4 * BALLS):
        off = abs(mpmath.mp.make_mpf(quick.mid) - mpmath.mp.make_mpf(truth.mid))
        return off > mpmath.ldexp(1, quick.error) + mpmath.ldexp(1, max(truth.error, -(10**6)))


@each_family
@each_question
def test_certificates_hold(family, name, quantity):
    """Every value lies within its error of the ball at three times the bits, whatever its logits' dtype."""
    wrong, certified = [], 0
    for dtype in DTYPES:
        asked = Case(Op.of(name), quantity, family, dtype, ROWS, CLASSES)
        for quick, truth in pair(asked, cases.inputs(asked)):
            if isinstance(quick, Column):
                certified += 1
                wrong += [(dtype, j) for j in range(len(quick)) if apart(quick[j], truth[j])]

    assert wrong == []
    assert family not in USUAL or certified == ROWS * len(DTYPES)


@each_family
@each_question
def test_goldens_are_those_of_the_balls(family, name, quantity, monkeypatch):
    """hi, the binade and the rounding to every format are the same either way."""
    for dtype in DTYPES:
        asked = Case(Op.of(name), quantity, family, dtype, ROWS, CLASSES)
        inputs = cases.inputs(asked)
        quick = settle.certify(asked.op, quantity, inputs)
        with monkeypatch.context() as without:
            without.setattr(integers, "row_of", lambda _: None)
            rows.forget()
            slow = settle.certify(asked.op, quantity, inputs)
        rows.forget()

        assert (np.frexp(quick.hi)[0] == np.frexp(slow.hi)[0]).all()  # 1 may be 2 / 2
        assert (ulp.binade(quick) == ulp.binade(slow)).all()
        assert quick.radius <= 2.0**-settle.RADIUS_BITS
        for form in (FORMATS[name] for name in DTYPES):
            same = np.array_equal(rounding.nearest(quick, form), rounding.nearest(slow, form), equal_nan=True)

            assert same, (dtype, form.name)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param((1.0,), id="one class"),
        pytest.param((-2.5, -2.5), id="all equal"),
        pytest.param((0.0, 1e300), id="too large"),
        pytest.param((0.0, 1e-60), id="too fine"),
        pytest.param((0.0, -200.0), id="too far below"),
        pytest.param((0.0, -1.0, -1100.0), id="too wide"),
    ],
)
def test_other_rows_are_left_to_balls(row):
    """A row is not answered in integers where its d are none, or where the answer hangs on what is far below."""
    assert integers.row_of(row) is None


@pytest.mark.parametrize(
    ("name", "quantity", "labels", "upstream"),
    [
        pytest.param("dense_xent", "value", (1.0, -1.0), (), id="labels sum to 0"),
        pytest.param("dense_xent", "grad_logits", (1.0, -1.0), (1.0,), id="as does their gradient"),
        pytest.param("softmax", "grad_logits", (), (0.5, 0.5), id="equal upstream"),
        pytest.param("log_softmax", "grad_logits", (), (0.5, -0.5), id="upstream sums to 0"),
        pytest.param("logsumexp", "grad_logits", (), (0.0,), id="no upstream"),
    ],
)
def test_what_an_exact_zero_decides_is_left_to_balls(name, quantity, labels, upstream):
    """A formula passes where everything it would say is exact or known with no error."""
    row = integers.row_of((1.0, 0.25))

    assert integers.BY_ROW[name, quantity](row, labels, upstream) is None


@pytest.mark.parametrize("weight", [1.0, -1.0, 0.375, 2.0**-60, -1e-300, 1e20])
def test_weights_of_any_size(weight):
    """Losses and gradients scale with labels and upstream, and sum(z) = -1 is no log_softmax."""
    logits = np.array([[0.3, -1.7, 2.2]])
    labels = weight * np.array([[0.5, 0.125, 0.375]])
    for quantity in ("value", "grad_logits", "grad_labels"):
        asked = Case(Op.of("dense_xent"), quantity, "normal", "float64", 1, 3)
        for quick, truth in pair(asked, Inputs(logits, labels, np.array([weight]))):
            assert isinstance(quick, Column)
            assert not any(apart(a, b) for a, b in zip(quick, truth, strict=True))


def test_half_and_a_hair_has_its_binade():
    """1 / (2 + e**-127) is just below 1/2, hence in the lower binade; integers do not see that and pass it on."""
    logits = np.array([[0.0, 0.0, -127.75]])
    assert integers.row_of(tuple(logits[0])) is not None
    certified = settle.certify(Op.of("softmax"), "value", Inputs(logits, None, np.ones_like(logits)))

    assert certified.hi[0, 0] == 0.5
    assert certified.lo[0, 0] < 0


@pytest.mark.parametrize("classes", [1000, 20_000])
def test_fifty_digits_are_certified(classes):
    """Rows of normal logits keep more than 50 digits, which the plain loop they are timed against asks for."""
    row = tuple(np.random.default_rng(classes).standard_normal(classes).tolist())
    for name in ("softmax", "log_softmax", "logsumexp"):
        column = rows.answer(Op.of(name), "value", row, (), (), settle.START_BITS)
        assert isinstance(column, Column)
        assert max(e - abs(d).bit_length() + 1 for d, e in zip(column.digits, column.errors, strict=True)) < -169
