"""Invariance: the answer to a row depends on that row alone."""

from collections.abc import Iterator, Sequence

from harness.adapters.adapter import Adapter
from suites.checks.invariance.rules import INVARIANCE
from suites.conftest import Claim
from suites.questions import plan


def questions(adapters: Sequence[Adapter], wanted: plan.Wanted) -> Iterator[plan.Item]:
    """Take every check of the suite."""
    return INVARIANCE.questions(adapters, wanted)


def test_invariance(question: plan.Item, claim: Claim) -> None:
    """Batch, position, layout, threads and run change nothing beyond the last bits, and no input."""
    claim.check(question, INVARIANCE)
