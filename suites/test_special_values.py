"""Special values: claims where the answer is fixed, recorded policies where it is not."""

from suites.conftest import Asker
from suites.parts import SPECIAL_VALUES
from suites.questions import plan

questions = SPECIAL_VALUES.questions


def test_special_value(question: plan.Item, claim: Asker) -> None:
    """Every fixed answer is given, and a policy is the same in every mode and on every device."""
    claim(question, SPECIAL_VALUES)
