"""Say what is running and how long it will take: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.running.process import Process
from harness.spelling import printable

PLAIN_SECONDS = 30.0  # between two lines where nothing can be overwritten, as in CI


class Progress:
    """Progress of a run, on a console's terms. Use as a context manager around calls."""

    def __init__(self, console: Console) -> None:
        """Write to a console."""
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else None
        self._started = time.monotonic()
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        """Begin."""
        if self._live:
            self._live.start()
        return self

    def clear(self) -> None:
        """Take the live line away, for other lines to be printed; it comes back with the next call."""
        if self._live:
            self._live.update(Text(""), refresh=True)

    def __exit__(self, *_: object) -> None:
        """Clear the live line."""
        if self._live:
            self._live.stop()

    def __call__(self, processes: Sequence[Process]) -> None:
        """Show a line a running process, and the time left."""
        asked = sum(process.asked for process in processes)
        planned = sum(process.planned for process in processes)
        lines = [f"{asked} of {planned or '?'} questions{self._left(asked, planned)}"]
        for process in processes:
            if process.popen:
                doing = f"{process.in_hand[0]} {process.in_hand[1]}" if process.in_hand else "starting"
                lines.append(f"  {process.job.name}: {process.asked} of {process.planned or '?'}; {doing}")
        self._show(lines)

    def simple(self, what: str, done: int, count: int) -> None:
        """Show one line with a count."""
        self._show([f"{what}: {done} of {count}{self._left(done, count)}"])

    def _left(self, done: int, count: int) -> str:
        elapsed = time.monotonic() - self._started
        if not done or done >= count:
            return ""
        return f", about {elapsed / done * (count - done):.0f} s left"

    def _show(self, lines: list[str]) -> None:
        if self._live:
            width = self._console.width
            self._live.update(Text("\n".join(printable(line)[:width] for line in lines)), refresh=True)
        elif time.monotonic() - self._said > PLAIN_SECONDS:
            self._said = time.monotonic()
            for line in lines:
                self._console.print(printable(line), highlight=False, markup=False, soft_wrap=True)
