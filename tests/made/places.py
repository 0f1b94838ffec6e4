"""Where files of kernels for tests are."""

from pathlib import Path

NARROW = str(Path(__file__).parents[1] / "kernels" / "narrow.py")
