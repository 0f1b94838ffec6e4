"""The published examples, with today's answers."""

from suites.conftest import Asker
from suites.parts import PUBLISHED
from suites.questions import plan

questions = PUBLISHED.questions


def test_published(question: plan.Item, claim: Asker) -> None:
    """Every published example comes out right wherever a fused function is asked."""
    claim(question, PUBLISHED)
