"""Invariance: the answer to a row depends on that row alone."""

from suites.conftest import Asker
from suites.parts import INVARIANT
from suites.questions import plan

questions = INVARIANT.questions


def test_invariance(question: plan.Item, claim: Asker) -> None:
    """Batch, position, layout, threads and run change nothing beyond the last bits, and no input."""
    claim(question, INVARIANT)
