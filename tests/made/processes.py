"""Other processes, as tests watch them."""

import time
from pathlib import Path

PATIENCE_SECONDS = 60.0  # until a test gives up on another process


def alive(pid):
    """Tell whether a process runs; one that is dead and not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(true):
    """Wait for what another process does; fail where it never comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
