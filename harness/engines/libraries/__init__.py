"""Libraries that people train, infer or score with, beside the three frameworks."""
