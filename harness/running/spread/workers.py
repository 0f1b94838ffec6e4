"""What answers of a worker depend on, held against those of whoever sends the work."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import metadata

import numpy as np

from harness.running import host, measured

SOURCE = "measured by"  # the digest of this program's source, and of all that it measures by


class Mismatch(ValueError):  # noqa: N818 - said of a worker
    """A worker whose answers could not be put beside those of the others."""


def program() -> dict[str, str]:
    """Return what exact answers and scores depend on, frameworks apart."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "mpmath": metadata.version("mpmath"),
        "processor": host.facts()["processor"],
        SOURCE: measured.edition()[:16],
    }


def check(here: Mapping[str, str], wanted: Mapping[str, str], whose: str) -> None:
    """Raise Mismatch for the first fact of this process that is not as wanted; whose: where that was taken from."""
    differ = [name for name in here.keys() | wanted.keys() if here.get(name) != wanted.get(name)]
    if off := sorted(differ, key=lambda name: (name == SOURCE, name)):
        name = off[0]
        raise Mismatch(
            f"worker {os.uname().nodename}:{os.getpid()} has {name} {here.get(name)!r}, expected "
            f"{wanted.get(name)!r} as {whose}; try: the same environment for all workers"
        )
