"""The lean of long rows: its quantile by hand, chance that is let pass, and a lean that no single row shows."""

import mpmath
import numpy as np
import pytest

from harness import adapters
from harness.adapters import Catalogue, judged
from harness.model import Case, Op, Target
from reference.cache import Cache
from suites.checks import check as checks
from suites.checks.check import Asking
from suites.checks.laws import LAWS, lean

OP = Op.of("logsumexp")


def test_quantile_is_students():
    """Beyond 8.62 lies 1e-9 of Student's t with 31 degrees of freedom, by the incomplete beta function."""
    freedom = lean.MANY - 1
    x = freedom / (freedom + mpmath.mpf(lean.STUDENT) ** 2)
    tails = mpmath.betainc(freedom / 2, 0.5, 0, x, regularized=True)

    assert float(tails) == pytest.approx(lean.FALSE_ALARM, rel=0.03)


def checked(folder, off):
    """Make the claim of a logsumexp whose rows' sums are off by so much, relative, in turn."""
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def function(logits, axis):
        m = logits.amax(axis, keepdim=True)
        s = (logits - m).double().exp().sum(axis)
        wrong = torch.from_numpy(np.resize(off, len(s)))
        return (m.double().squeeze(axis) + (s * (1 + wrong)).log()).to(logits.dtype)

    catalogue = Catalogue("torch")
    catalogue.form(OP.name, "function", "fused")(judged.builder(OP.name, function, "torch"))
    adapter = adapters.load("torch").offering(catalogue)
    case = Case(OP, "value", "normal", "float32", lean.MANY, lean.LONG, check="law.lean")
    target = Target(adapter.implementations()[0], "eager")
    return checks.outcome(LAWS, Asking(adapter, case, target, Cache(folder / "goldens").golden))


def test_errors_to_either_side_are_chance(folder):
    """Sums off by 1e-4, every other one high, do not lean; a single row of them would be as far off as below."""
    assert checked(folder, [1e-4, -1e-4]).over < 0.1


def test_a_lean_is_found_that_one_row_does_not_show(folder):
    """All low by 1e-5, a hundredth of what the worst case allows a row, is found, and told by its mean."""
    found = checked(folder, [-1e-5])

    assert found.over > 1
    assert "off by -9.9" in found.detail
