"""Run each framework in a process of its own, watch what it has in hand, and go on when it dies or hangs.

Thread pools, flush-to-zero flags and allocators are global to a process, and a segfault ends it: so there is one
process a framework, and what a dead one had in hand is stored as Crashed or TimedOut before the rest goes on. What is
ours, as a store that is lost or a kill from outside, is no outcome of the question in hand: it is asked again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from harness.adapters import frameworks
from harness.adapters.deaths import how_it_died
from harness.model import Case, Crashed, NotRun, Outcome, Result, Target, TimedOut
from harness.running import bytecode, orphan
from harness.running.journal import CHANGED, OURS, Reader
from harness.running.process import Job, Process
from harness.store import Location, Store

POLL_SECONDS = 0.1
DEATHS_AT_MOST = 25  # of one process; a framework that dies on every question would go on for ever
LOSSES_AT_MOST = 7  # in a row, of what is ours, each waited for twice as long as the one before: a minute
WAIT_SECONDS = 0.5  # after the first
USAGE_ERROR = 4  # pytest's exit code
EXIT_SECONDS = 30.0  # for a process to end once all was asked
START_SECONDS = 600.0  # for importing and collecting, before the first question
JOURNAL_SECONDS = 24 * 3600  # for which a journal is kept that nobody came to read to its end
LOG_BYTES = 1 << 20  # of a log, beyond which it begins anew
ROOM_BYTES = 1 << 16
OUTSIDE = frozenset(getattr(signal, name, None) for name in ("SIGKILL", "SIGTERM", "SIGHUP")) - {None}

Judge = Callable[[Case, Target, Outcome], Result]
Progress = Callable[[Sequence[Process]], None]


class Trouble(Exception):  # noqa: N818 - as it is told
    """What is ours fails again and again, as a store that is lost: the run cannot go on now."""


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

        Once one of them is misused, all are stopped. Raises Trouble where a process cannot store what it is answered,
        and StoreError where this one cannot.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        tidy(self.logs)
        processes = [Process(job, self.logs) for job in jobs]
        with Store(self.store) as store:  # what a run that is gone on with could not do then, it may do now
            store.forget_not_run(self.uid, [process.job.name for process in processes])
        try:
            while not all(process.finished for process in processes) and not any(
                process.misused for process in processes
            ):
                now = time.monotonic()
                running = [process for process in processes if process.popen]
                waiting = [one for one in processes if not (one.popen or one.finished) and one.not_before <= now]
                for process in waiting[: at_once - len(running)]:
                    self._start(process)
                for process in running:
                    self._look(process)
                self.progress(processes)
                time.sleep(POLL_SECONDS)
            with Store(self.store) as store:
                store.add_notes(self.uid, [f"{one.job.name}: {text}" for one in processes for text in one.notes])
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
        process.changed, process.lost, process.broken = False, "", ""
        options = ["--run-uid", self.uid, "--store", str(self.store), "--journal", str(journal), "--resume"]
        process.popen = subprocess.Popen(
            [process.job.python, "-m", "pytest", *process.job.arguments, *options, *process.options()],
            stdin=subprocess.DEVNULL,
            stdout=process.log,
            stderr=subprocess.STDOUT,
            env=SHARED_DEVICE
            | MEMORY
            | os.environ
            | thread_limits(self.threads)
            | self.store.environment
            | bytecode.variables(self.store.folder, frameworks.every())
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
            self._finish(process)
        elif code is not None:
            self._close(process)
            self._died(process, code)
        elif waited > (self.timeout_seconds if process.in_hand else START_SECONDS):
            _stop(process.popen)
            self._read(process)
            self._close(process)
            self._book(process, TimedOut(round(waited)), f"no sign of life for {waited:.0f} s")

    def _read(self, process: Process) -> None:
        """Take in new journal lines."""
        assert process.reader is not None
        for line in process.reader.lines():
            process.take(line)

    def _died(self, process: Process, code: int) -> None:
        """Tell apart why a process ended, and let it go on with the rest, or give up on it."""
        how = how_it_died(code)
        if process.broken:
            self._fail(process, process.broken)
        elif process.lost or (code == OURS and not writable(self.logs)):  # the code alone might be the function's own
            self._again(process, process.lost or f"folder {self.logs} cannot be written")
        elif code == CHANGED and process.changed:
            return  # it goes on where nothing is changed
        elif code == USAGE_ERROR and not process.in_hand:
            process.finished = True
            process.misused = self._tail(process).removeprefix("ERROR: ")
        elif process.in_hand and process.in_hand not in process.doubted and doubtful(process, code):
            process.doubted[process.in_hand] = how  # asked again at once, where nothing else was
            self._limit(process)
        else:
            self._book(process, Crashed(how), f"pytest ended ({how}): {self._tail(process)}")

    def _again(self, process: Process, why: str) -> None:
        """Wait before a process is started again that could not store its answers. Raises Trouble in the end."""
        process.losses += 1
        if process.losses >= LOSSES_AT_MOST:
            raise Trouble(f"{why}; no answer was counted as wrong for that")
        process.not_before = time.monotonic() + WAIT_SECONDS * 2 ** (process.losses - 1)

    def _book(self, process: Process, outcome: Outcome, reason: str) -> None:
        """Store what the process had in hand and let it go on with the rest, or give up on it."""
        if not process.in_hand:
            self._fail(process, reason)
            return
        with Store(self.store) as store:
            store.append(self.uid, [self.judge(*process.in_hand, outcome)])
        process.doubted.pop(process.in_hand, None)
        process.deaths[process.in_hand[1].implementation] += 1
        self._limit(process)

    def _limit(self, process: Process) -> None:
        """Give up on a process that has died too often."""
        deaths = process.deaths.total() + len(process.doubted)
        if deaths >= DEATHS_AT_MOST:
            hand = f"; the last time with {process.in_hand[0]} in hand" if process.in_hand else ""
            self._fail(process, f"died {deaths} times{hand}")

    def _finish(self, process: Process) -> None:
        """Note what a process has not answered, though all was asked, and what it died of once only."""
        process.finished = True
        for (case, target), how in process.doubted.items():
            said = f"the process ended ({how}) with {case}@{target} in hand, which was answered when it was asked again"
            if how_it_died(-signal.SIGKILL) == how or not process.shared:
                process.notes.append(said)
            else:
                self._fail(process, f"{said}: something that another function left behind has ended it")
        if process.unanswered > 0 or process.left_out:
            self._fail(process, process.incomplete(), failed=process.unanswered > 0)

    def _fail(self, process: Process, reason: str, *, failed: bool = True) -> None:
        """Give up on a process."""
        process.finished = True
        process.failed |= failed
        process.reasons.append(reason)
        if not reason.startswith("incomplete: "):
            reason = f"{process.incomplete()}; {reason}"
        with Store(self.store) as store:
            store.add_not_run(
                self.uid, NotRun(process.job.name, "", "", f"{reason}; see {self.logs}/{process.job.name}.log")
            )

    def _close(self, process: Process) -> None:
        """Let go of a process that has ended, and of its journal, which is read to its end."""
        process.popen = None
        if process.log:
            process.log.close()
        if process.reader:
            process.reader.remove()

    def _tail(self, process: Process) -> str:
        lines = (
            (self.logs / f"{process.job.name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        )
        return lines[-1][:300] if lines else "no output"


def doubtful(process: Process, code: int) -> bool:
    """Tell whether a process may have ended by something else than the question it had in hand."""
    return process.shared or code == OURS or -code in OUTSIDE


def writable(folder: Path) -> bool:
    """Tell whether a file can be made in a folder, and filled."""
    try:
        with TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM_BYTES))
            file.flush()
    except OSError:
        return False
    return True


def tidy(logs: Path) -> None:
    """Remove journals that nobody came to read to their end, and let logs that grew long begin anew."""
    for file in logs.iterdir():
        with suppress(OSError):  # another run may tidy too
            stat = file.stat()
            old = file.suffix == ".journal" and time.time() - stat.st_mtime > JOURNAL_SECONDS
            if old or (file.suffix == ".log" and stat.st_size > LOG_BYTES):
                file.unlink()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # Windows has no groups; or it is gone already
        process.kill()
    process.wait()


# glibc hands an array's memory back to the system once it is gone, and to get it anew takes a page fault every 4 KiB.
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 26), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}  # bytes
# Several processes share a device: one of jax would take 3/4 of its memory, and leave none to the others.
SHARED_DEVICE = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def thread_limits(threads: int) -> dict[str, str]:
    """Return the environment that keeps every framework's pools to so many threads."""
    count = str(threads)
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1:
        flags = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    pools = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")  # NPROC is XLA's
    return dict.fromkeys(pools, count) | ({"XLA_FLAGS": flags} if flags else {})
