"""Tolerances: those that the comparisons have today, and what they let pass."""

import inspect
import math

import numpy as np
import pytest

from harness.model import DTYPES, Checked, Failed, Worst
from harness.scoring import tolerances
from tests.made import verdicts


def outcome(got, expected):
    """Return a score with such a worst element."""
    return verdicts.score(worst=Worst((0,), "", "", "", "", float(expected).hex(), float(got).hex(), 1.0))


def test_numpy_has_these_defaults():
    """The table holds what numpy's signature says."""
    defaults = inspect.signature(np.testing.assert_allclose).parameters
    ours = tolerances.COMPARISONS["numpy.testing.assert_allclose"]["float32"]

    assert (defaults["rtol"].default, defaults["atol"].default) == (ours.rtol, ours.atol)


def test_torch_has_these_defaults():
    """The table holds what torch looks up."""
    torch = pytest.importorskip("torch")
    for name, ours in tolerances.COMPARISONS["torch.testing.assert_close"].items():
        dtype = getattr(torch, name)
        found = torch.testing._comparison.default_tolerances(dtype)
        assert found == (ours.rtol, ours.atol), name


def test_every_comparison_knows_every_dtype():
    """Whatever is asked can be held against each."""
    assert all(set(by_dtype) == set(DTYPES) for by_dtype in tolerances.COMPARISONS.values())


def test_noticed():
    """An error of 1.5e-6 at 1 passes torch's tolerance and not numpy's."""
    seen = tolerances.noticed("float32", outcome(1 + 1.5e-6, 1.0))

    assert seen == {
        "torch.testing.assert_close": False,
        "numpy.testing.assert_allclose": True,
        "chex.assert_trees_all_close": True,
        "tf.test.TestCase.assertAllClose": False,
    }
    assert tolerances.in_words(seen) == (
        "numpy.testing.assert_allclose, chex.assert_trees_all_close; "
        "not torch.testing.assert_close, tf.test.TestCase.assertAllClose"
    )


@pytest.mark.parametrize("got", [math.nan, math.inf])
def test_what_is_no_number_is_noticed(got):
    """nan for a number is seen by all; the words say so."""
    seen = tolerances.noticed("float64", outcome(got, 1.0))

    assert all(seen.values())
    assert tolerances.in_words(seen).startswith("each of torch.testing")


def test_answers_without_numbers_are_not_compared():
    """Where there is no worst element, nothing is said."""
    assert tolerances.noticed("float32", Failed("raised", "no")) == {}
    assert tolerances.noticed("float32", Checked(1, 2.0)) == {}
    assert tolerances.in_words({}) == ""
