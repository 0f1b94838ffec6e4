"""A batch of candidates put to one target: one call, one golden, and how far off each row is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.adapters.adapter import Adapter
from harness.model import FORMATS, Case, Failed, Golden, Inputs, Op, Quantity, Target, Unsupported
from harness.scoring import metrics
from reference import tiers
from reference.golden import Certify
from reference.options import meaning
from suites.judging.judge import ACCEPTED
from suites.judging.searching import rows

BATCH = 64  # rows, always: compiled functions see few shapes


class Refused(ValueError):  # noqa: N818 - said of a question
    """A target that gives no answer to any row."""


@dataclass
class Asking:
    """Puts rows of a case's op, quantity and dtype to a target, and counts them."""

    adapter: Adapter
    target: Target
    case: Case
    asked: int = field(default=0)

    def overs(self, some: Inputs) -> list[float]:
        """Return each row's error over the widest bound that is accepted, asked in batches; above 1 it deviates.

        Raises Refused.
        """
        count, found = len(some.logits), list[float]()
        for first in range(0, count, BATCH):
            here = [min(first + i, count - 1) for i in range(BATCH)]
            found += self._batch(rows.take(some, here), _quick)
        self.asked += count
        return found[:count]

    def alone(self, some: Inputs) -> float:
        """Return one row's error over bound, asked alone and held against the arbiter. Raises Refused."""
        (over,) = self._batch(some, tiers.arbitrate)
        return over

    def _batch(self, some: Inputs, certify: Certify) -> list[float]:
        op, quantity = self.case.op, self.case.quantity
        got = self.adapter.ask(op, quantity, some, self.target)
        if isinstance(got, Unsupported | Failed):
            raise Refused(f"{self.target} gives no answer: {got.reason}")
        golden = meaning.golden(op, quantity, some, certify)
        budget = meaning.budget(op, quantity, some, certify)
        flushed = np.broadcast_to(budget.flushed, got.shape)
        bounds = {kind: np.broadcast_to(error, got.shape) for kind, error in budget.error.items()}
        form, found = FORMATS[self.case.dtype], []
        for row in range(len(got)):
            here = slice(row, row + 1)
            exponent = None if golden.exponent is None else golden.exponent[here]
            exact = Golden(golden.hi[here], golden.lo[here], exponent, golden.radius)
            distance = metrics.measure(
                got[here], exact, form, {kind: bound[here] for kind, bound in bounds.items()}, flushed[here]
            )
            found.append(min(over for kind, over in distance.over_bound.items() if kind in ACCEPTED))
        return found


def _quick(op: Op, quantity: Quantity, inputs: Inputs) -> Golden:
    """Answer by the fast tier; the arbiter confirms what a search ends with."""
    return tiers.certify(op, quantity, inputs, 0.0)


def best(overs: Sequence[float], count: int) -> list[int]:
    """Return which are the largest, the largest first; what is first is taken first among equals."""
    return sorted(range(len(overs)), key=lambda i: (-overs[i], i))[:count]
