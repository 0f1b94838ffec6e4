"""What is asked: input families, cases, presets, and the plan of one process."""
