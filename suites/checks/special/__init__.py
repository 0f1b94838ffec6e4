"""Special values: infinities, nan, empty shapes, bad labels; claims where the answer is fixed, elsewhere policies."""

from __future__ import annotations

from suites.checks.special import cost, ignored, linear, long, policies, probabilities
from suites.checks.special.claims import SPECIAL

__all__ = ["SPECIAL", "cost", "ignored", "linear", "long", "policies", "probabilities"]
