"""Options: axes, reductions and their denominators, weights, ignored labels, smoothing, in each framework's meaning.

What an option means is said in terms of the reference's own ops (`reference.options.meaning`), and the answer is
measured against that. What a framework does not offer is recorded as unsupported.
"""

from collections.abc import Iterator, Sequence

from harness.adapters.adapter import Adapter
from suites.conftest import Claim
from suites.questions import plan


def questions(adapters: Sequence[Adapter], wanted: plan.Wanted) -> Iterator[plan.Item]:
    """Take the options of every op, alone and together."""
    return plan.option_questions(adapters, wanted)


def test_option(question: plan.Item, claim: Claim) -> None:
    """A fused function with an option answers what the option means, within the budget of a stable algorithm."""
    claim(question)
