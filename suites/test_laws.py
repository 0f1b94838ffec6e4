"""Laws: what holds between the answers of one function, whatever its algorithm."""

from collections.abc import Iterator, Sequence

from harness.adapters.adapter import Adapter
from suites.checks.laws import LAWS
from suites.conftest import Claim
from suites.questions import plan


def questions(adapters: Sequence[Adapter], wanted: plan.Wanted) -> Iterator[plan.Item]:
    """Take every check of the suite."""
    return LAWS.questions(adapters, wanted)


def test_law(question: plan.Item, claim: Claim) -> None:
    """Every law holds, exactly or within what rounding can do to it."""
    claim.check(question, LAWS)
