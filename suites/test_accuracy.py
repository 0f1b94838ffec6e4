"""Values: how far from the exact answer, element by element, in ulps and against the derived budget."""

from collections.abc import Iterator, Sequence

from harness.adapters.adapter import Adapter
from suites.conftest import Claim
from suites.questions import plan


def questions(adapters: Sequence[Adapter], wanted: plan.Wanted) -> Iterator[plan.Item]:
    """Take values of the input families."""
    return plan.questions(adapters, wanted, lambda case: case.quantity == "value" and case.source.kind != "published")


def test_value(question: plan.Item, claim: Claim) -> None:
    """Every element of a fused function's value lies within the budget of a stable algorithm."""
    claim(question)
