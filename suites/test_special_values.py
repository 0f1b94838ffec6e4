"""Special values: claims where the answer is fixed, recorded policies where it is not."""

from collections.abc import Iterator, Sequence

from harness.adapters.adapter import Adapter
from suites.checks.special import SPECIAL
from suites.conftest import Claim
from suites.questions import plan


def questions(adapters: Sequence[Adapter], wanted: plan.Wanted) -> Iterator[plan.Item]:
    """Take every check of the suite."""
    return SPECIAL.questions(adapters, wanted)


def test_special_value(question: plan.Item, claim: Claim) -> None:
    """Every fixed answer is given, and a policy is the same in every mode and on every device."""
    claim.check(question, SPECIAL)
