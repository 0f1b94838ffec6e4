"""Values: how far from the exact answer, element by element, in ulps and against the derived budget."""

from suites.conftest import Asker
from suites.parts import ACCURACY
from suites.questions import plan

questions = ACCURACY.questions


def test_value(question: plan.Item, claim: Asker) -> None:
    """Every element of a fused function's value lies within the budget of a stable algorithm."""
    claim(question, ACCURACY)
