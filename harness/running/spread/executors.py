"""Where pieces of work go: a pool of processes here, or a Dask cluster by its scheduler's address."""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, ParamSpec, TypeVar

from harness.running import orphan

CONNECT_SECONDS = 10.0
SCHEMES = ("tcp://", "tls://")
LOGGERS = ("distributed", "distributed.client", "tornado")  # each of a level of its own
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
AGAIN = "the same command again, which goes on with what is done"
ALONE = threading.Lock()

P = ParamSpec("P")
T = TypeVar("T")


class NoExecutor(ValueError):  # noqa: N818 - said of an address
    """An executor that is not there, or that what it takes is not installed for."""


class Lost(BrokenExecutor):
    """A cluster that is gone, or that cannot read or do what it is given."""


class Cluster(Executor):
    """The workers of a Dask scheduler. A worker process does one piece at a time, however many threads it has."""

    def __init__(self, client: Any) -> None:
        """Take a connected client."""
        self.workers = len(client.nthreads())
        self._executor = client.get_executor(pure=False)

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand over a call; where the worker that does it dies, another one does it again."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pieces that are large, as goldens are
            future: Future[T] = self._executor.submit(alone, call, *args, **kwargs)
        return future


def alone(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call once no other piece is in hand in this process: precision, flags and errors' states are of a process."""
    with ALONE:
        return call(*args, **kwargs)


@contextmanager
def opened(where: str, at_once: int) -> Iterator[Executor]:
    """Yield an executor: so many processes here, or those of the Dask scheduler at an address.

    What is in hand when the block is left by an error is dropped. Raises NoExecutor, which says what to try.
    """
    if where:
        with _dask(where) as executor:
            yield executor
        return
    context = multiprocessing.get_context("spawn")  # fork and threads do not mix
    executor = ProcessPoolExecutor(at_once, context, initializer=start, initargs=(os.getpid(),))
    try:
        yield executor
        executor.shutdown()
    except BaseException:
        for helper in multiprocessing.active_children():
            helper.terminate()  # else the pool waits for what they have in hand
        executor.shutdown(cancel_futures=True)  # its thread, too, ends before the interpreter does
        raise


def start(parent: int) -> None:
    """Let a process of a pool end with its parent alone, and a framework that it will import have one thread.

    As many processes as cores are as many threads then, as on a Dask worker, whose nanny sets the same variables.

    A terminal sends Ctrl-C to all processes of a command: where one of the pool ended by it, its parent might take that
    for a worker that died, and not for an interruption.
    """
    for name in THREADS:
        os.environ.setdefault(name, "1")
    orphan.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def check(where: str) -> str:
    """Return the address of a scheduler, nothing for a pool. Raises NoExecutor for a text that is neither."""
    if where and not where.startswith(SCHEMES):
        raise NoExecutor(
            f"--executor is {where!r}, expected a Dask scheduler's address such as tcp://host:8786; "
            "try: leave it out for processes here"
        )
    return where


@contextmanager
def _dask(where: str) -> Iterator[Executor]:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise NoExecutor(
            f"--executor is {where}, and dask.distributed cannot be imported ({error}); "
            "try: pip install 'xentbench[dask]'"
        ) from error
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is said once, by us
    try:
        client = distributed.Client(check(where), timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise NoExecutor(
            f"--executor is {where}, where no Dask scheduler answers within {CONNECT_SECONDS:g} s; "
            "try: dask scheduler --host 127.0.0.1, or the address that it printed"
        ) from error
    with client:
        cluster = Cluster(client)
        if not cluster.workers:
            raise NoExecutor(f"--executor is {where}, which has no workers, expected some; try: dask worker {where}")
        if lacking := _without_us(client):
            raise NoExecutor(
                f"--executor is {where}, whose {lacking} has no xentbench, expected it where every piece is read; "
                "try: the environment of this command there"
            )
        try:
            yield cluster
        except CancelledError as error:
            raise Lost(f"scheduler {where} is gone, expected it to last; try: start it, and {AGAIN}") from error
        except distributed.KilledWorker as error:
            raise Lost(f"a piece has ended one worker of {where} after the other ({error}); try: {AGAIN}") from error


def _without_us(client: Any) -> str:
    """Return who of a cluster could not read a piece: such a worker would end, and its pieces wait for others."""
    ours = __name__.partition(".")[0]
    if client.run_on_scheduler(find_spec, ours) is None:
        return "scheduler"
    return next((f"worker {one}" for one, found in client.run(find_spec, ours).items() if found is None), "")
