"""The front door: the `xentbench` command line; the one package that may import all four others."""

from xentbench.program import Exit, app, main

__all__ = ["Exit", "app", "main"]
