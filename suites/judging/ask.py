"""Ask one question: case -> golden -> the framework's call -> outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial

import numpy as np

from harness.adapters import state
from harness.adapters.adapter import Adapter
from harness.model import (
    FORMATS,
    Array,
    Case,
    Failed,
    Golden,
    Inputs,
    Op,
    Outcome,
    Quantity,
    Score,
    Target,
    Unsupported,
    Worst,
)
from harness.running.measured import UNKEPT, Measured
from harness.scoring import bits, cells, metrics, ruler, swept
from harness.scoring.ruler import Ruler
from reference import bounds, golden, rounding
from reference.golden import Audited
from reference.options import meaning
from suites.judging import refusal
from suites.judging.worst import row_again, worst_element
from suites.questions import cases, families
from suites.questions.swept import lines

TOLD = ("S", "N")  # classes of which is said how much of a budget is of the logits

state.watch(*(state.Functions(module).setting for module in (bits, metrics, ruler)))  # a call may not replace its judge


@dataclass(frozen=True)
class Asked:
    """A case with all that is computed once for its many targets. given: some of its rows, asked instead of all."""

    case: Case
    certify: Audited
    measured: Measured = UNKEPT
    answered: dict[object, Outcome] = field(default_factory=dict)
    given: Inputs | None = None

    @property
    def inputs(self) -> Inputs:
        """What is asked."""
        return cases.inputs(self.case) if self.given is None else self.given

    @cached_property
    def golden(self) -> Golden:
        """The exact answers."""
        return meaning.golden(self.case.op, self.case.quantity, self.inputs, self.certified)

    @cached_property
    def budget(self) -> bounds.Budget:
        """The error budgets."""
        return meaning.budget(self.case.op, self.case.quantity, self.inputs, self.certified)

    @cached_property
    def ruler(self) -> Ruler:
        """What its answers are measured against."""
        return ruler.make(self.golden, FORMATS[self.case.dtype], self.budget.error, self.budget.flushed)

    def certified(self, op: Op, quantity: Quantity, inputs: Inputs) -> Golden:
        """Answer an op without options, such as those that one with options is made of."""
        return self.certify(op, quantity, inputs, families.audit(self.case.source))

    @cached_property
    def content(self) -> str:
        """The content hash."""
        return golden.content(self.case.op, self.case.quantity, self.inputs)


def apart(question: Asked, index: tuple[int, ...]) -> str:
    """Say of a linear op how much of an element's budget is of its logits, and how much of the loss; else nothing."""
    parts = []
    for kind, of_logits in question.budget.logits.items():
        whole = float(question.budget.error[kind][index])
        if kind in TOLD and whole:
            share = float(of_logits[index]) / whole
            parts.append(f"{whole:.2g} in class {kind}, {share:.0%} of it for the logits, the rest for the loss")
    return "; ".join(parts)


@lru_cache(maxsize=4)  # items are ordered by case
def asked(case: Case, certify: Audited, measured: Measured = UNKEPT) -> Asked:
    """Return what the targets of a case share."""
    return Asked(case, certify, measured)


def asked_alone(case: Case, worst: Worst, certify: Audited) -> Asked:
    """Return a stored row by itself: what it is of may be too large to be drawn."""
    return Asked(case, certify, given=row_again(case, worst))


def score(adapter: Adapter, target: Target, question: Asked) -> Outcome:
    """Ask a target and measure its answer; what goes wrong in the framework comes back as an outcome.

    Two spellings of one function (`tf.compat.v2.nn.softmax is tf.nn.softmax`) are asked once a case.
    """
    key = (adapter.offer(target.implementation).identity, target.mode, target.device)
    if key not in question.answered:
        question.answered[key] = _score(adapter, target, question)
    return question.answered[key]


def _score(adapter: Adapter, target: Target, question: Asked) -> Outcome:
    case, inputs = question.case, question.inputs

    def asked_of(given: Inputs) -> Array | Unsupported | Failed:
        return adapter.ask(case.op, case.quantity, given, target)

    got = refusal.read(asked_of(inputs), adapter, case.op, inputs, asked_of)
    if isinstance(got, Unsupported | Failed):
        return got
    return question.measured.outcome(f"score {case} {question.content}", got, partial(_measure, question, got))


def _measure(question: Asked, got: Array) -> Score:
    """Measure an answer, and describe what is furthest off."""
    distance = metrics.against(question.ruler, got)
    return Score(
        elements=got.size,
        max_ulp=distance.max_ulp,
        mean_ulp=distance.mean_ulp,
        bias_ulp=distance.bias_ulp,
        over_bound=distance.over_bound,
        budget_class=distance.budget_class,
        verdicts=distance.verdicts,
        worst=_worst(question, got, distance),
        bits=bits.digest(got),
        swept=_swept(question, got) if question.case.source.name in lines.LINES else "",
    )


def _swept(question: Asked, got: Array) -> str:
    """Sum up an answer to a line, binade by binade."""
    flushed = np.broadcast_to(question.budget.flushed, got.shape)
    return swept.pack(cells.whole(got, question.golden, FORMATS[question.case.dtype], flushed))


def _worst(question: Asked, got: Array, distance: metrics.Distance) -> Worst:
    """Describe the element that is furthest off."""
    case, index = question.case, distance.worst
    return worst_element(
        case,
        question.inputs,
        index,
        rounding.nearest_at(question.golden, FORMATS[case.dtype], index),
        float(got[index]),
        exact=golden.digits(question.golden, index),
        ulp=distance.worst_ulp,
    )
