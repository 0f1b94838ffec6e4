"""The suite of invariance, and what most of its checks are asked of."""

from __future__ import annotations

from dataclasses import replace

from harness.model import QUANTITIES, Op
from harness.ops import ASKED
from harness.ops import OPS as RECORDS
from suites.checks.check import Spec, Suite
from suites.questions import cases, linear

INVARIANCE = Suite("invariance")
OPS = tuple(op for op in ASKED if "reduction" not in op.options)  # those that answer row by row
ODD = (33, 33)  # for the tails of every vector loop

# What is asked plainly in this shape is judged by the suite of accuracy, and compiled for it.
SQUARE = Spec(OPS, QUANTITIES, "normal", *cases.SQUARE, ("float32",))
IN_MEMORY = Spec(OPS, QUANTITIES, "normal", *ODD)
# A loss of hidden states; where rows are looked at one by one, not the gradient of the weight, which mixes them.
LINEAR = Spec((Op.of("linear_xent"),), QUANTITIES, *linear.CHECK, ("float32",))
BY_ROW = replace(LINEAR, quantities=RECORDS["linear_xent"].forward_and_backward)
