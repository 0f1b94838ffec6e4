"""Ops that are asked apart, by balls: what the arbiter alone answers, from a row of numbers as it is given."""
