"""End a process whose parent is gone: nobody would stop it when it hangs, or read what it says."""

from __future__ import annotations

import os
import signal
import threading
import time

PARENT = "XENTBENCH_PARENT"  # names the process that watches this one, where one does
POLL_SECONDS = 1.0


def end_with(parent: int) -> None:
    """Watch the parent's process id from a thread of its own, and end this process once the parent has died.

    A process that leads its own group takes the group with it, which are its compilers. A call that hangs without
    letting go of the interpreter lock is not ended. Windows keeps a dead parent's id: nothing is ended there.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="orphan").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
