"""Exact mathematics: what the right answer is, and how far from it a sound algorithm may land; knows no framework."""
