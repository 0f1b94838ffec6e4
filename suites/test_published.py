"""The published examples, with today's answers."""

from collections.abc import Iterator, Sequence

from harness.adapters.adapter import Adapter
from suites.conftest import Claim
from suites.questions import plan


def questions(adapters: Sequence[Adapter], wanted: plan.Wanted) -> Iterator[plan.Item]:
    """Take the published examples, values and gradients."""
    return plan.questions(adapters, wanted, lambda case: case.source.kind == "published")


def test_published(question: plan.Item, claim: Claim) -> None:
    """Every published example comes out right wherever a fused function is asked."""
    claim(question)
