"""Questions are known by content, and goldens are printed to the digits that are certain."""

import ml_dtypes
import mpmath
import numpy as np
import pytest

from harness.model import Case, Inputs, Op
from reference import golden
from reference.arbiter import settle
from suites.questions import cases

SOFTMAX = Op.of("softmax")


def rows(dtype=np.float32):
    """Return plain inputs of two rows."""
    logits = np.array([[0.5, 1.5, -0.25], [2.0, 0.0, 1.0]], dtype)
    return Inputs(logits, None, np.ones_like(logits))


BASE = golden.content(SOFTMAX, "grad_logits", rows())


def with_logits(logits, upstream=None):
    """Hash a softmax gradient of given arrays."""
    up = np.ones(logits.shape, logits.dtype) if upstream is None else upstream
    return golden.content(SOFTMAX, "grad_logits", Inputs(logits, None, up))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(with_logits(rows(np.float64).logits), id="dtype"),
        pytest.param(with_logits(rows().logits.reshape(3, 2)), id="shape"),
        pytest.param(with_logits(rows().logits + np.float32(2.0**-22)), id="a bit"),
        pytest.param(with_logits(-rows().logits * -1, 2 * rows().upstream), id="upstream"),
        pytest.param(golden.content(SOFTMAX, "value", rows()), id="quantity"),
        pytest.param(golden.content(Op.of("softmax", axis=0), "grad_logits", rows()), id="options"),
        pytest.param(golden.content(Op.of("log_softmax"), "grad_logits", rows()), id="op"),
    ],
)
def test_content_changes_with_the_question(other):
    """Another dtype, shape, bit, upstream, quantity, option or op is another question."""
    assert other != BASE


def test_content_knows_16_bit_formats_apart():
    """float16 and bfloat16 arrays of the same bytes are different questions."""
    pattern = np.array([[0x3C00, 0x3C01]], np.uint16)

    assert with_logits(pattern.view(np.float16)) != with_logits(pattern.view(ml_dtypes.bfloat16))


def test_content_does_not_know_names_or_layout(monkeypatch):
    """A renamed family finds its goldens again, and so does the same array in another memory order."""
    before = Case(SOFTMAX, "grad_logits", "normal", "float32", 2, 3)
    drawn = cases.inputs(before)
    monkeypatch.setattr(cases.families, "draw", lambda *_: drawn.logits)
    monkeypatch.setattr(cases, "_upstream", lambda *_: drawn.upstream)
    after = cases.inputs(Case(SOFTMAX, "grad_logits", "renamed", "float32", 2, 3))

    assert golden.content(SOFTMAX, "grad_logits", after) == golden.content(SOFTMAX, "grad_logits", drawn)
    assert with_logits(np.asfortranarray(rows().logits)) == BASE


def test_value_does_not_depend_on_upstream():
    """Values of one op share a golden, whatever gradient comes in."""
    doubled = Inputs(rows().logits, None, 2 * rows().upstream)

    assert golden.content(SOFTMAX, "value", doubled) == golden.content(SOFTMAX, "value", rows())


@pytest.mark.parametrize(
    ("op", "quantity", "row", "truth"),
    [
        pytest.param("logsumexp", "value", [0.0, 0.0], lambda: mpmath.log(2), id="log 2"),
        pytest.param("sigmoid", "value", [1.0], lambda: 1 / (1 + mpmath.exp(-1)), id="sigmoid of 1"),
        pytest.param("softmax", "value", [0.0, -800.0], lambda: 1 / (1 + mpmath.exp(-800)), id="nearly 1"),
        pytest.param("log_softmax", "value", [0.0, -800.0], lambda: -mpmath.log1p(mpmath.exp(-800)), id="tiny"),
    ],
)
def test_digits(op, quantity, row, truth):
    """30 significant digits are those of mpmath."""
    upstream = np.ones(1) if op == "logsumexp" else np.ones((1, len(row)))
    certified = settle.certify(Op.of(op), quantity, Inputs(np.array([row]), None, upstream))
    index = (0,) if op == "logsumexp" else (0, 0)
    with mpmath.workdps(500):
        expected = mpmath.nstr(truth(), 30)

    assert golden.digits(certified, index) == expected


@pytest.mark.parametrize(("packs", "hi"), [(True, np.zeros(5000)), (False, np.random.default_rng(0).random(5000))])
def test_digits_that_hardly_pack_are_stored_as_they_are(tmp_path, packs, hi):
    """A file of zeros is small, one of random digits a little larger than these; both are read as they were written."""
    made = golden.Golden(hi, hi[::-1] ** 2 * 2.0**-54, None, 0.0)
    golden.write(tmp_path / "file", "name", made)
    found = golden.read(tmp_path / "file", "name", (5000,))
    size = (tmp_path / "file").stat().st_size

    assert (found.hi == hi).all()
    assert (found.lo == made.lo).all()
    assert size < 1000 if packs else 80_000 < size < 80_500
