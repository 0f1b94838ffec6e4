"""Say what is running and how long it will take: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.running.process import Job, Process
from harness.running.progress import course
from harness.running.progress.course import PARTS, Course, Courses
from harness.spelling import printable

PLAIN_SECONDS = 30.0  # between two lines where nothing can be overwritten, as in CI
FORETOLD_SECONDS = 10.0  # after which the time left is told, and a second line where lines are plain


@dataclass
class Seen:
    """What was seen of a process: when it started and asked first, and when each part of its questions was asked."""

    started: float
    began: float | None = None
    whole: bool = True  # seen from its first question on
    marks: list[float] = field(default_factory=list)

    def look(self, process: Process, now: float) -> float:
        """Take in how far it has come; return the share of its questions that are asked."""
        if not process.planned:
            return 0.0
        share = process.asked / process.planned
        if self.began is None:
            self.began, self.whole = now - self.started, process.asked == 0
        while len(self.marks) <= int(share * PARTS + 1e-9):
            self.marks.append(now - self.started)
        return share


class Progress:
    """Progress of a run, on a console's terms. Use as a context manager around calls."""

    def __init__(self, console: Console, beside: Path | None = None, at_once: int = 1) -> None:
        """Write to a console. beside: the folder of earlier courses. at_once: processes that run side by side."""
        self._console, self._at_once = console, at_once
        self._courses = Courses(beside / course.NAME if beside else None)
        self._seen: dict[str, Seen] = {}
        self._finished: dict[str, Job] = {}
        self._live = Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else None
        self._started = time.monotonic()
        self._next = self._started  # when the next plain line is due
        self._first: tuple[float, int] | None = None  # of one thing: when some were done first, and how many

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
        """Clear the live line, and keep the courses of what was asked from beginning to end."""
        if self._live:
            self._live.stop()
        whole = [(job, self._seen[name]) for name, job in self._finished.items() if name in self._seen]
        self._courses.keep(
            (_names(job), Course(tuple(seen.marks)))
            for job, seen in whole
            if seen.whole and len(seen.marks) == PARTS + 1 and seen.marks[-1] > seen.marks[0]
        )

    def __call__(self, processes: Sequence[Process]) -> None:
        """Show a line a running process, and the time left."""
        seconds = self._foretold(processes)
        asked = sum(process.asked for process in processes)
        planned = sum(process.planned for process in processes)
        lines = [f"{asked} of {planned or '?'} questions{seconds if asked < planned or not planned else ''}"]
        for process in processes:
            if process.popen:
                doing = f"{process.in_hand[0]} {process.in_hand[1]}" if process.in_hand else "starting"
                lines.append(f"  {process.job.name}: {process.asked} of {process.planned or '?'}; {doing}")
        self._show(lines)

    def _foretold(self, processes: Sequence[Process]) -> str:
        """Say how long all processes will take together, from the first ten seconds on; where all can be told of."""
        now, running, waiting = time.monotonic(), [], []
        for process in processes:
            name, known = process.job.name, self._courses.of(_names(process.job))
            if process.finished:
                if process.complete and name in self._seen:
                    self._finished[name] = process.job
                    self._seen[name].look(process, now)
            elif process.popen is None and name not in self._seen:
                waiting.append(known.total if known else None)
            else:
                seen = self._seen.setdefault(name, Seen(now))
                share = seen.look(process, now)
                running.append(course.left(share, seen.began, now - seen.started, known))
        untold = sum(seconds is None for seconds in [*running, *waiting])
        told = [[seconds for seconds in part if seconds is not None] for part in (running, waiting)]
        seconds = course.together(told[0], told[1], self._at_once)
        if now - self._started < FORETOLD_SECONDS or not seconds:
            return ""
        return f", {'more than' if untold else 'about'} {seconds:.0f} s left"

    def doing(self, what: str) -> None:
        """Show what is being done, of which nobody knows how much there is."""
        self._show([what])

    def simple(self, what: str, done: int, count: int) -> None:
        """Show one line with a count."""
        self._show([f"{what}: {done} of {count}{self._left(done, count)}"])

    def _left(self, done: int, count: int) -> str:
        """Say how long the rest takes, at the pace since the first was done, which took the start and compiling too."""
        now = time.monotonic()
        if done and self._first is None:
            self._first = now, done
        if self._first is None or done >= count or now - self._started < FORETOLD_SECONDS:
            return ""
        since, before = self._first if done > self._first[1] else (self._started, 0)
        return f", about {(now - since) / (done - before) * (count - done):.0f} s left"

    def _show(self, lines: list[str]) -> None:
        if self._live:
            width = self._console.width
            self._live.update(Text("\n".join(printable(line)[:width] for line in lines)), refresh=True)
        elif (now := time.monotonic()) >= self._next:
            first = now - self._started < FORETOLD_SECONDS
            self._next = self._started + FORETOLD_SECONDS if first else now + PLAIN_SECONDS
            for line in lines:
                self._console.print(printable(line), highlight=False, markup=False, soft_wrap=True)


def _names(job: Job) -> tuple[str, ...]:
    """Return the names of a job's course: of all its options, and of the job whatever they are."""
    return f"{job.name} {hashlib.sha256(' '.join(job.arguments).encode()).hexdigest()[:16]}", job.name
