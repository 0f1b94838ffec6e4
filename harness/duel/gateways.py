"""Worker processes, as the coordinator sees them: execnet gateways, here, in another environment or over ssh."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import execnet
import numpy as np

from harness.duel.pairing import Blocks, Measured
from harness.model import Case, Inputs, Target
from harness.runner import thread_limits

ROOT = Path(__file__).parents[2]
PIECE_BYTES = 16 << 20  # of an array on its way to another machine
TIMEOUT_SECONDS = 300.0  # for one order; torch.compile takes 40 s cold on two idle cores
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}

Arrays = dict[str, tuple[str, str, tuple[int, ...]] | None]


class WorkerLost(RuntimeError):  # noqa: N818 - a state, not an error of ours
    """A worker process died, hung or could not be started."""


class Refused(ValueError):  # noqa: N818 - an answer, not an error
    """A worker could not do what it was told: the framework offers it not, or raised."""


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
        return cls(chosen, threads, tuple((QUIET | dict(variables)).items()))


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
    from harness.duel import worker  # noqa: PLC0415

    worker.serve(channel)


class Worker:
    """One process: orders go in, answers come out, one at a time."""

    def __init__(self, group: execnet.Group, place: Place, log: str = "") -> None:
        """Start the process; it imports nothing of a framework before it is told to. Raises WorkerLost."""
        self.place = place
        variables = thread_limits(place.threads) | dict(place.variables)
        try:
            self._gateway = group.makegateway(started_with(place.spec, variables))
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

    def hear(self, timeout: float = TIMEOUT_SECONDS) -> Any:
        """Wait for the answer of an order. Raises WorkerLost, or Refused where the order could not be carried out."""
        try:
            state, answer = self._channel.receive(timeout)
        except self._channel.TimeoutError:
            raise WorkerLost(f"the worker at {self.place.spec} gave no answer in {timeout:g} s") from None
        except EOFError as error:
            raise WorkerLost(f"the worker at {self.place.spec} died: {error or 'no last words'}") from error
        except self._channel.RemoteError as error:
            last = str(error).strip().splitlines()[-1]
            raise WorkerLost(f"the worker at {self.place.spec} does not start: {last}") from error
        if state != "done":
            raise Refused(str(answer))
        return answer

    def ask(self, order: str, *arguments: Any) -> Any:
        """Give an order and wait for its answer."""
        self.tell(order, *arguments)
        return self.hear()


@dataclass
class Seat:
    """A worker with one question in hand: what a duel times."""

    worker: Worker
    key: str
    held: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """The estimate of a call."""
        return self.held["seconds"]

    def block(self, blocks: Blocks) -> Measured:
        """Time a block, after every copy of the arrays was met twice: until then a call takes up to a third longer."""
        untimed = max(blocks.untimed, 2 * int(self.held["copies"])) if blocks.untimed else 0
        seconds, *counts = self.worker.ask("block", self.key, blocks.calls, blocks.stamps, untimed)
        return Measured(tuple(seconds), blocks.calls, *counts)

    def leave(self) -> None:
        """Let the worker drop the question."""
        self.worker.ask("drop", self.key)


class Deposit:
    """A folder of arrays that workers map into memory; workers on other machines get copies of their own."""

    def __init__(self) -> None:
        """Make the folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="xentbench-")
        self._known: dict[str, Arrays] = {}
        self._sent: set[tuple[int, str]] = set()

    def put(self, name: str, draw: Callable[[], Inputs]) -> Arrays:
        """Write the arrays of a name, drawn when it is first met; return what `Question` says of them."""
        if name in self._known:
            return self._known[name]
        inputs, found = draw(), Arrays()
        for part, array in (("logits", inputs.logits), ("labels", inputs.labels), ("upstream", inputs.upstream)):
            if array is None:
                found[part] = None
                continue
            path = Path(self._folder.name) / f"{name}-{part}"
            np.ascontiguousarray(array).tofile(path)
            found[part] = (str(path), array.dtype.name, array.shape)
        self._known[name] = found
        return found

    def send(self, worker: Worker, arrays: Arrays) -> None:
        """See that a worker has the arrays' files."""
        for told in arrays.values() if not worker.place.here else ():
            if told is None or (id(worker), told[0]) in self._sent:
                continue
            self._sent.add((id(worker), told[0]))
            with Path(told[0]).open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    worker.ask("receive", told[0], piece)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()


class Staff:
    """All workers of a session and the arrays they share; leaving it ends them."""

    def __init__(self, logs: Path | None = None) -> None:
        """Start with no worker."""
        self._group = execnet.Group()
        self._logs = logs
        self.deposit = Deposit()
        if logs:
            logs.mkdir(parents=True, exist_ok=True)

    def hire(self, place: Place) -> Worker:
        """Start a worker."""
        log = str((self._logs / f"duel-{os.getpid()}.log").resolve()) if self._logs else ""
        return Worker(self._group, place, log)

    def seat(self, worker: Worker, key: str, question: Question) -> Seat:
        """Give a worker a question, and wait until it is ready to be timed."""
        self.deposit.send(worker, question.arrays)
        return Seat(worker, key, worker.ask("hold", key, question.told))

    def seat_all(self, given: Sequence[tuple[Worker, str, Question]]) -> list[Seat]:
        """Give many workers a question each, at once; none of them twice."""
        for worker, key, question in given:
            self.deposit.send(worker, question.arrays)
            worker.tell("hold", key, question.told)
        return [Seat(worker, key, worker.hear()) for worker, key, _ in given]

    def __enter__(self) -> Self:
        """Return the staff."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers and remove their files."""
        self._group.terminate(timeout=1.0)
        self.deposit.close()
