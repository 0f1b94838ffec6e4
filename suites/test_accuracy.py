"""Values: how far from the exact answer, element by element, in ulps and against the derived budget."""

from harness.adapters import Adapter
from harness.model import Case, Target
from suites import published
from suites.conftest import Claim


def asks(case: Case) -> bool:
    """Take values of the input families."""
    return case.quantity == "value" and not case.family.startswith(published.PREFIX)


def test_value(question: tuple[Adapter, Case, Target], claim: Claim) -> None:
    """Every element of a fused function's value lies within the budget of a stable algorithm."""
    claim(question)
