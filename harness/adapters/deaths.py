"""How a process ended, in a word."""

from __future__ import annotations

import signal


def how_it_died(code: int) -> str:
    """Name a return code: a signal's name where a signal ended the process."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}{', perhaps out of memory' if name == 'SIGKILL' else ''}"
