"""Claims beside the distance from the truth: laws, special values, invariance."""
