"""Laws: what holds between the answers of one function, whatever its algorithm."""

from suites.conftest import Asker
from suites.parts import LAW
from suites.questions import plan

questions = LAW.questions


def test_law(question: plan.Item, claim: Asker) -> None:
    """Every law holds, exactly or within what rounding can do to it."""
    claim(question, LAW)
