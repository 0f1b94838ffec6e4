"""Where pieces of work go: a pool of processes here, or a Dask cluster by its scheduler's address."""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from harness.running import orphan

CONNECT_SECONDS = 10.0
SCHEMES = ("tcp://", "tls://")


class NoExecutor(ValueError):  # noqa: N818 - said of an address
    """An executor that is not there, or that what it takes is not installed for."""


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
    """Let a process of a pool end with its parent alone.

    A terminal sends Ctrl-C to all processes of a command: where one of the pool ended by it, its parent might take that
    for a worker that died, and not for an interruption.
    """
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
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is said once, by us
    try:
        client = distributed.Client(check(where), timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise NoExecutor(
            f"--executor is {where}, where no Dask scheduler answers within {CONNECT_SECONDS:g} s; "
            "try: dask scheduler --host 127.0.0.1, or the address that it printed"
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise NoExecutor(f"--executor is {where}, which has no workers, expected some; try: dask worker {where}")
        yield client.get_executor(pure=False)
