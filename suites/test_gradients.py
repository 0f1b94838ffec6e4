"""Gradients: with respect to logits and labels, under incoming gradients that are not all ones."""

from collections.abc import Iterator, Sequence

from harness.adapters.adapter import Adapter
from suites.conftest import Claim
from suites.questions import plan


def questions(adapters: Sequence[Adapter], wanted: plan.Wanted) -> Iterator[plan.Item]:
    """Take gradients of the input families."""
    return plan.questions(adapters, wanted, lambda case: case.quantity != "value" and case.source.kind != "published")


def test_gradient(question: plan.Item, claim: Claim) -> None:
    """Every element of a fused function's gradient lies within the budget of a stable algorithm."""
    claim(question)
