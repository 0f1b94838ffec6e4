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
class Worker:
    """A job's process and what is known of it."""

    job: Job
    directory: Path
    process: subprocess.Popen[bytes] | None = None
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
    misused: str = ""  # what pytest says of an option that only the framework's process could check


Judge = Callable[[Case, Target, Outcome], Result]
Progress = Callable[[Sequence[Worker]], None]


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

    def run(self, jobs: Iterable[Job], *, at_once: int) -> list[Worker]:
        """Run all jobs, `at_once` at a time, in order; return their workers, finished.

        Once one of them is misused, all are stopped.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        workers = [Worker(job, self.logs) for job in jobs]
        with Store(self.store) as store:  # what a run that is gone on with could not do then, it may do now
            store.forget_not_run(self.uid, [worker.job.name for worker in workers])
        try:
            while not all(worker.finished for worker in workers) and not any(worker.misused for worker in workers):
                running = [worker for worker in workers if worker.process]
                waiting = [worker for worker in workers if not worker.process and not worker.finished]
                for worker in waiting[: at_once - len(running)]:
                    self._start(worker)
                for worker in running:
                    self._look(worker)
                self.progress(workers)
                time.sleep(POLL_SECONDS)
        finally:
            for worker in workers:
                if worker.process:
                    _stop(worker.process)
        return workers

    def _start(self, worker: Worker) -> None:
        worker.starts += 1
        journal = self.logs / f"{worker.job.name}.{os.getpid()}.{worker.starts}.journal"
        worker.reader = Reader(journal)
        worker.log = (self.logs / f"{worker.job.name}.log").open("a", encoding="utf-8")
        worker.in_hand, worker.since = None, time.monotonic()
        worker.planned = worker.asked  # what is left is announced anew
        options = ["--run-uid", self.uid, "--store", str(self.store), "--journal", str(journal), "--resume"]
        worker.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *worker.job.arguments, *options],
            stdin=subprocess.DEVNULL,
            stdout=worker.log,
            stderr=subprocess.STDOUT,
            env=os.environ
            | thread_limits(self.threads)
            | self.store.environment
            | {"PYTHONUNBUFFERED": "1", orphan.PARENT: str(os.getpid())},
            start_new_session=True,  # so that a kill reaches its children (compilers), and Ctrl-C reaches us alone
        )

    def _look(self, worker: Worker) -> None:
        """Read a worker's journal, and act on a death or a hang."""
        assert worker.process is not None
        code = worker.process.poll()  # before reading, so that nothing written before the end is missed
        self._read(worker)
        waited = time.monotonic() - worker.since
        if worker.complete and (code is not None or waited > EXIT_SECONDS):
            _stop(worker.process)  # all was asked; what a framework does while it is torn down is no answer
            self._close(worker)
            worker.finished = True
            if worker.asked < worker.planned:
                self._fail(worker, f"{worker.planned - worker.asked} of {worker.planned} questions got no answer")
        elif code == USAGE_ERROR:
            self._close(worker)
            worker.finished = True
            worker.misused = self._tail(worker).removeprefix("ERROR: ")
        elif code is not None:
            self._ended(worker, Crashed(how_it_died(code)), f"pytest ended ({how_it_died(code)}): {self._tail(worker)}")
        elif waited > (self.timeout_seconds if worker.in_hand else START_SECONDS):
            _stop(worker.process)
            self._read(worker)
            self._ended(worker, TimedOut(round(waited)), f"no sign of life for {waited:.0f} s")

    def _read(self, worker: Worker) -> None:
        """Take in new journal lines."""
        assert worker.reader is not None
        for line in worker.reader.lines():
            worker.since = time.monotonic()
            _take(worker, line)

    def _ended(self, worker: Worker, outcome: Outcome, reason: str) -> None:
        """Store what the worker had in hand and let it go on with the rest, or give up on it."""
        self._close(worker)
        if worker.in_hand:
            with Store(self.store) as store:
                store.append(self.uid, [self.judge(*worker.in_hand, outcome)])
            if worker.starts < STARTS_AT_MOST:
                return
            reason = f"died {worker.starts} times; the last time with {worker.in_hand[0]} in hand"
        self._fail(worker, reason)

    def _fail(self, worker: Worker, reason: str) -> None:
        """Give up on a worker."""
        worker.failed = worker.finished = True
        worker.reasons.append(reason)
        with Store(self.store) as store:
            store.add_not_run(
                self.uid, NotRun(worker.job.name, "", "", f"{reason}; see {self.logs}/{worker.job.name}.log")
            )

    def _close(self, worker: Worker) -> None:
        worker.process = None
        if worker.log:
            worker.log.close()

    def _tail(self, worker: Worker) -> str:
        lines = (
            (self.logs / f"{worker.job.name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        )
        return lines[-1][:300] if lines else "no output"


def _take(worker: Worker, line: Line) -> None:
    match line.kind:
        case "plan":
            worker.planned = worker.asked + line.count
        case "begin" if line.case and line.target:
            worker.in_hand = (line.case, line.target)
        case "end":
            worker.in_hand = None
            worker.asked += 1
        case "done":
            worker.complete = True
        case "not run":
            worker.reasons.append(line.reason)


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
