"""Worker processes, as the coordinator sees them: execnet gateways, here, in another environment or over ssh."""

from __future__ import annotations

import math
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import execnet

from harness.model import Case, Target
from harness.running.runner import thread_limits
from harness.timing.duel.deposit import Arrays, Deposit
from harness.timing.duel.pairing import Blocks, Measured

ROOT = Path(__file__).parents[3]
MEETING_SECONDS = 20e-3  # at most, for all copies of the arrays to be met before a block
TIMEOUT_SECONDS = 300.0  # for one order; torch.compile takes 40 s cold on two idle cores
STARTED_WITH = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # several processes share a device; one would take 3/4 of its memory
}


class WorkerLost(RuntimeError):  # noqa: N818 - a state, not an error of ours
    """A worker process died, hung or could not be started. key: of the question it had in hand, where it had one."""

    key = ""


class WorkerHung(WorkerLost):
    """A worker process gave no answer in time, and is not waited for any longer."""


class Refused(ValueError):  # noqa: N818 - an answer, not an error
    """A worker could not do what it was told. state: `unsupported` where the framework says so, else `failed`."""

    def __init__(self, reason: str, state: str) -> None:
        """Keep both."""
        super().__init__(reason)
        self.state = state


@dataclass(frozen=True)
class Place:
    """Where workers run. spec: execnet's, such as `popen` or `ssh=host//python=/opt/env/bin/python`."""

    spec: str = "popen"
    threads: int = 1
    variables: tuple[tuple[str, str], ...] = ()  # set before the process starts

    @property
    def here(self) -> bool:
        """Tell whether workers share this machine's files."""
        return self.spec.startswith("popen")

    @classmethod
    def of(cls, python: str, spec: str, threads: int, variables: Mapping[str, str]) -> Place:
        """Make a place of an interpreter's path or of a spec, which wins."""
        chosen = spec or (f"popen//python={python}" if python else "popen")
        return cls(chosen, threads, tuple((STARTED_WITH | dict(variables)).items()))


def started_with(spec: str, variables: Mapping[str, str]) -> str:
    """Return a spec whose interpreter starts with these variables: libc reads its own before Python runs.

    execnet's `env:` sets them inside the process, which is too late for malloc. Windows has no `env`.
    """
    parts = spec.split("//")
    given = next((part for part in parts if part.startswith("python=")), "")
    python = given.removeprefix("python=") or (shlex.quote(sys.executable) if spec.startswith("popen") else "python3")
    if os.name != "posix":
        return spec
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items() if "//" not in value)
    return "//".join([*(part for part in parts if part != given), f"python=env {settings} {python}"])


@dataclass(frozen=True)
class Question:
    """What a worker is to prepare: a case asked of a target, with its arrays in files."""

    case: Case
    target: Target
    file: str  # whose function the target is; empty for a framework's own
    arrays: Arrays
    outgrow_bytes: int
    graph: bool = False  # replay what a device was told once, where the framework can

    @property
    def told(self) -> dict[str, Any]:
        """The question in plain values."""
        of = self.target.implementation
        return {
            "framework": of.framework,
            "name": of.name,
            "file": self.file,
            "mode": self.target.mode,
            "device": self.target.device,
            "op": self.case.op.name,
            "options": self.case.op.options,
            "quantity": self.case.quantity,
            "arrays": self.arrays,
            "outgrow_bytes": self.outgrow_bytes,
            "graph": self.graph,
        }


def bootstrap(channel, root, variables, log):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D103
    # Sent as source, so it stands alone: what it needs is imported where it runs.
    import os  # noqa: PLC0415
    import sys  # noqa: PLC0415

    os.environ.update(variables)  # before any framework is imported
    if os.path.isdir(root):  # noqa: PTH112
        sys.path.insert(0, root)
    try:
        sink = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(sink, 2)  # frameworks print while they are imported
    except OSError:
        pass
    from harness.timing.duel import worker  # noqa: PLC0415

    worker.serve(channel)


