"""The published examples, with today's answers."""

from harness.adapters import Adapter
from harness.model import Case, Target
from suites import published
from suites.conftest import Claim


def asks(case: Case) -> bool:
    """Take the published examples, values and gradients."""
    return case.family.startswith(published.PREFIX)


def test_published(question: tuple[Adapter, Case, Target], claim: Claim) -> None:
    """Every published example comes out right wherever a fused function is asked."""
    claim(question)
