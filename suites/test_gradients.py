"""Gradients: with respect to logits and labels, under incoming gradients that are not all ones."""

from harness.adapters import Adapter
from harness.model import Case, Target
from suites import published
from suites.conftest import Claim


def asks(case: Case) -> bool:
    """Take gradients of the input families."""
    return case.quantity != "value" and not case.family.startswith(published.PREFIX)


def test_gradient(question: tuple[Adapter, Case, Target], claim: Claim) -> None:
    """Every element of a fused function's gradient lies within the budget of a stable algorithm."""
    claim(question)
