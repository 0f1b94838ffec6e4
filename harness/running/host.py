"""The machine a run depends on, framework apart: processor, memory, Python."""

from __future__ import annotations

import os
import platform
import secrets
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np

from harness.model import Run

ISAS = ("avx512f", "avx2", "avx", "asimd", "sse4_2")  # the widest first; asimd is Arm's


def facts() -> dict[str, str]:
    """Describe this machine."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "isa": isa(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory_bytes() / 2**30:.0f} GiB",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": installed("numba") or "none",  # times, never answers
    }


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or "unknown"


def instructions() -> str:
    """Return what the processor can do, as Linux names it; nothing where the system does not tell."""
    return _cpuinfo("flags") or _cpuinfo("Features")


def _cpuinfo(name: str) -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def installed(package: str) -> str:
    """Return the version of a package; nothing where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def isa() -> str:
    """Return the widest instruction set of this processor that libraries choose kernels by."""
    found = instructions().split()
    return next((name for name in ISAS if name in found), platform.machine())


def memory_bytes() -> int:
    """Return the physical memory; where the system does not tell, 8 GiB."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8 << 30


def new_run(preset: str, uid: str = "", parts: int = 1) -> Run:
    """Make a run, with an id that sorts by time where none is given. parts: those that it is asked in."""
    moment = datetime.now(UTC)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    name = uid or f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    return Run(
        name, moment.isoformat(timespec="seconds"), None, command, preset, facts(), (f"0/{parts}",) if parts > 1 else ()
    )
