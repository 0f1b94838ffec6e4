"""Formulas in float64, each within a proven radius: enough for formats of at most 24 bits."""
