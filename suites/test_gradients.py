"""Gradients: with respect to logits and labels, under incoming gradients that are not all ones."""

from suites.conftest import Asker
from suites.parts import GRADIENTS
from suites.questions import plan

questions = GRADIENTS.questions


def test_gradient(question: plan.Item, claim: Asker) -> None:
    """Every element of a fused function's gradient lies within the budget of a stable algorithm."""
    claim(question, GRADIENTS)
