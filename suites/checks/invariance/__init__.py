"""Invariance: the answer to a row depends on that row alone."""
