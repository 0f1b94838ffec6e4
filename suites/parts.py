"""All that is asked, in parts: what pytest's suites and a check in somebody's own process ask alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.adapters.adapter import Adapter
from harness.model import Case, Outcome, Target
from harness.running.measured import Measured
from reference.golden import Audited
from suites.checks import check as checks
from suites.checks.check import Asking, Suite
from suites.checks.invariance import INVARIANCE
from suites.checks.laws import LAWS
from suites.checks.special import SPECIAL
from suites.judging.claim import Answer
from suites.questions import plan
from suites.questions.plan import Item, Wanted

WIDE = 8192  # classes from which an exact answer takes longer than all that is asked of a short row

Questions = Callable[[Sequence[Adapter], Wanted], Iterator[Item]]


@dataclass(frozen=True)
class Part:
    """Questions, and how one is answered; where nothing is said, by its distance from the truth.

    name: of the module `test_NAME.py` that asks it.
    """

    name: str
    questions: Questions
    answer: Answer | None = None


def plain(name: str, asks: Callable[[Case], bool]) -> Part:
    """Return a part of the preset's cases."""
    return Part(name, lambda adapters, wanted: plan.questions(adapters, wanted, asks))


def suite(name: str, checks_of: Suite) -> Part:
    """Return the part that makes the checks of a suite."""

    def answer(adapter: Adapter, case: Case, target: Target, certify: Audited, measured: Measured) -> Outcome:
        return checks.outcome(checks_of, Asking(adapter, case, target, certify, measured))

    return Part(name, checks_of.questions, answer)


ACCURACY = plain("accuracy", lambda case: case.quantity == "value" and case.source.kind != "published")
GRADIENTS = plain("gradients", lambda case: case.quantity != "value" and case.source.kind != "published")
PUBLISHED = plain("published", lambda case: case.source.kind == "published")
OPTIONS = Part("options", plan.option_questions)
SPECIAL_VALUES = suite("special_values", SPECIAL)
LAW = suite("laws", LAWS)
INVARIANT = suite("invariance", INVARIANCE)
PARTS = (ACCURACY, GRADIENTS, PUBLISHED, OPTIONS, SPECIAL_VALUES, LAW, INVARIANT)


def questions(adapters: Sequence[Adapter], wanted: Wanted) -> list[tuple[Item, Part]]:
    """Return all questions to somebody's own functions, each with its part, in the order in which they are asked."""
    every = [(item, part) for part in PARTS for item in part.questions(adapters, wanted) if takes(item, wanted)]
    return sorted(every, key=lambda one: order(one[0]))


def takes(item: Item, wanted: Wanted) -> bool:
    """Tell whether a judged function is asked: in dtypes of its framework's own, in others where they are named."""
    adapter, case, _ = item
    return case.dtype in adapter.dtypes or bool(wanted.dtypes)


def order(item: Item) -> tuple[bool, bool]:
    """Return what puts float32 and short rows first, so that a finding comes soon and shows best."""
    _, case, _ = item
    return case.classes >= WIDE, case.dtype != "float32"
