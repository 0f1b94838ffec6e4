"""Options: axes, reductions and their denominators, weights, ignored labels, smoothing, in each framework's meaning.

What an option means is said in terms of the reference's own ops (`reference.options.meaning`), and the answer is
measured against that. What a framework does not offer is recorded as unsupported.
"""

from suites.conftest import Asker
from suites.parts import OPTIONS
from suites.questions import plan

questions = OPTIONS.questions


def test_option(question: plan.Item, claim: Asker) -> None:
    """A fused function with an option answers what the option means, within the budget of a stable algorithm."""
    claim(question, OPTIONS)
