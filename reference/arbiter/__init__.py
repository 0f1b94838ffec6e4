"""The arbiter: every op in mpmath, with an error bound carried through every operation."""
