"""Harm: relative to the usual size, less where the input is unusual; and what comes first."""

import math

import pytest

from harness.model import Checked, Crashed, Failed, Op, Score, Worst
from harness.scoring import harm
from tests.made import verdicts


def worst(got, expected, exact="", logits="0x0p+0"):
    """Return a worst element."""
    return Worst((0,), logits, "", "", exact, float(expected).hex(), float(got).hex(), 1.0)


@pytest.mark.parametrize(
    ("op", "quantity", "got", "expected", "error"),
    [
        pytest.param("sparse_xent", "value", 0.0, 4.0, 1.0, id="a loss of 0 for log n"),
        pytest.param("dense_xent", "grad_labels", 0.0, 1e-16, 1e-16, id="a label gradient of 0 for 1e-16"),
        pytest.param("sparse_xent", "value", 3.0, 4.0, 0.25, id="a quarter off"),
        pytest.param("softmax", "value", 0.0, 1 / 64, 1.0, id="a probability of 0 for 1/n"),
        pytest.param("sparse_xent", "grad_logits", 1e-9, 0.0, 6.4e-8, id="a gradient beside 1/n"),
        pytest.param("softmax", "value", 8.0, 0.5, 1.0, id="no more than all"),
        pytest.param("softmax", "value", math.nan, 0.5, harm.LOST, id="nan"),
        pytest.param("sparse_xent", "value", 4.0, math.inf, harm.LOST, id="a number for inf"),
        pytest.param("sparse_xent", "value", math.inf, math.inf, 0.0, id="inf for inf"),
    ],
)
def test_error(op, quantity, got, expected, error):
    """An error counts against the exact value or the usual size, whichever is larger."""
    case = verdicts.result(None, op=Op.of(op), quantity=quantity).case

    assert harm.error(case, worst(got, expected)) == pytest.approx(error, rel=1e-12, abs=0)


def test_error_is_taken_from_the_exact_value():
    """The decimal is closer to the truth than its rounding."""
    case = verdicts.result(None, op=Op.of("sparse_xent")).case

    assert harm.error(case, worst(4.0, 4.0, "4.5")) == 0
    assert harm.error(case, worst(5.0, 4.0, "4.5")) == pytest.approx(1 / 9)


@pytest.mark.parametrize(
    ("logits", "dtype", "size"),
    [
        pytest.param("", "float32", 1.0, id="not told"),
        pytest.param("# python\nrow = 1", "float32", 1.0, id="drawn"),
        pytest.param("0x1p+0 -0x1.4p+4", "float32", 1.0, id="ordinary"),
        pytest.param("0x0p+0 0x0p+0", "float32", 1.0, id="zeros"),
        pytest.param("0x1.2cp+8", "float32", 0.1, id="300"),
        pytest.param("0x1p+0 -inf", "float32", harm.MASKED, id="masked"),
        pytest.param("inf 0x1p+0", "float32", harm.STRANGE, id="inf"),
        pytest.param("nan", "float32", harm.STRANGE, id="nan"),
        pytest.param("0x1p-130", "float32", harm.STRANGE, id="subnormal"),
        pytest.param("0x1p-130", "float64", 1.0, id="normal in float64"),
    ],
)
def test_ordinary(logits, dtype, size):
    """Logits of a usual size are ordinary, larger ones in proportion less, special ones hardly."""
    assert harm.ordinary(verdicts.result(None, dtype=dtype).case, logits) == pytest.approx(size)


def test_families_of_extremes_are_not_ordinary():
    """What is drawn to be out of range is, whatever the row that is shown."""
    assert harm.ordinary(verdicts.result(None, family="extremes").case, "0x1p+0") == harm.STRANGE


@pytest.mark.parametrize(
    ("outcome", "size"),
    [
        pytest.param(Crashed("SIGSEGV"), math.inf, id="crash"),
        pytest.param(Failed("raised", "no"), harm.LOST, id="raise"),
        pytest.param(Checked(4, math.inf, detail="no"), 1.0, id="rule without numbers"),
        pytest.param(Checked(4, 2.0), 2.0**-23, id="allowance without numbers"),
        pytest.param(Score(4, 0.0, 0.0, 0.0, {"S": 0.0}, "S"), 0.0, id="right"),
    ],
)
def test_harm_of_other_outcomes(outcome, size):
    """What has no worst element is ranked too."""
    assert harm.harm(verdicts.result(outcome)) == size


def test_rank():
    """A lost loss goes before a tiny gradient, and float32 before float64 where both are alike."""
    loss = verdicts.result(verdicts.score(worst=worst(0.0, 4.0)), op=Op.of("sparse_xent"), dtype="float64")
    usual = verdicts.result(verdicts.score(worst=worst(0.0, 4.0)), op=Op.of("sparse_xent"))
    tiny = verdicts.result(verdicts.score(worst=worst(0.0, 1e-16)), op=Op.of("dense_xent"), quantity="grad_labels")

    assert sorted([tiny, loss, usual], key=harm.rank, reverse=True) == [usual, loss, tiny]


def test_plainest_example():
    """Ordinary float32 shows a cause best, though bfloat16 is further off and huge logits are too."""
    plain = verdicts.result(verdicts.score(worst=worst(0.4, 0.5)))
    narrow = verdicts.result(verdicts.score(worst=worst(0.1, 0.5)), dtype="bfloat16")
    huge = verdicts.result(verdicts.score(worst=worst(0.0, 0.5, logits="0x1p+40")))

    assert max([narrow, huge, plain], key=harm.plain_first) is plain
