"""Ops with options, answered by the same ops without."""
