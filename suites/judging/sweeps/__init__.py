"""Sweeps: every number of a format put to functions of one number, in pieces that any executor takes."""
