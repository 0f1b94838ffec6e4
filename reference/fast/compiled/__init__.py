"""Loops that numba compiles for the fast tier. Import them only by way of `harness.jit`."""