class Worker:
    """One process: orders go in, answers come out, one at a time."""

    def __init__(self, place: Place, log: str = "", timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Start the process; it imports nothing of a framework before it is told to. Raises WorkerLost."""
        self.place = place
        self._timeout_seconds = timeout_seconds
        self._group = execnet.Group()  # of its own, so that it can be ended by itself
        variables = thread_limits(place.threads) | dict(place.variables)
        try:
            self._gateway = self._group.makegateway(started_with(place.spec, variables))
            self._channel = self._gateway.remote_exec(
                bootstrap, root=str(ROOT), variables=variables, log=log if place.here else ""
            )
        except (OSError, EOFError, execnet.HostNotFound) as error:
            raise WorkerLost(f"no worker starts at {place.spec} ({error}); try the interpreter by hand") from error

    def tell(self, order: str, *arguments: Any) -> None:
        """Give an order and go on; `hear` has its answer. Raises WorkerLost."""
        try:
            self._channel.send((order, *arguments))
        except OSError as error:
            raise WorkerLost(f"the worker at {self.place.spec} is gone: {error}") from error

    def hear(self) -> Any:
        """Wait for the answer of an order. Raises WorkerLost, or Refused where the order could not be carried out."""
        try:
            state, answer = self._channel.receive(self._timeout_seconds)
        except self._channel.TimeoutError:
            waited = f"{self._timeout_seconds:g} s"
            raise WorkerHung(f"the worker at {self.place.spec} gave no answer in {waited}") from None
        except EOFError as error:
            raise WorkerLost(f"the worker at {self.place.spec} died: {error or 'no last words'}") from error
        except self._channel.RemoteError as error:
            last = str(error).strip().splitlines()[-1]
            raise WorkerLost(f"the worker at {self.place.spec} does not start: {last}") from error
        if state != "done":
            raise Refused(str(answer), state)
        return answer

    def ask(self, order: str, *arguments: Any) -> Any:
        """Give an order and wait for its answer."""
        self.tell(order, *arguments)
        return self.hear()

    def end(self) -> None:
        """End the process; one that hangs is killed."""
        self._group.terminate(timeout=1.0)


@dataclass
class Seat:
    """A worker with one question in hand: what a duel times."""

    worker: Worker
    key: str
    held: Mapping[str, Any]  # what the order `hold` returns

    @property
    def seconds(self) -> float:
        """The estimate of a call."""
        return float(self.held["seconds"])

    def block(self, blocks: Blocks) -> Measured:
        """Time a block, after every copy of the arrays was met twice: until then a call takes up to a third longer.

        Calls of milliseconds do not, and would take longer to be met than to be timed.
        """
        meeting = min(2 * int(self.held["copies"]), math.ceil(MEETING_SECONDS / self.seconds))
        untimed = max(blocks.untimed, meeting) if blocks.untimed else 0
        try:
            seconds, *counts = self.worker.ask("block", self.key, blocks.calls, blocks.stamps, untimed)
        except WorkerLost as lost:
            lost.key = self.key
            raise
        return Measured(tuple(seconds), blocks.calls, *counts)

    def leave(self) -> None:
        """Let the worker drop the question."""
        self.worker.ask("drop", self.key)


class Staff:
    """All workers of a session and the arrays they share; leaving it ends them."""

    def __init__(self, logs: Path | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Start with no worker. timeout_seconds: how long one order may take."""
        self._workers: list[Worker] = []
        self._logs = logs
        self.timeout_seconds = timeout_seconds
        self.deposit = Deposit()
        if logs:
            logs.mkdir(parents=True, exist_ok=True)

    def hire(self, place: Place) -> Worker:
        """Start a worker."""
        log = str((self._logs / f"duel-{os.getpid()}.log").resolve()) if self._logs else ""
        self._workers.append(Worker(place, log, self.timeout_seconds))
        return self._workers[-1]

    def dismiss(self, workers: Sequence[Worker]) -> None:
        """End some workers, all at once, because each may take a second."""
        with ThreadPoolExecutor(max(1, len(workers))) as pool:
            list(pool.map(Worker.end, workers))
        self._workers = [worker for worker in self._workers if worker not in workers]

    def seat(self, worker: Worker, key: str, question: Question) -> Seat:
        """Give a worker a question, and wait until it is ready to be timed."""
        return self.seat_all([(worker, key, question)])[0]

    def seat_all(self, given: Sequence[tuple[Worker, str, Question]]) -> list[Seat]:
        """Give many workers a question each, at once. Raises WorkerLost or Refused when all have answered."""
        found = self.seat_each(given)
        for error in found:
            if isinstance(error, Exception):
                raise error
        return [seat for seat in found if isinstance(seat, Seat)]

    def seat_each(self, given: Sequence[tuple[Worker, str, Question]]) -> list[Seat | WorkerLost | Refused]:
        """Give many workers a question each, at once; return what came of each.

        Every answer is heard, whatever the others are: one that is left would be taken for that of the next order.
        """
        found: list[Seat | WorkerLost | Refused] = []
        for worker, key, question in given:
            with suppress(WorkerLost):  # which is heard below
                self.deposit.send(worker, question.arrays)
                worker.tell("hold", key, question.told)
        for worker, key, _ in given:
            try:
                found.append(Seat(worker, key, worker.hear()))
            except (WorkerLost, Refused) as error:
                if isinstance(error, WorkerLost):
                    error.key = key
                found.append(error)
        return found

    def __enter__(self) -> Self:
        """Return the staff."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers and remove their files."""
        self.dismiss(self._workers)
        self.deposit.close()
