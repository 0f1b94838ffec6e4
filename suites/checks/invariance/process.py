"""What a call does to the process that it is made in, beside answering."""

from __future__ import annotations

import math

from harness.adapters import state
from harness.model import Checked
from suites.checks.check import Asking
from suites.checks.invariance.suite import INVARIANCE


@INVARIANCE.check()  # of no case: every call is held to it (suites/judging/claim.py)
def process(asking: Asking) -> Checked:
    """A call leaves its process as it was: floating-point mode, error handling, limits, timers, others' functions."""
    state.changed()  # of earlier calls
    answer = asking.answer()
    seen = state.seen()
    return Checked(answer.size, math.inf if seen else 0.0, detail=state.told(seen) if seen else "")
