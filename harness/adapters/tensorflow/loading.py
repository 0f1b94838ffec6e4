"""What TensorFlow writes while it is imported, and what it imports though nobody asks for it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def stderr_kept() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, and write it after all where the block raises."""
    with tempfile.TemporaryFile() as kept:
        stderr = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(stderr, kept.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextlib.contextmanager
def left_out(package: str) -> Iterator[None]:
    """Let a package that is not loaded yet stand for one that is not installed, inside."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # as Python's manual has it: to import it is an error
    try:
        yield
    finally:
        del sys.modules[package]
