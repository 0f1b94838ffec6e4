"""Special values: infinities, nan, empty shapes, bad labels; claims where the answer is fixed, elsewhere policies."""

from __future__ import annotations

from suites.checks.check import Suite
from suites.checks.special.claims import CLAIMS
from suites.checks.special.policies import POLICIES

SPECIAL = Suite("special", {**CLAIMS.checks, **POLICIES.checks})
