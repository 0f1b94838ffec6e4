"""Worker processes, as the coordinator sees them: execnet gateways, here, in another environment or over ssh."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import execnet

from harness.adapters import frameworks
from harness.model import Failed, Unsupported
from harness.running import bytecode
from harness.timing.duel.arrays import SharedArrays
from harness.timing.duel.order import Arrays, Order, Preparation
from harness.timing.duel.pairing import Blocks, Measured
from harness.timing.duel.site import Site

ROOT = Path(__file__).parents[3]
PIECE_BYTES = 16 << 20  # of an array on its way to another machine
MEETING_SECONDS = 20e-3  # at most, for all copies of the arrays to be met before a block
TIMEOUT_SECONDS = 300.0  # for one order; torch.compile takes 40 s cold on two idle cores


class WorkerLost(RuntimeError):  # noqa: N818 - a state, not an error of ours
    """A worker process died, hung or could not be started. key: of the call it was timing, where there was one."""

    key = ""


class WorkerHung(WorkerLost):
    """A worker process gave no answer in time, and is not waited for any longer."""


class Refused(ValueError):  # noqa: N818 - an answer, not an error
    """A worker could not carry out an order: its framework does not offer it, or failed."""

    def __init__(self, outcome: Unsupported | Failed) -> None:
        """Keep what became of it."""
        super().__init__(outcome.reason)
        self.outcome = outcome


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
    os._exit(0)  # whoever gave orders is done: to tear a framework down takes as long as to import half of one


class Worker:
    """One process: orders go in, answers come out, one at a time."""

    def __init__(self, site: Site, logs: Path | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Start the process; it imports nothing of a framework before an order asks for it. Raises WorkerLost."""
        self.site = site
        self._timeout_seconds = timeout_seconds
        self._group = execnet.Group()  # of its own, so that it can be ended by itself
        self._uploaded: set[str] = set()
        variables, log = site.environment, ""
        if logs and site.here:
            variables = bytecode.variables(logs.parent, frameworks.names()) | variables
            log = str((logs / f"duel-{os.getpid()}.log").resolve())
        try:
            self._gateway = self._group.makegateway(site.started_with(variables))
            self._channel = self._gateway.remote_exec(bootstrap, root=str(ROOT), variables=variables, log=log)
        except (OSError, EOFError, execnet.HostNotFound) as error:
            raise WorkerLost(f"no worker starts at {site.spec} ({error}); try the interpreter by hand") from error

    def send(self, order: str, *arguments: Any) -> None:
        """Give an order and go on; `receive` has its answer. Raises WorkerLost."""
        try:
            self._channel.send((order, *arguments))
        except OSError as error:
            raise WorkerLost(f"the worker at {self.site.spec} is gone: {error}") from error

    def receive(self) -> Any:
        """Wait for the answer of an order. Raises WorkerLost, or Refused where the order could not be carried out."""
        try:
            state, answer = self._channel.receive(self._timeout_seconds)
        except self._channel.TimeoutError:
            waited = f"{self._timeout_seconds:g} s"
            raise WorkerHung(f"the worker at {self.site.spec} gave no answer in {waited}") from None
        except EOFError as error:
            raise WorkerLost(f"the worker at {self.site.spec} died: {error or 'no last words'}") from error
        except self._channel.RemoteError as error:
            last = str(error).strip().splitlines()[-1]
            raise WorkerLost(f"the worker at {self.site.spec} does not start: {last}") from error
        if state != "done":
            raise Refused(Unsupported(**answer) if state == "unsupported" else Failed(**answer))
        return answer

    def ask(self, order: str, *arguments: Any) -> Any:
        """Give an order and wait for its answer."""
        self.send(order, *arguments)
        return self.receive()

    def upload(self, arrays: Arrays) -> None:
        """See that the process has the arrays' files: where it does not share ours, they are sent once, in pieces."""
        for path in [] if self.site.here else [entry[0] for entry in arrays.values() if entry]:
            if path not in self._uploaded:
                self._uploaded.add(path)
                with Path(path).open("rb") as file:
                    while piece := file.read(PIECE_BYTES):
                        self.ask("append", path, piece)

    def stop(self) -> None:
        """End the process; one that hangs is killed."""
        self._group.terminate(timeout=1.0)


