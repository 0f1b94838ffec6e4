"""Laws that every implementation must keep, whatever its algorithm: exact, or within a derived allowance.

The accuracy suites hold each answer to the exact one on inputs built to provoke; a law looks elsewhere, where a
relation says what to expect: shifted, permuted and repeated rows, every length, every class as the label, incoming
gradients and labels of other sizes, floats one by one, the derivatives of derivatives. The other side of a relation is
the exact one, so that a law can be asked of one function alone and does not excuse two functions that err together.
"""

from __future__ import annotations

from suites.checks.laws import derivatives, exact, gradients, labels, lean, linear, points, reductions, rows
from suites.checks.laws.law import LAWS

__all__ = ["LAWS", "derivatives", "exact", "gradients", "labels", "lean", "linear", "points", "reductions", "rows"]
