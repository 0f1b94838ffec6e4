"""Where files of kernels for tests are."""

from pathlib import Path

KERNELS = Path(__file__).parents[1] / "kernels"
LOST, NARROW = (str(KERNELS / name) for name in ("lost.py", "narrow.py"))