@dataclass
class Loaded:
    """A worker with a prepared call, which can be timed."""

    worker: Worker
    key: str
    preparation: Preparation

    @property
    def seconds(self) -> float:
        """The estimate of a call."""
        return self.preparation.seconds

    def block(self, blocks: Blocks) -> Measured:
        """Time a block, after every copy of the arrays was met twice: until then a call takes up to a third longer.

        Calls of milliseconds do not, and would take longer to be met than to be timed.
        """
        meeting = min(2 * self.preparation.copies, math.ceil(MEETING_SECONDS / self.seconds))
        untimed = max(blocks.untimed, meeting) if blocks.untimed else 0
        try:
            seconds, *counts = self.worker.ask("block", self.key, blocks.calls, blocks.stamps, untimed)
        except WorkerLost as lost:
            lost.key = self.key
            raise
        return Measured(tuple(seconds), blocks.calls, *counts)

    def unload(self) -> None:
        """Let the worker drop the call and its arrays."""
        self.worker.ask("unload", self.key)


Keyed = tuple[Worker, str, Order]  # the key: what the worker is to keep the call under
Answer = Loaded | WorkerLost | Refused


class Workers:
    """All worker processes of a session and the arrays they share; leaving it stops them."""

    def __init__(self, logs: Path | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Begin with no process. timeout_seconds: how long one order may take."""
        self._running: list[Worker] = []
        self._logs = logs
        self.timeout_seconds = timeout_seconds
        self.arrays = SharedArrays()
        if logs:
            logs.mkdir(parents=True, exist_ok=True)

    def start(self, site: Site) -> Worker:
        """Start a worker."""
        self._running.append(Worker(site, self._logs, self.timeout_seconds))
        return self._running[-1]

    def stop(self, workers: Sequence[Worker]) -> None:
        """Stop some workers, all at once, because each may take a second."""
        with ThreadPoolExecutor(max(1, len(workers))) as pool:
            list(pool.map(Worker.stop, workers))
        self._running = [worker for worker in self._running if worker not in workers]

    def load(self, worker: Worker, key: str, order: Order) -> Loaded:
        """Let a worker prepare a call, and wait until it can be timed."""
        return self.load_all([(worker, key, order)])[0]

    def load_all(self, orders: Sequence[Keyed]) -> list[Loaded]:
        """Let workers prepare a call each, all at once. Raises WorkerLost or Refused when all have answered."""
        answers = self.load_each(orders)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return [answer for answer in answers if isinstance(answer, Loaded)]

    def load_each(self, orders: Sequence[Keyed]) -> list[Answer]:
        """Let workers prepare a call each, all at once; return what came of each.

        Every answer is received, whatever the others are: one that is left would be taken for that of the next order.
        """
        answers: list[Answer] = []
        for worker, key, order in orders:
            with suppress(WorkerLost):  # which is received below
                worker.upload(order.arrays)
                worker.send("load", key, order.fields)
        for worker, key, _ in orders:
            try:
                answers.append(Loaded(worker, key, Preparation(**worker.receive())))
            except (WorkerLost, Refused) as error:
                if isinstance(error, WorkerLost):
                    error.key = key
                answers.append(error)
        return answers

    def load_in_turn(self, orders: Sequence[Keyed]) -> list[tuple[str, Answer]]:
        """Let every worker prepare its calls one by one, as many workers at once as there are cores; answers by key.

        First calls take as long as many blocks, so workers are prepared beside one another. What one of them refuses,
        no other is asked any more; nor is one that is lost.
        """
        by_worker: dict[Worker, list[Keyed]] = {}
        for order in orders:
            by_worker.setdefault(order[0], []).append(order)
        refused: set[str] = set()

        def in_turn(orders: Sequence[Keyed]) -> list[tuple[str, Answer]]:
            answers: list[tuple[str, Answer]] = []
            for order in orders:
                key = order[1]
                if key in refused:
                    continue
                (answer,) = self.load_each([order])
                answers.append((key, answer))
                if isinstance(answer, WorkerLost):
                    break
                if isinstance(answer, Refused):
                    refused.add(key)
            return answers

        pool = ThreadPoolExecutor(os.cpu_count() or 1)
        try:
            return [answer for answers in pool.map(in_turn, by_worker.values()) for answer in answers]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for what workers have in hand

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all workers and remove the files of their arrays."""
        self.stop(self._running)
        self.arrays.close()
