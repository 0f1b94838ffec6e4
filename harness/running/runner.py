"""Run each framework in a process of its own, watch what it has in hand, and go on when it dies or hangs.

Thread pools, flush-to-zero flags and allocators are global to a process, and a segfault ends it: so there is one
process a framework, and what a dead one had in hand is stored as Crashed or TimedOut before the rest goes on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from harness.model import Case, Crashed, NotRun, Outcome, Result, Target, TimedOut
from harness.running import orphan
from harness.running.journal import Line, Reader
from harness.store import Location, Store

POLL_SECONDS = 0.1
STARTS_AT_MOST = 25  # of one framework; a framework that dies on every question would go on for ever
USAGE_ERROR = 4  # pytest's exit code
EXIT_SECONDS = 30.0  # for a process to end once all was asked
START_SECONDS = 600.0  # for importing and collecting, before the first question


@dataclass(frozen=True)
class Job:
    """One framework's share: a pytest command line without the options that the runner adds."""

    name: str
    arguments: tuple[str, ...]


@dataclass
class Process:
    """A job's process and what is known of it."""

    job: Job
    directory: Path
    popen: subprocess.Popen[bytes] | None = None
    log: TextIO | None = None
    reader: Reader | None = None
    starts: int = 0
    planned: int = 0
    asked: int = 0
    in_hand: tuple[Case, Target] | None = None
    since: float = field(default_factory=time.monotonic)
    complete: bool = False  # all was asked and is stored
    finished: bool = False
    reasons: list[str] = field(default_factory=list)  # of what was not run, or why the machinery failed
    failed: bool = False
    deviating: int = 0  # answers
    not_asked: list[tuple[Case, Target]] = field(default_factory=list)  # for what earlier answers had shown
    notes: list[str] = field(default_factory=list)
    misused: str = ""  # what pytest says of an option that only the framework's process could check


Judge = Callable[[Case, Target, Outcome], Result]
Progress = Callable[[Sequence[Process]], None]


@dataclass(frozen=True)
class Runner:
    """How jobs are run.

    judge: turns what the runner itself finds (Crashed, TimedOut) into a Result.
    """

    store: Location
    uid: str
    logs: Path
    judge: Judge
    timeout_seconds: float
    threads: int
    progress: Progress

    def run(self, jobs: Iterable[Job], *, at_once: int) -> list[Process]:
        """Run all jobs, `at_once` at a time, in order; return their processes, finished.

        Once one of them is misused, all are stopped.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        processes = [Process(job, self.logs) for job in jobs]
        with Store(self.store) as store:  # what a run that is gone on with could not do then, it may do now
            store.forget_not_run(self.uid, [process.job.name for process in processes])
        try:
            while not all(process.finished for process in processes) and not any(
                process.misused for process in processes
            ):
                running = [process for process in processes if process.popen]
                waiting = [process for process in processes if not process.popen and not process.finished]
                for process in waiting[: at_once - len(running)]:
                    self._start(process)
                for process in running:
                    self._look(process)
                self.progress(processes)
                time.sleep(POLL_SECONDS)
        finally:
            for process in processes:
                if process.popen:
                    _stop(process.popen)
        return processes

    def _start(self, process: Process) -> None:
        process.starts += 1
        journal = self.logs / f"{process.job.name}.{os.getpid()}.{process.starts}.journal"
        process.reader = Reader(journal)
        process.log = (self.logs / f"{process.job.name}.log").open("a", encoding="utf-8")
        process.in_hand, process.since = None, time.monotonic()
        process.planned = process.asked  # what is left is announced anew
        options = ["--run-uid", self.uid, "--store", str(self.store), "--journal", str(journal), "--resume"]
        process.popen = subprocess.Popen(
            [sys.executable, "-m", "pytest", *process.job.arguments, *options],
            stdin=subprocess.DEVNULL,
            stdout=process.log,
            stderr=subprocess.STDOUT,
            env=os.environ
            | thread_limits(self.threads)
            | self.store.environment
            | {"PYTHONUNBUFFERED": "1", orphan.PARENT: str(os.getpid())},
            start_new_session=True,  # so that a kill reaches its children (compilers), and Ctrl-C reaches us alone
        )

    def _look(self, process: Process) -> None:
        """Read a process's journal, and act on a death or a hang."""
        assert process.popen is not None
        code = process.popen.poll()  # before reading, so that nothing written before the end is missed
        self._read(process)
        waited = time.monotonic() - process.since
        if process.complete and (code is not None or waited > EXIT_SECONDS):
            _stop(process.popen)  # all was asked; what a framework does while it is torn down is no answer
            self._close(process)
            process.finished = True
            if process.asked < process.planned:
                self._fail(process, f"{process.planned - process.asked} of {process.planned} questions got no answer")
        elif code == USAGE_ERROR:
            self._close(process)
            process.finished = True
            process.misused = self._tail(process).removeprefix("ERROR: ")
        elif code is not None:
            self._ended(
                process, Crashed(how_it_died(code)), f"pytest ended ({how_it_died(code)}): {self._tail(process)}"
            )
        elif waited > (self.timeout_seconds if process.in_hand else START_SECONDS):
            _stop(process.popen)
            self._read(process)
            self._ended(process, TimedOut(round(waited)), f"no sign of life for {waited:.0f} s")

    def _read(self, process: Process) -> None:
        """Take in new journal lines."""
        assert process.reader is not None
        for line in process.reader.lines():
            process.since = time.monotonic()
            _take(process, line)

    def _ended(self, process: Process, outcome: Outcome, reason: str) -> None:
        """Store what the process had in hand and let it go on with the rest, or give up on it."""
        self._close(process)
        if process.in_hand:
            with Store(self.store) as store:
                store.append(self.uid, [self.judge(*process.in_hand, outcome)])
            if process.starts < STARTS_AT_MOST:
                return
            reason = f"died {process.starts} times; the last time with {process.in_hand[0]} in hand"
        self._fail(process, reason)

    def _fail(self, process: Process, reason: str) -> None:
        """Give up on a process."""
        process.failed = process.finished = True
        process.reasons.append(reason)
        with Store(self.store) as store:
            store.add_not_run(
                self.uid, NotRun(process.job.name, "", "", f"{reason}; see {self.logs}/{process.job.name}.log")
            )

    def _close(self, process: Process) -> None:
        process.popen = None
        if process.log:
            process.log.close()

    def _tail(self, process: Process) -> str:
        lines = (
            (self.logs / f"{process.job.name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        )
        return lines[-1][:300] if lines else "no output"


def _take(process: Process, line: Line) -> None:
    match line.kind:
        case "plan":
            process.planned = process.asked + line.count
        case "begin" if line.case and line.target:
            process.in_hand = (line.case, line.target)
        case "end":
            process.in_hand = None
            process.asked += 1
            process.deviating += bool(line.reason)
        case "not asked" if line.case and line.target:
            process.asked += 1
            process.not_asked.append((line.case, line.target))
        case "note":
            process.notes.append(line.reason)
        case "done":
            process.complete = True
        case "not run":
            process.reasons.append(line.reason)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # Windows has no groups; or it is gone already
        process.kill()
    process.wait()


def how_it_died(code: int) -> str:
    """Name a return code: a signal's name where a signal ended the process."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}{', perhaps out of memory' if name == 'SIGKILL' else ''}"


def thread_limits(threads: int) -> dict[str, str]:
    """Return the environment that keeps every framework's pools to so many threads."""
    count = str(threads)
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1:
        flags = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    pools = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")  # NPROC is XLA's
    return dict.fromkeys(pools, count) | ({"XLA_FLAGS": flags} if flags else {})
