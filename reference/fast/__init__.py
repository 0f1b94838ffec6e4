"""The fast tier: every op in double-double, vectorised, each element with a proven radius."""
