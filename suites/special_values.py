"""Special values: infinities, nan, empty shapes, bad labels; claims where the answer is fixed, elsewhere policies."""

from __future__ import annotations

from suites.checks import Suite
from suites.special_claims import CLAIMS
from suites.special_policies import POLICIES

SPECIAL = Suite("special", {**CLAIMS.checks, **POLICIES.checks})
