"""Invariance: the answer to a row depends on that row alone."""

from __future__ import annotations

from suites.checks.invariance import arrays, paths, process, rules, ways
from suites.checks.invariance.suite import INVARIANCE

__all__ = ["INVARIANCE", "arrays", "paths", "process", "rules", "ways"]
